"""What a resolved value is made of: scalars, and what stands for a value that only a deployment knows."""

from collections.abc import Iterable
from dataclasses import dataclass

from topology.tree import Resource

REF = "Ref"


@dataclass(frozen=True)
class Reference:
    """What a resource answers to `Ref`, or to `GetAtt` of an attribute."""

    resource: Resource
    attribute: str = REF

    def __str__(self) -> str:
        return f"${{{self.resource.address}{'' if self.attribute == REF else '.' + self.attribute}}}"


@dataclass(frozen=True)
class Given:
    """What only a deployment knows: a pseudo parameter, or a parameter of a template that nobody nests."""

    name: str

    def __str__(self) -> str:
        return f"${{{self.name}}}"


@dataclass(frozen=True)
class Unknown:
    """What could not be followed. Only a resolver that was asked to be patient answers so."""

    why: str

    def __str__(self) -> str:
        return "${?}"


@dataclass(frozen=True)
class Text:
    """Text with references in it; two or more parts, no two strings side by side."""

    parts: tuple["str | Reference | Given | Unknown", ...]

    def __str__(self) -> str:
        return "".join(map(str, self.parts))


Leaf = str | int | float | bool | None | Reference | Given | Text | Unknown
Value = Leaf | list["Value"] | dict[str, "Value"]


def joined(parts: Iterable[object]) -> "str | Reference | Given | Text | Unknown":
    """One text of scalars and references. Raises TypeError for a part that is no text."""
    flat: list[str | Reference | Given | Unknown] = []
    for part in parts:
        for given in part.parts if isinstance(part, Text) else (part,):
            piece = str(given).lower() if isinstance(given, bool | int | float) else given
            if not isinstance(piece, str | Reference | Given | Unknown):
                raise TypeError(f"{piece!r} is no text, and stands within one")
            if isinstance(piece, str) and flat and isinstance(flat[-1], str):
                flat[-1] += piece
            elif piece != "":
                flat.append(piece)
    if not flat:
        return ""
    return flat[0] if len(flat) == 1 else Text(tuple(flat))


def references(value: Value) -> Iterable[Reference]:
    """Every reference anywhere in a resolved value."""
    if isinstance(value, Reference):
        yield value
    elif isinstance(value, Text):
        yield from (part for part in value.parts if isinstance(part, Reference))
    elif isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from references(item)


def leaves(value: Value) -> Iterable[str | int | float | bool | Reference | Given | Unknown | None]:
    """Every leaf anywhere in a resolved value, and every part of a text."""
    if isinstance(value, Text):
        yield from value.parts
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    else:
        yield value


def known(value: Value) -> bool:
    """Whether no parameter of a root and nothing that could not be followed is in it.

    References are known, and so are pseudo parameters: each deployment has them, and all means the same.
    """
    return not any(
        isinstance(leaf, Unknown) or (isinstance(leaf, Given) and not leaf.name.startswith("AWS::"))
        for leaf in leaves(value)
    )
