"""docs/architecture.svg: the platform as its templates say it is."""

from collections.abc import Mapping
from pathlib import Path

from topology.diagram.content import content
from topology.diagram.drawing import svg
from topology.diagram.placing import placed
from topology.tree import Tree
from topology.yaml_template import BadTemplate

PICTURE = Path("docs/architecture.svg")
SHOWN_ENVIRONMENT = "prod"  # the one that a plant would run


def drawn(tree: Tree, environment: str) -> str:
    """The picture of one environment. Raises Unresolvable, NoForm, UnknownPolicy."""
    held = content(tree, environment)
    return svg(held, placed(held))


def documents(trees: Mapping[str, Tree]) -> dict[Path, str]:
    """The file and its text. Raises BadTemplate where there is no such environment, and what `drawn` does."""
    if SHOWN_ENVIRONMENT not in trees:
        have = ", ".join(trees) or "none"
        raise BadTemplate(
            f"templates/{SHOWN_ENVIRONMENT}: is what {PICTURE} shows, and is missing; there are: {have}"
        )
    return {PICTURE: drawn(trees[SHOWN_ENVIRONMENT], SHOWN_ENVIRONMENT)}
