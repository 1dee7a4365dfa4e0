"""Small trees and contents to draw."""

from collections.abc import Callable
from pathlib import Path

import pytest

from topology.tree import Tree, load

MakeTree = Callable[[str], Tree]


@pytest.fixture
def tree(tmp_path: Path) -> MakeTree:
    """A tree of one template, given as text under `Resources:`."""

    def made(resources: str) -> Tree:
        (tmp_path / "plant.yaml").write_text(f"Resources:\n{resources}", encoding="utf-8")
        return load(tmp_path / "plant.yaml", "Plant")

    return made
