"""docs/architecture.svg: the platform as its templates say it is."""

from topology.diagram.content import content
from topology.diagram.drawing import svg
from topology.diagram.placing import placed
from topology.tree import Tree


def drawn(tree: Tree, environment: str) -> str:
    """The picture of one environment. Raises Unresolvable, NoForm, UnknownPolicy."""
    held = content(tree, environment)
    return svg(held, placed(held))
