"""Why a parameter is refused: its field, what was found there, and what is allowed."""

import re
from typing import Any

import msgspec
from msgspec import inspect

WHERE = re.compile(r"(?P<why>.*) - at `\$\.?(?P<path>.*)`", re.DOTALL)
STEP = re.compile(r"[^.\[\]]+")


def explain(error: msgspec.ValidationError, found: object, expected: type) -> str:
    """One line: `network.nat is 'maybe'; allowed are none, one, per-az`.

    `found` is the whole decoded document, `expected` the type that it was converted to.
    """
    match = WHERE.fullmatch(str(error))
    if match is None:
        return str(error)
    steps = STEP.findall(match["path"])
    value = _value(found, steps)
    said = "" if isinstance(value, dict | list) else f" is {value!r}"
    allowed = _choices(inspect.type_info(expected), steps)
    why = f"allowed are {', '.join(allowed)}" if allowed else match["why"]
    return f"{match['path']}{said}{';' if said else ':'} {why}"


def _value(found: Any, steps: list[str]) -> object:
    """What stands at the end of the path; an empty dict where the path names no single place."""
    for step in steps:
        try:
            found = found[int(step)] if isinstance(found, list) else found[step]
        except (KeyError, IndexError, TypeError, ValueError):
            return {}
    return found


def _choices(kind: inspect.Type, steps: list[str]) -> list[str]:
    """The values to choose from, where the field is such a choice."""
    for step in steps:
        if isinstance(kind, inspect.Metadata):
            kind = kind.type
        if isinstance(kind, inspect.StructType):
            kind = next((field.type for field in kind.fields if field.encode_name == step), inspect.AnyType())
        elif isinstance(kind, inspect.VarTupleType):
            kind = kind.item_type
    if isinstance(kind, inspect.EnumType):
        return [str(member.value) for member in kind.cls]
    return [str(value) for value in kind.values] if isinstance(kind, inspect.LiteralType) else []
