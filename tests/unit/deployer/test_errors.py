"""Every error of the package, wherever it stands: its place in the tree, its exit code, its way out."""

import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest

import deployer
from deployer import errors
from deployer.errors import DeployerError, Interrupted, LetRun, UsageError

# A command, an option, a file, a page, or a variable of the environment: what somebody can do now.
WAY_OUT = re.compile(
    r"`(python|aws|docker) |pip install|--[a-z]|\w+/\S+\.(ya?ml|json|md|py)|constraints\.txt"
    r"|\b[A-Z]{2,}(_[A-Z]+)+\b|\{(options?|again|look|mend)\}"
)
# Bases that only hand on what they were given, and those whose field brings the command: refusal.py.
HANDED_ON = {"DeployerError", "UsageError", "CannotCancel"}
# AWS's own sentence, or a stack's: what to do depends on it; of the second `diagnose` is told at once.
TOLD_BY_AWS = {"ServiceError", "DeploymentFailed", "Diagnosed"}
# What the person at the keyboard decided, and nothing to mend.
DECIDED = {"Cancelled", "Interrupted", "Mistyped", "NotApproved", "Unread"}
BESIDE = HANDED_ON | TOLD_BY_AWS | DECIDED


def below(base: type[DeployerError]) -> Iterator[type[DeployerError]]:
    yield base
    for each in base.__subclasses__():
        yield from below(each)


def every() -> list[type[DeployerError]]:
    for module in pkgutil.walk_packages(deployer.__path__, "deployer."):
        importlib.import_module(module.name)
    return [each for each in below(DeployerError) if each.__module__.startswith("deployer.")]


EVERY = every()


@pytest.mark.parametrize("error", EVERY, ids=lambda error: error.__name__)
def test_an_error_names_what_mends_it(error: type[DeployerError]) -> None:
    assert bool(WAY_OUT.search(error.__doc__ or "")) is (error.__name__ not in BESIDE), error.__doc__


@pytest.mark.parametrize("error", EVERY, ids=lambda error: error.__name__)
def test_an_error_exits_with_2_for_wrong_usage_130_when_interrupted_else_1(
    error: type[DeployerError],
) -> None:
    usage, left = issubclass(error, UsageError), issubclass(error, (Interrupted, LetRun))
    assert error.exit_code == (2 if usage else 130 if left else 1)


def test_no_two_errors_have_one_name() -> None:
    assert len({error.__name__ for error in EVERY}) == len(EVERY)


def drawn(error: type[DeployerError], rails: str = "", branch: str = "") -> Iterator[str]:
    """Its own line and those of what is below it: of errors.py in its order, then by module."""
    home = error.__module__.removeprefix("deployer.")
    said = {"DeployerError": "exit 1", "UsageError": "exit 2: nothing was touched"}.get(error.__name__, "")
    said = "exit 130" if error.exit_code == 130 else home if home != "errors" else said
    yield f"{rails}{branch}{error.__name__}".ljust(31 if said else 0) + said
    inside = rails + {"├── ": "│   ", "└── ": "    ", "": ""}[branch]
    children = sorted((each for each in error.__subclasses__() if each in EVERY), key=_order)
    for child in children:
        yield from drawn(child, inside, "└── " if child is children[-1] else "├── ")


def _order(error: type[DeployerError]) -> tuple[str, int]:
    own = error.__module__ == errors.__name__
    written = list(vars(importlib.import_module(error.__module__)))
    return "" if own else error.__module__, written.index(error.__name__)


def test_the_tree_shows_every_error_and_where_it_stands() -> None:
    assert errors.__doc__ is not None
    assert errors.__doc__.rstrip().split("\n\n", 1)[1].splitlines() == list(drawn(DeployerError))
