"""Whether a tree is of an environment that demands durability, for templates of any team.

In this order, and nothing else counts: what the root's Metadata says (`Durable: true`), a tag that names the
environment (on the resource, else on whatever has one), a directory that is named like an environment. A tag
that a parameter of the root gives says nothing: whoever deploys chooses, whatever its default is.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from topology.tree import Tree
from topology.values import Value

METADATA = "Durable"
TAGS = frozenset({"env", "environment", "stage"})
LASTING = frozenset({"live", "prd", "prod", "production"})
PASSING = frozenset({"ci", "dev", "develop", "development", "sandbox", "test", "testing"})


def durable(tree: Tree, tags: Value) -> bool | None:
    """`tags`: of the resource in question, None for the tree as a whole."""
    said = (tree.root.body.get("Metadata") or {}).get(METADATA)
    if isinstance(said, bool):
        return said
    chosen = set(map(str, tree.root.arguments.values()))
    for name in _named(tree, tags):
        if name.lower() in LASTING | PASSING and name not in chosen:
            return name.lower() in LASTING
    return None


def _named(tree: Tree, tags: Value) -> Iterator[str]:
    yield from environments_of(tags)
    yield from _anywhere(tree)
    yield tree.root.file.resolve().parent.name


def _anywhere(tree: Tree) -> Iterator[str]:
    for resource in tree.resources():
        yield from environments_of(resource.properties.get("Tags"))


def environments_of(tags: Any) -> Iterator[str]:
    """What environments tags name, as a list of keys and values or as a mapping. A value that is no text
    names none.
    """
    pairs: list[tuple[Any, Any]] = []
    if isinstance(tags, list):
        pairs = [(tag.get("Key"), tag.get("Value")) for tag in tags if isinstance(tag, Mapping)]
    elif isinstance(tags, Mapping):
        pairs = list(tags.items())
    for key, value in pairs:
        if isinstance(key, str) and key.lower() in TAGS and isinstance(value, str):
            yield value
