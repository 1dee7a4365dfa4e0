"""What a definition may hold, in a person's words: made from the structs, so it is never another."""

from typing import Any, get_args

import msgspec
from msgspec import Meta
from msgspec.structs import FieldInfo

from processor.alarms.definition import UNREADABLE, Definition

EXAMPLE = '{"kind": "limit", "high": 80, "deadband": 2, "on_delay": 60}'
KINDS: dict[str, type[msgspec.Struct]] = {kind.__struct_config__.tag: kind for kind in get_args(Definition)}


def hint(document: str) -> str:
    """What is allowed instead of a document that cannot be used, as much of it as was meant."""
    try:
        given = msgspec.json.decode(document)
    except UNREADABLE:
        return f"a definition is JSON, in single quotes for the shell: --definition '{EXAMPLE}'"
    kind = given.get("kind") if isinstance(given, dict) else None
    if kind not in [*KINDS]:  # it may be what no key can be
        return f"`kind` is one of {', '.join(KINDS)}, as in '{EXAMPLE}'"
    return described(kind)


def described(kind: str) -> str:
    """`silence takes within (must be given, 1 to 2592000), off_delay (0, 0 to 2592000)`."""
    fields = ", ".join(map(_described, msgspec.structs.fields(KINDS[kind])))
    return f"{kind} takes {fields}; times are in seconds"


def _described(field: FieldInfo) -> str:
    said = ["must be given" if field.required else "none" if field.default is None else f"{field.default:g}"]
    said += [f"allowed {allowed}" for allowed in [_bounds(field.type)] if allowed]
    return f"{field.name} ({', '.join(said)})"


def _bounds(annotated: Any) -> str:
    """Of a number with a least and a greatest; empty where any will do."""
    for meta in (one for one in getattr(annotated, "__metadata__", ()) if isinstance(one, Meta)):
        least = f"{meta.ge:g}" if meta.ge is not None else f"above {meta.gt:g}" if meta.gt is not None else ""
        return f"{least} to {meta.le:.9g}" if meta.le is not None else f"{least} or more"
    return ""
