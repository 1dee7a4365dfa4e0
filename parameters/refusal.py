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
    takes = allowed(_type_at(inspect.type_info(expected), steps))
    return f"{match['path']}{said}{';' if said else ':'} {takes or match['why']}"


def _value(found: Any, steps: list[str]) -> object:
    """What stands at the end of the path; an empty dict where the path names no single place."""
    for step in steps:
        try:
            found = found[int(step)] if isinstance(found, list) else found[step]
        except (KeyError, IndexError, TypeError, ValueError):
            return {}
    return found


def _type_at(kind: inspect.Type, steps: list[str]) -> inspect.Type:
    """The type of the field at the end of the path, with its description if it has one."""
    for step in steps:
        if isinstance(kind, inspect.Metadata):
            kind = kind.type
        if isinstance(kind, inspect.UnionType):  # a section that may be left out
            kind = next(one for one in kind.types if not isinstance(one, inspect.NoneType))
        if isinstance(kind, inspect.StructType):
            kind = next((field.type for field in kind.fields if field.encode_name == step), inspect.AnyType())
        elif isinstance(kind, inspect.VarTupleType):
            kind = kind.item_type
        else:
            return inspect.AnyType()
    return kind


def allowed(kind: inspect.Type) -> str:
    """What a field takes, in words; empty where the refusal itself says it better."""
    words = ""
    match kind:
        case inspect.Metadata(extra_json_schema={"description": str(description)}):
            words = f"allowed is {description}"
        case inspect.EnumType(cls=cls):
            words = f"allowed are {', '.join(str(member.value) for member in cls)}"
        case inspect.LiteralType(values=values):
            words = f"allowed are {', '.join(map(str, values))}"
        case inspect.BoolType():
            words = "allowed are true, false"
        case inspect.IntType(ge=int(least), le=most):
            words = f"allowed is a whole number from {least}" + (f" to {most}" if most is not None else "")
        case inspect.UnionType(types=(one, inspect.NoneType())) if allowed(one):
            words = f"{allowed(one)}, or nothing"
    return words
