"""Which points a rule is for: a path of seven levels, in which * stands for any characters of its level."""

import re

LEVELS = ("enterprise", "site", "area", "line", "cell", "device", "metric")
_LEVEL = re.compile(r"[A-Za-z0-9_.*?-]{1,64}", re.ASCII)


class PatternError(ValueError):
    """The pattern cannot be used: the message says which level, and what is allowed."""


def expression(pattern: str) -> str:
    """As a regular expression, the same in Python and in PostgreSQL. Raises PatternError."""
    levels = pattern.split("/")
    if len(levels) != len(LEVELS):
        raise PatternError(
            f"path {pattern!r} must have 7 levels, not {len(levels)}: {'/'.join(LEVELS)}; * stands for any"
            " characters of one level, as in acme/lon1/*/*/*/*/spindle_temp"
        )
    for name, level in zip(LEVELS, levels, strict=True):
        if not _LEVEL.fullmatch(level):
            raise PatternError(
                f"path {pattern!r}: {name} {level!r} must be 1 to 64 of A-Z a-z 0-9 _ . - and * or ?"
            )
    return "^" + "/".join(map(_expression, levels)) + "$"


def _expression(level: str) -> str:
    wild = {"*": "[^/]*", "?": "[^/]", ".": "[.]"}
    return "".join(wild.get(character, character) for character in level)
