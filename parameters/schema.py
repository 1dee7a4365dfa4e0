"""The parameters as JSON Schema: an editor completes, explains and refuses while one types.

Made from the structures of settings.py: types and bounds as they stand, and of each field the text under it.
`python build.py` writes schema.json, which each environment's file names in its first line. What depends on
two fields at once stays with the structures, and so does what they say in words of their own.
"""

import ast
import inspect
import json
import textwrap
from itertools import pairwise
from typing import Any

import msgspec
from msgspec import Struct

from parameters.refusal import allowed
from parameters.settings import DIRECTORY, Environment

NAME = "parameters/schema.json"
FILE = DIRECTORY / "schema.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


class UndocumentedError(ValueError):
    """{field}: has no text under it that says what it is and in which unit"""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} has no text under it that says what it is and in which unit; write one")


def schema() -> dict[str, Any]:
    """Raises UndocumentedError for a field without a text under it."""
    made = msgspec.json.schema(Environment)
    sections = _structs(msgspec.inspect.type_info(Environment))
    for name, section in sections.items():
        texts = documented(section.cls)
        properties = made["$defs"][name]["properties"]
        for field in section.fields:
            if field.name not in texts:
                raise UndocumentedError(f"{section.cls.__module__}.{name}.{field.name}")
            bounds = allowed(field.type)
            said = f"{texts[field.name]} {bounds[:1].upper()}{bounds[1:]}." if bounds else texts[field.name]
            properties[field.encode_name]["description"] = said
    return {"$schema": DIALECT, "title": "millrace: one environment", **made}


def documented(cls: type[Struct]) -> dict[str, str]:
    """Field → the string that stands under it in the class, on one line."""
    (source,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(source, ast.ClassDef)  # noqa: S101 (what getsource gives for a class)
    return {
        field.target.id: " ".join(text.value.value.split())
        for field, text in pairwise(source.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def printed() -> str:
    """The file's text."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _structs(kind: msgspec.inspect.Type) -> dict[str, msgspec.inspect.StructType]:
    """Every structure under a type, by its class's name."""
    match kind:
        case msgspec.inspect.StructType():
            inner = [_structs(field.type) for field in kind.fields]
            return {kind.cls.__name__: kind, **{name: one for found in inner for name, one in found.items()}}
        case msgspec.inspect.Metadata():
            return _structs(kind.type)
        case msgspec.inspect.VarTupleType() | msgspec.inspect.ListType():
            return _structs(kind.item_type)
        case msgspec.inspect.DictType():
            return _structs(kind.value_type)
        case msgspec.inspect.UnionType():
            return {name: one for part in kind.types for name, one in _structs(part).items()}
    return {}
