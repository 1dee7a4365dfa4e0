"""Small trees and contents to draw."""

from collections.abc import Callable
from pathlib import Path

import pytest

from topology.diagram.content import Box, Content, Frame
from topology.diagram.faces import Face
from topology.diagram.flows import Flow, What
from topology.tree import Tree, load

MakeTree = Callable[[str], Tree]


@pytest.fixture
def tree(tmp_path: Path) -> MakeTree:
    """A tree of one template, given as text under `Resources:`."""

    def made(resources: str) -> Tree:
        (tmp_path / "plant.yaml").write_text(f"Resources:\n{resources}", encoding="utf-8")
        return load(tmp_path / "plant.yaml", "Plant")

    return made


def frame(name: str, *boxes: str, zone: str = "") -> Frame:
    made = tuple(Box(box, Face(box, ())) for box in boxes or (name,))
    return Frame(f"{name}@{zone}", name, zone, made)


def content(frames: list[Frame], *flows: Flow) -> Content:
    return Content("prod", tuple(frames), (), (), flows)


def reading(source: str, target: str) -> Flow:
    return Flow(source, target, What.READINGS)
