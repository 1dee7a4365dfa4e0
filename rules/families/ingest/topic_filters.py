"""Topic filters of MQTT: whether one is one, and whether it meets what a policy lets a device publish.

https://docs.aws.amazon.com/iot/latest/developerguide/topics.html
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

SLASHES = 7  # https://docs.aws.amazon.com/general/latest/gr/iot-core.html
BASIC = "$aws/rules/"  # Basic Ingest: the three first levels count neither for the limit nor for topic()
BYTES = 256


def wrong_with(filter: str) -> str:
    """What makes it no filter; empty where it is one."""
    levels, slashes = filter.split("/"), filter.count("/")
    reserved = filter.startswith("$aws/")
    wrong = {
        "is empty": not filter,
        f"is longer than {BYTES} bytes": len(filter.encode()) > BYTES,
        "has # elsewhere than as its last level": "#" in filter[:-1] or filter[-1:] == "#" != levels[-1],
        "has + beside other characters in one level": any("+" in one and one != "+" for one in levels),
        "has * as a level, and the wildcards are + and #": "*" in levels,
        f"has {slashes} slashes, and no topic has more than {SLASHES}": not reserved and slashes > SLASHES,
    }
    return next((what for what, holds in wrong.items() if holds), "")


@dataclass(frozen=True)
class Piece:
    """One step of a pattern: a character, or any; once, or any number of times."""

    character: str = ""  # empty: any
    many: bool = False
    slashes: bool = True  # whether "any" includes the slash

    def takes(self, other: "Piece") -> bool:
        """Whether one character can be both."""
        if self.character and other.character:
            return self.character == other.character
        bare, one = (self, other) if not self.character else (other, self)
        return bare.slashes or one.character != "/"


Pattern = tuple[Piece, ...]
ANYTHING = (Piece(many=True),)
SOMETHING = (Piece(), Piece(many=True))
ONE_LEVEL = (Piece(slashes=False), Piece(many=True, slashes=False))


def of_text(text: str) -> Pattern:
    return tuple(Piece(one) for one in text)


def of_filter(filter: str) -> Pattern:
    pieces: list[Piece] = []
    for position, level in enumerate(filter.split("/")):
        if level == "#":
            # `a/#` also matches `a`
            return (*pieces, *ANYTHING) if position == 0 else (*pieces, *of_text("/"), *ANYTHING)
        pieces += of_text("/") if position else ()
        pieces += (Piece(many=True, slashes=False),) if level == "+" else of_text(level)
    return tuple(pieces)


def of_glob(text: str) -> Pattern:
    """As IAM writes it: * for anything, ? for one character."""
    pieces = {"*": Piece(many=True), "?": Piece()}
    return tuple(pieces.get(one, Piece(one)) for one in text)


def meet(left: Sequence[Piece], right: Sequence[Piece]) -> bool:
    """Whether any text fits both."""

    @cache
    def fits(i: int, j: int) -> bool:
        if i == len(left) and j == len(right):
            return True
        if i < len(left) and left[i].many and fits(i + 1, j):
            return True
        if j < len(right) and right[j].many and fits(i, j + 1):
            return True
        if i == len(left) or j == len(right) or not left[i].takes(right[j]):
            return False
        return fits(i if left[i].many else i + 1, j if right[j].many else j + 1) if _moves(i, j) else False

    def _moves(i: int, j: int) -> bool:
        return not (left[i].many and right[j].many)

    return fits(0, 0)


def fewest_levels(pattern: Sequence[Piece]) -> int:
    """How many levels the shortest text of a pattern has."""
    return 1 + sum(piece.character == "/" and not piece.many for piece in pattern)
