"""Which points a rule is for: a path of seven levels, in which * stands for any characters of its level."""

import re

LEVELS = ("enterprise", "site", "area", "line", "cell", "device", "metric")
_LEVEL = re.compile(r"[A-Za-z0-9_.*?-]{1,64}", re.ASCII)
# Each star of a level multiplies what is tried where it does not fit: three are 64³ / 6, a moment.
MOST_STARS = 3


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
        if (stars := _joined(level).count("*")) > MOST_STARS:
            raise PatternError(
                f"path {pattern!r}: {name} {level!r} has {stars} stars apart from one another and may have"
                f" {MOST_STARS}: leave some out, or write two rules"
            )
    return "^" + "/".join(map(_expression, levels)) + "$"


def matcher(of_paths: str) -> re.Pattern[str]:
    """An expression of `expression`, made for Python, which tries what PostgreSQL's automaton does not.

    A level that fits is not tried in another way when one after it does not: its ways would be multiplied by
    each other level's.
    """
    levels = re.split(r"(?<!\^)/", of_paths.removeprefix("^").removesuffix("$"))
    return re.compile("/".join(f"(?>{level}(?=/|$))" for level in levels) + "$")


def _joined(level: str) -> str:
    """Stars that stand together are one."""
    return re.sub(r"\*+", "*", level)


def _expression(level: str) -> str:
    wild = {"*": "[^/]*", "?": "[^/]", ".": "[.]"}
    return "".join(wild.get(character, character) for character in _joined(level))
