"""Lines out of a pipe, however it cuts them."""

import os
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.engine.lines import Lines, widen
from processor.engine.messages import ProtocolError


def lines_of(chunks: list[bytes], longest: int = 1000) -> Lines:
    waiting = list(chunks)

    def read(descriptor: int, most: int) -> bytes:
        assert all(len(chunk) <= most for chunk in chunks)
        return waiting.pop(0) if waiting else b""

    return Lines(0, longest, read)


def all_of(lines: Lines) -> list[bytes]:
    found = []
    while (line := lines.next()) is not None:
        found.append(bytes(line))
    return found


@given(
    st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"")), max_size=8),
    st.lists(st.integers(0, 200), max_size=20),
)
def test_the_same_lines_come_out_of_any_chunks(lines: list[bytes], cuts: list[int]) -> None:
    text = b"".join(line + b"\n" for line in lines)
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    chunks = [text[start:end] for start, end in pairwise(places)]
    assert all_of(lines_of([chunk for chunk in chunks if chunk])) == lines


@given(st.binary(min_size=1, max_size=50).filter(lambda rest: b"\n" not in rest))
def test_a_line_that_the_end_cuts_off_is_told(rest: bytes) -> None:
    lines = lines_of([b"whole\n" + rest])
    assert lines.next() == b"whole"
    with pytest.raises(ProtocolError, match=f"cut off after {len(rest)} bytes"):
        lines.next()


@pytest.mark.parametrize("chunks", [[b"x" * 11 + b"\n"], [b"x" * 11], [b"x" * 6, b"x" * 5 + b"\n"]])
def test_a_line_that_is_too_long_is_refused_wherever_it_ends(chunks: list[bytes]) -> None:
    with pytest.raises(ProtocolError, match="11 bytes or more, and 10 are allowed: lower BATCH_RECORDS"):
        lines_of(chunks, 10).next()


def test_a_line_too_long_behind_a_whole_one_is_refused() -> None:
    lines = lines_of([b"short\n" + b"x" * 11 + b"\n"], 10)
    assert lines.next() == b"short"
    with pytest.raises(ProtocolError, match="11 bytes"):
        lines.next()


def test_the_longest_line_passes() -> None:
    assert all_of(lines_of([b"x" * 10 + b"\n"], 10)) == [b"x" * 10]


def test_a_pipe_is_widened_and_a_file_is_left_as_it_is() -> None:
    reading, writing = os.pipe()
    try:
        widen(reading)
        assert os.write(writing, b"x" * 200_000) == 200_000  # nobody reads, and it does not block
    finally:
        os.close(reading)
        os.close(writing)
    null = os.open(os.devnull, os.O_RDONLY)
    widen(null)
    os.close(null)
