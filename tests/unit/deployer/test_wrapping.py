"""Sentences as lines."""

import pytest

from deployer.wrapping import paragraphs, wrapped

COMMAND = "`python deploy.py recover dev --skip Outer/Inner/First`"
ARN = "arn:aws:sns:eu-west-2:111122223333:millrace-dev-Outer-Inner-First-7B68E24ACD7DA"


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_command_and_an_arn_are_whole_and_nothing_else_is_wider(width: int) -> None:
    lines = wrapped(f"  the roll-back met {ARN} and stopped: go on with {COMMAND} or leave it", width)

    assert all(len(line) <= width or line.strip() in {ARN, COMMAND} for line in lines)
    assert " ".join(" ".join(lines).split()) == (
        f"the roll-back met {ARN} and stopped: go on with {COMMAND} or leave it"
    )
    assert [len(line) - len(line.lstrip()) for line in lines] == [2, *[4] * (len(lines) - 1)]


def test_a_line_that_begins_with_a_long_word_keeps_its_indentation() -> None:
    assert wrapped(f"    {ARN} is gone", 40) == [f"    {ARN}", "      is gone"]


def test_lines_are_wrapped_each_by_itself_and_an_empty_one_stays() -> None:
    assert paragraphs("one two\n\nthree", 5) == "one\n  two\n\nthree"
