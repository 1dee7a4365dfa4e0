"""Quality: the class of a reading and the raw code it came with.

Three writings are accepted: the OPC DA byte (its top two bits are the class; 192, 64 and 0 are the bare
classes), the names GOOD, UNCERTAIN and BAD, and an OPC UA StatusCode (32 bits, the class in its top two:
OPC UA Part 4, 7.39, and Part 8 for data access). A number up to 255 is the byte, a greater one a StatusCode;
so 0 is BAD, as the contract says, and OPC UA's plain Good is written 192 or left out.
"""

from typing import NamedTuple

GOOD, UNCERTAIN, BAD = 192, 64, 0
NO_STATUS = -1

_NAMES = {"GOOD": GOOD, "UNCERTAIN": UNCERTAIN, "BAD": BAD}
_OF_BYTE = {0b11: GOOD, 0b01: UNCERTAIN, 0b00: BAD, 0b10: BAD}  # 0b10 is "not used"; never trust it
_OF_STATUS = {0b00: GOOD, 0b01: UNCERTAIN, 0b10: BAD, 0b11: BAD}  # 0b11 is reserved and means bad


class Quality(NamedTuple):
    """`category` is GOOD, UNCERTAIN or BAD; `status` the raw code where it says more, else NO_STATUS."""

    category: int
    status: int


def read_quality(raw: int | str | None) -> Quality | None:
    """The quality of one reading; a missing one is good; None when it cannot be read."""
    if raw is None:
        return Quality(GOOD, NO_STATUS)
    if isinstance(raw, str):
        category = _NAMES.get(raw.strip().upper())
        return None if category is None else Quality(category, NO_STATUS)
    if not 0 <= raw <= 0xFFFF_FFFF:
        return None
    category = _OF_BYTE[raw >> 6] if raw <= 0xFF else _OF_STATUS[raw >> 30]
    return Quality(category, NO_STATUS if raw == category else raw)
