from pathlib import Path

import pytest

from processor.__main__ import main
from processor.alarms.recording import RecordingError, recorded

LIMIT = '{"kind": "limit", "high": 80}'


def written(directory: Path, text: str) -> Path:
    file = directory / "recording.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_each_column_is_a_point_in_the_order_of_time(tmp_path: Path) -> None:
    file = written(tmp_path, "time,temp,speed\n1970-01-01 00:00:02,2,\n1970-01-01T01:00:01+01:00,1,7\n")
    (temp, first), (speed, second) = recorded(file)
    assert (temp, first.ts.tolist(), first.value.tolist()) == ("temp", [1_000_000, 2_000_000], [1.0, 2.0])
    assert (speed, second.ts.tolist(), second.value.tolist()) == ("speed", [1_000_000], [7.0])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must have a line of names"),
        ("time\n2026-03-01\n", "must have a line of names"),
        ("time,temp\n2026-03-01 00:00:00,1,2\n", "line 2: has 3 cells and must have 2"),
        ("time,temp\n2026-03-01 00:00:00,1\n1 March,1\n", "line 3: the time '1 March' must be"),
        ("time,temp\n2026-03-01 00:00:00,warm\n", "line 2: 'warm' must be a number"),
    ],
)
def test_a_mistake_names_the_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(RecordingError) as refused:
        list(recorded(written(tmp_path, text)))
    assert says in str(refused.value)


def test_it_is_tried_without_database_and_environment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, "time,temp\n2026-03-01 00:00:00,90\n2026-03-01 00:01:00,70\n")
    assert main(["rules", "try", "--file", str(file), "--definition", LIMIT]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("temp  since 2026-03-01T00:00:00+00:00")
    assert told[1:] == ["1 alarm would have been raised"]


def test_a_file_that_is_not_there_is_one_line_and_exit_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "try", "--file", "/nowhere.csv", "--definition", LIMIT]) == 1
    assert capsys.readouterr().err.startswith("rules: /nowhere.csv cannot be read")
