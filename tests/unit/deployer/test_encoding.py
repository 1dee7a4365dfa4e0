"""Text for streams that have no more than ASCII."""

import io

import pytest

from deployer.encoding import adapt, encodes

TEXT = "│  └─ ± Queue: 1 → 2… né"
ASCII = b"|  `- +- Queue: 1 -> 2~ n?"


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


def written(stream: io.TextIOWrapper) -> bytes:
    adapt(stream)
    stream.write(TEXT)
    stream.flush()
    raw = stream.buffer
    assert isinstance(raw, io.BytesIO)
    return raw.getvalue()


@pytest.fixture(autouse=True)
def locale(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        monkeypatch.delenv(name, raising=False)


def test_an_encoding_without_rails_and_arrows_gets_ascii() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")

    assert written(stream) == ASCII
    assert not encodes(stream)


@pytest.mark.parametrize(("variable", "value"), [("LC_ALL", "C"), ("LC_CTYPE", "POSIX"), ("LANG", "C")])
def test_a_terminal_of_the_c_locale_gets_ascii_though_python_would_write_utf_8(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    assert written(Terminal(io.BytesIO(), encoding="utf-8")) == ASCII
    assert written(io.TextIOWrapper(io.BytesIO(), encoding="utf-8")) == TEXT.encode()


@pytest.mark.parametrize("value", ["C.UTF-8", "en_GB.UTF-8", ""])
def test_any_other_terminal_gets_the_text_as_it_is(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("LC_ALL", value)
    stream = Terminal(io.BytesIO(), encoding="utf-8")

    assert written(stream) == TEXT.encode()
    assert encodes(stream)


def test_a_stream_of_a_programs_own_is_left_alone() -> None:
    stream = io.StringIO()

    adapt(stream)

    assert encodes(stream)
