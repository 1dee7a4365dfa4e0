"""Whether a tree is of an environment that demands durability, for templates of any team.

In this order, and nothing else counts: what the root's Metadata says (`Durable: true`), a tag that names the
environment (on the resource, else a literal one on whatever has one), a directory that is named like an
environment. Where a tag is there for it and says something else, or what a deployment decides, no directory
is asked; a parameter's default makes no environment of what stands in no such directory.
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
    directory = tree.root.file.resolve().parent.name.lower()
    own = _told([tags])
    if directory not in LASTING | PASSING:
        chosen = {str(value).lower() for value in tree.root.arguments.values()}
        own = [name for name in own if name not in chosen]
    if own:
        return _lasting(own)
    literal = _environments_of_all(resource.properties.get("Tags") for resource in tree.resources())
    if _lasting(literal) is not None or directory not in LASTING | PASSING:
        return _lasting(literal)
    return _lasting(_told(others) or [directory])


def _lasting(names: list[str]) -> bool | None:
    """By the first that is one of an environment that is known here."""
    return next((name in LASTING for name in names if name in LASTING | PASSING), None)


def _environments_of_all(listed: Iterable[Any]) -> list[str]:
    """In lower case."""
    return [name.lower() for tags in listed for name in environments_of(tags)]


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
