"""Whether the conditions of a statement hold for a request, as far as the request is known."""

from collections.abc import Iterator, Mapping
from enum import IntEnum

from rules.families.grants.grant_texts import Wording, may, must, pattern
from topology.values import Value

# Lower-case key → its value; None where the request has no such key. A key that is not listed is not known.
Request = Mapping[str, str | None]
CONTEXT = "kms:encryptioncontext:"
SETS = ("foranyvalue:", "forallvalues:")
EQUAL = frozenset({"stringequals", "stringequalsignorecase", "arnequals", "bool", "binaryequals"})
LIKE = frozenset({"stringlike", "arnlike"})
UNEQUAL = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequals",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnlike",
    "arnnotlike": "arnlike",
}


class Holds(IntEnum):
    """Three answers, so that what is not known stays so."""

    NO = 0
    PERHAPS = 1
    YES = 2


def conditions(wording: Wording, resolved: Mapping[str, Value]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(operator, key, values) of a statement, as text."""
    written = resolved.get("Condition")
    if isinstance(written, dict):
        for operator, keys in written.items():
            if isinstance(keys, dict):
                for key, value in keys.items():
                    values = value if isinstance(value, list) else [value]
                    yield operator, key, tuple(pattern(wording.text(one)) for one in values)


def holds(listed: tuple[tuple[str, str, tuple[str, ...]], ...], request: Request) -> Holds:
    """All of them together."""
    return min((_one(*condition, request) for condition in listed), default=Holds.YES)


def _one(operator: str, key: str, values: tuple[str, ...], request: Request) -> Holds:
    name = operator.lower()
    for prefix in SETS:
        name = name.removeprefix(prefix)
    optional = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    if not _said(key.lower(), request):
        return Holds.PERHAPS
    given = request.get(key.lower())
    if name == "null":
        absent = str(given is None).lower()
        return _answer(values == (absent,), absent in values or len(values) != 1)
    if given is None:
        return Holds.YES if optional or name in UNEQUAL else Holds.NO
    if name in UNEQUAL:
        return Holds(2 - _compared(UNEQUAL[name], values, given))
    return _compared(name, values, given)


def _said(key: str, request: Request) -> bool:
    """Whether it is known what the request has there; of an encryption context all is known or nothing."""
    context = key.startswith(CONTEXT) and any(name.startswith(CONTEXT) for name in request)
    return context or key in request


def _compared(name: str, values: tuple[str, ...], given: str) -> Holds:
    if name in LIKE or name == "arnequals":
        return _answer(any(must(one, given) for one in values), any(may(one, given) for one in values))
    if name in EQUAL:
        plain = [one for one in values if "*" not in one and "?" not in one]
        if "ignorecase" in name or name == "bool":
            plain, given = [one.lower() for one in plain], given.lower()
        return _answer(any(must(one, given) for one in plain), any(may(one, given) for one in plain))
    return Holds.PERHAPS


def _answer(surely: bool, possibly: bool) -> Holds:
    return Holds.YES if surely else Holds.PERHAPS if possibly else Holds.NO
