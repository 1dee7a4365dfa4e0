"""Whether a tree is of an environment that demands durability, for templates of any team.

In this order, and nothing else counts: what the root's Metadata says (`Durable: true`), a tag that names the
environment (on the resource, else on whatever has one), a directory that is named like an environment. Where
a tag is there for it and says something else, or what a deployment decides, no directory is asked.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from topology.tree import Tree
from topology.values import Value

METADATA = "Durable"
TAGS = frozenset({"env", "environment", "stage"})
LASTING = frozenset({"live", "prd", "prod", "production"})
PASSING = frozenset({"ci", "dev", "develop", "development", "sandbox", "test", "testing"})


def durable(tree: Tree, tags: Value, others: Iterable[Value]) -> bool | None:
    """`tags`: of the resource in question, None for the tree as a whole; `others`: of all that there is."""
    said = (tree.root.body.get("Metadata") or {}).get(METADATA)
    if isinstance(said, bool):
        return said
    for told in (_told([tags]), _told(others)):
        known = [name for name in told if name in LASTING | PASSING]
        if told:
            return known[0] in LASTING if known else None
    name = tree.root.file.resolve().parent.name.lower()
    return name in LASTING if name in LASTING | PASSING else None


def environments_of(tags: Any) -> Iterator[str]:
    """What environments tags name, as a list of keys and values or as a mapping. A value that is no text
    names none.
    """
    for key, value in _pairs(tags):
        if isinstance(key, str) and key.lower() in TAGS and isinstance(value, str):
            yield value


def _told(listed: Iterable[Value]) -> list[str]:
    """What tags for the environment say, in lower case; nothing readable where a deployment decides."""
    return [
        str(value).lower()
        for tags in listed
        for key, value in _pairs(tags)
        if isinstance(key, str) and key.lower() in TAGS
    ]


def _pairs(tags: Any) -> list[tuple[Any, Any]]:
    if isinstance(tags, list):
        return [(tag.get("Key"), tag.get("Value")) for tag in tags if isinstance(tag, Mapping)]
    return list(tags.items()) if isinstance(tags, Mapping) else []
