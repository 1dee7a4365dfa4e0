"""What a rule asks for: one struct for each kind of detector, every field with its bounds and its default.

As JSON: {"kind": "limit", "high": 80, "deadband": 2, "on_delay": 60}. Times are in seconds.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from processor.alarms.deviation import THREE_SIGMA, Chart
from processor.alarms.standing import Delays

SECOND = 1_000_000  # µs
# What msgspec raises at a document: also where it is no Unicode, or too deep.
UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)

Seconds = Annotated[float, Meta(ge=0, le=30 * 86_400)]
Width = Annotated[float, Meta(ge=1, le=86_400)]
Within = Annotated[float, Meta(ge=1, le=30 * 86_400)]
Positive = Annotated[float, Meta(gt=0, le=1e300)]


class DefinitionError(ValueError):
    """The definition of a rule cannot be used: the message names the field, its value and what is allowed."""


class _Rule(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", forbid_unknown_fields=True):
    """What makes one of a set, told apart by `kind`, with no field that is not known."""


class Limit(_Rule, frozen=True, kw_only=True, tag="limit"):
    """Hot above `high` or below `low`; cold once it is back by more than the deadband."""

    high: float | None = None
    low: float | None = None
    deadband: Annotated[float, Meta(ge=0, le=1e300)] = 0.0
    on_delay: Seconds = 0.0
    off_delay: Seconds = 0.0


class Rate(_Rule, frozen=True, kw_only=True, tag="rate"):
    """Hot when the mean of a span differs from that before by more than `most` an hour; cold below half."""

    most: Positive
    span: Width = 300.0
    on_delay: Seconds = 0.0
    off_delay: Seconds = 0.0


class Stuck(_Rule, frozen=True, kw_only=True, tag="stuck"):
    """Hot when readings have shown one and the same value for `within`; cold at the next other one.

    Readings that lie further apart than `within` show nothing of what was between.
    """

    within: Within
    off_delay: Seconds = 0.0


class Silence(_Rule, frozen=True, kw_only=True, tag="silence"):
    """Hot when no reading has reached the stream for more than `within`; cold with the next one."""

    within: Within
    off_delay: Seconds = 0.0


class Clock(_Rule, frozen=True, kw_only=True, tag="clock"):
    """Hot when readings are ahead of their arrival, or all of a span's are behind it; cold at half of that.

    Readings more than ten minutes ahead are refused (NEWEST_READING_MINUTES): `ahead` is to tell of the clock
    before. A clock in the wrong zone is wrong by half an hour at least, while a device that stamps what it
    sums up over a quarter of an hour with its beginning is well: `behind` lies between.
    """

    ahead: Within = 120.0
    behind: Within = 1740.0
    span: Annotated[float, Meta(ge=1, le=7 * 86_400)] = 3600.0
    on_delay: Seconds = 0.0
    off_delay: Seconds = 0.0


class Deviation(_Rule, frozen=True, kw_only=True, tag="deviation"):
    """Hot when the point is not where it usually is (processor/alarms/deviation.py says how it learns)."""

    limit: Annotated[float, Meta(ge=1, le=1000)] = THREE_SIGMA
    bin: Width = 60.0
    on_delay: Seconds = 900.0
    off_delay: Seconds = 4 * 3600.0

    @property
    def chart(self) -> Chart:
        """What it learns by."""
        return Chart(limit=self.limit)


Definition = Limit | Rate | Stuck | Silence | Clock | Deviation


def by_arrival(definition: Definition) -> bool:
    """Whether readings are judged by when they reached the stream, which history says nothing of."""
    return isinstance(definition, Silence | Clock)


def check_path(path: str, definition: Definition) -> None:
    """Whether the definition may stand for these points. Raises DefinitionError."""
    metric = path.rpartition("/")[2]
    if isinstance(definition, Clock) and set("*?") & set(metric):
        raise DefinitionError(
            f"path {path!r}: a clock is its device's, and each metric that {metric!r} stands for would tell"
            " of it once more: name one that every device sends, as in acme/lon1/*/*/*/*/uptime"
        )


def read(document: bytes | str) -> Definition:
    """Raises DefinitionError."""
    try:
        definition: Definition = msgspec.json.decode(document, type=Definition)
    except UNREADABLE as error:
        raise DefinitionError(f"the definition cannot be used: {error}") from None
    if isinstance(definition, Limit):
        _check_limits(definition)
    return definition


def delays(definition: Definition) -> Delays:
    """A stuck or silent sensor has waited long enough when it is found."""
    on = 0.0 if isinstance(definition, Stuck | Silence) else definition.on_delay
    return Delays(on=microseconds(on), off=microseconds(definition.off_delay))


def microseconds(seconds: float) -> int:
    """The same, as times of readings are counted."""
    return round(seconds * SECOND)


def _check_limits(limit: Limit) -> None:
    if limit.high is None and limit.low is None:
        raise DefinitionError("a limit needs `high`, `low` or both: neither is given")
    if limit.high is None or limit.low is None:
        return
    if limit.high - limit.deadband <= limit.low + limit.deadband:
        raise DefinitionError(
            f"high={limit.high:g} and low={limit.low:g} leave nothing between them with deadband="
            f"{limit.deadband:g}: high - deadband must be more than low + deadband, or the alarm never clears"
        )
