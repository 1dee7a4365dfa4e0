"""Templates written inline, judged: what every test of a family begins with."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rules.seam.discovery import every_rule
from rules.seam.judging import Judged
from topology.tree import load

Write = Callable[..., Path]
Say = Callable[..., list[str]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Templates as files of one directory: write(root="…", child="…"); the root's path."""

    def written(root: str, **others: str) -> Path:
        for name, text in {"root": root, **others}.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        return tmp_path / "root.yaml"

    return written


@pytest.fixture
def say(write: Write) -> Say:
    """What the rules of which the id begins so say: say("E95", root="…", child="…").

    Each finding as `file:line: id message`, in the order of files and lines. Demands are heard too, though a
    template says no environment.
    """

    def said(ids: str, root: str, **others: str) -> list[str]:
        judged = Judged(load(write(root, **others)))
        asked = [replace(rule, demanding=False) for rule in every_rule() if rule.id.startswith(ids)]
        assert asked, f"no rule has an id that begins with {ids}"
        found = [(placed, rule) for rule in asked for placed in judged.said(rule)]
        found.sort(key=lambda pair: (pair[0].file.name, pair[0].line, pair[1].id))
        return [f"{placed.file.name}:{placed.line}: {rule.id} {placed.message}" for placed, rule in found]

    return said
