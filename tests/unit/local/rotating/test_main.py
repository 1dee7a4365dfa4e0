"""What is refused before anything is started."""

import pytest

from local.rotating.__main__ import main


@pytest.mark.parametrize("arguments", [["--for", "0"], ["--every", "-1"], ["--rate", "much"], ["--fast"]])
def test_what_cannot_be_is_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert arguments[0] in capsys.readouterr().err
