"""The hours in which the plant works, by its own clock."""

from typing import Annotated
from zoneinfo import available_timezones

from msgspec import Meta, Struct

from parameters.windows import CLOCK, WEEKDAYS

_WEEKDAY = rf"({'|'.join(WEEKDAYS).upper()})"


class WorkingHours(Struct, frozen=True, forbid_unknown_fields=True):
    """When the plant works, and how many tasks run then at least."""

    days: Annotated[
        str, Meta(pattern=rf"^{_WEEKDAY}(-{_WEEKDAY})?$", description="a weekday or a range, such as MON-FRI")
    ]
    """The days on which the plant works."""
    hours: Annotated[
        str,
        Meta(
            pattern=rf"^{CLOCK}-{CLOCK}$", description="hh:mm-hh:mm by the plant's clock, such as 06:00-22:00"
        ),
    ]
    """From when to when, within a day."""
    time_zone: str
    """IANA name of the zone by whose clock it works, such as Europe/London."""
    tasks_min: Annotated[int, Meta(ge=1)]
    """Tasks that run at least in those hours."""

    def __post_init__(self) -> None:
        begin, end = self.hours.split("-")
        if begin >= end:
            raise ValueError(
                f"hours are {self.hours}; they must end after they begin, within the day: a plant that works "
                "through the night has no hours, raise processor.tasks_min"
            )
        check_zone("time_zone", self.time_zone)


def check_zone(name: str, zone: str) -> None:
    """Raises ValueError for what is no time zone."""
    if zone not in available_timezones():
        raise ValueError(f"{name} is {zone!r}; it is an IANA name such as Europe/London")
