"""Every break there is: it applies where it says, and what comes of it is a tree that rules can read."""

import json
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from mutation.breaking import ENVIRONMENTS, PACKAGE, BadBreak, broken
from mutation.clean import Clean, clean
from mutation.discovery import every_break
from mutation.draft import Body, Draft
from topology.tree import load

TEMPLATES = Path(__file__).parents[3] / "templates"
BREAKS = every_break()
FAMILIES = ("reach", "grants", "secrets", "ingest", "durability", "containers", "signals")


@cache
def emitted(environment: str) -> Clean:
    return clean(TEMPLATES / environment)


@cache
def edited(environment: str) -> dict[str, dict[str, Body]]:
    """The title of each break → what it changes."""
    found = (one for one in BREAKS if environment in one.environments)
    return {one.title: emitted(environment).edited_by(one) for one in found}


def test_there_are_enough_in_every_family_and_environment() -> None:
    assert set(FAMILIES) == {one.family for one in BREAKS}
    counted = Counter((one.family, environment) for one in BREAKS for environment in one.environments)
    assert min(counted.values()) >= 20
    assert len(counted) == len(FAMILIES) * len(ENVIRONMENTS)


def test_no_two_say_the_same() -> None:
    assert len({one.title for one in BREAKS}) == len(BREAKS)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_break_applies_and_no_two_are_the_same_edit(environment: str) -> None:
    made: dict[str, str] = {}
    for title, changed in edited(environment).items():
        text = json.dumps(changed)
        assert text not in made, f"{title} is {made[text]}"
        made[text] = title


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_is_broken_is_still_a_tree(environment: str) -> None:
    whole = emitted(environment)
    for title, changed in edited(environment).items():
        bodies = {**whole.bodies, **changed}
        for root in whole.roots:
            tree = load(Path(root), reader=lambda file, of=bodies: (of[file.name], {}))  # type: ignore[misc]
            assert all(resource.kind for resource in tree.resources()), title


def edit(_draft: Draft) -> None:
    pass


edit.__module__ = f"{PACKAGE}reach.routes"


def test_a_break_is_named_by_its_function_and_its_family_by_its_place() -> None:
    declared = broken(why="it does not work")(edit)
    assert (declared.title, declared.environments) == ("reach: edit", ENVIRONMENTS)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"why": ""}, "says not what it breaks"),
        ({"why": "It does not work."}, "is not one line"),
        ({"why": "it\nbreaks"}, "is not one line"),
        ({"why": "a | b"}, "is not one line"),
        ({"why": "it breaks", "survives": "Nobody knows."}, "is not one line"),
        ({"why": "it breaks", "source": "some page"}, "its source is no page"),
        ({"why": "it breaks", "only": ("test",)}, "there are dev, prod"),
        ({"why": "it breaks", "only": ()}, "there are dev, prod"),
    ],
)
def test_a_break_that_is_declared_badly_is_refused(parts: dict[str, object], said: str) -> None:
    with pytest.raises(BadBreak, match=said):
        broken(**parts)(edit)  # type: ignore[arg-type]
