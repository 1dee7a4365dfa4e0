"""docs/deployer-states.md: its tests are there, and no state, command or exit code is left out."""

import ast
import re
from functools import cache

import pytest

from deployer import states
from deployer.commands import deploy
from deployer.commands.invocation import EXIT_CODES
from deployer.paths import ROOT

PAGE = (ROOT / "docs" / "deployer-states.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith(("| state |", "| complaint |", "| row |", "| what |"))
]
NAMED = sorted(set(re.findall(r"`((?:\w+/)*test_\w+\.py)::(test_\w+)`", PAGE)))


@cache
def functions(file: str) -> frozenset[str]:
    """The test functions of a file; a name without a folder is beside this one."""
    folder = "tests" if "/" in file else "tests/unit/deployer"
    tree = ast.parse((ROOT / folder / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_each_named_test_is_there(file: str, test: str) -> None:
    assert test in functions(file)


def test_each_row_names_a_test_and_nothing_else_in_its_last_cell() -> None:
    for row in ROWS:
        assert re.fullmatch(r"`(\w+/)*test_\w+\.py::test_\w+`(, `(\w+/)*test_\w+\.py::test_\w+`)*", row[-1])


def test_every_state_that_takes_no_change_has_a_row() -> None:
    told = set(re.findall(r"`([A-Z_]+)`", " ".join(row[0] for row in ROWS)))

    assert {*states.STUCK, "REVIEW_IN_PROGRESS", "UPDATE_FAILED"} <= told


def test_every_command_and_exit_code_has_a_row() -> None:
    first = [row[0] for row in ROWS]
    codes = " ".join(cell for cell in first if cell[0].isdigit())

    assert set(deploy.commands) <= {cell.strip("`") for cell in first}
    assert {code for code, _ in EXIT_CODES} <= set(re.findall(r"\d+", codes))
