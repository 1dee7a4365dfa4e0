"""docs/rotation.md against the function: each step, each kind of error and what the log says is on it."""

import re
from pathlib import Path

import pytest

from rotation import errors
from rotation.database import PASSING
from rotation.errors import RotationError
from rotation.steps import STEPS
from rotation.versions import PENDING

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "rotation.md").read_text(encoding="utf-8")
SOURCES = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "rotation").glob("*.py"))
KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and kind is not RotationError]
ROWS = re.findall(r"^\| ([^|]+) \| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("step", STEPS)
def test_each_step_is_in_the_picture(step: str) -> None:
    (picture,) = re.findall(r"## The ceremony\n\n```\n(.*?)```", PAGE, re.DOTALL)
    assert step in picture


def test_each_kind_of_error_has_its_rows_and_no_other_has() -> None:
    assert {kind for _, kind, _, _ in ROWS} == {kind.__name__ for kind in KINDS}
    assert all(mends.strip() for *_, mends in ROWS)


def test_what_the_page_quotes_is_what_the_function_says() -> None:
    said = re.sub(r'"\s*\n\s*f?"', "", SOURCES)  # a text that goes over several lines
    said = said.replace("{PENDING}", PENDING)
    quoted = [
        text
        for _, kind, says, _ in ROWS
        if kind not in ("DatabaseUnreachable", "PrivilegesWrong")
        for text in re.findall(r"`([^`]+)`", says)
    ]
    assert len(quoted) > 8
    for text in quoted:
        for part in text.split("…"):
            assert part.strip().strip("'") in said, text


def test_what_passes_by_itself_is_told_by_its_code() -> None:
    told = set(re.findall(r"\((\w{5})\)", PAGE))
    assert told <= PASSING.keys()
    assert {"53300", "55P03", "25006", "57P01", "57P03"} <= told
