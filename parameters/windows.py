"""The hours in which AWS backs up and maintains, and what it refuses of them."""

from typing import Annotated

from msgspec import Meta

CLOCK = r"([01]\d|2[0-3]):[0-5]\d"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOMENT = rf"({'|'.join(WEEKDAYS)}):{CLOCK}"
DAY = 24 * 60  # minutes

DailyWindow = Annotated[
    str, Meta(pattern=rf"^{CLOCK}-{CLOCK}$", description="hh:mm-hh:mm in UTC, such as 03:00-04:00")
]
WeeklyWindow = Annotated[
    str,
    Meta(
        pattern=rf"^{MOMENT}-{MOMENT}$",
        description="ddd:hh:mm-ddd:hh:mm in UTC, such as sun:04:30-sun:05:30",
    ),
]


def check(name: str, daily: str, weekly: str, *, least: int) -> None:
    """Raises ValueError for windows below `least` minutes, and where the backup's meets maintenance.

    botocore's models: RDS, CreateDBInstance (30 minutes, no overlap); ElastiCache, CreateCacheCluster (60).
    """
    begin, end = (_minute(moment) for moment in daily.split("-"))
    length = (end - begin) % DAY
    if length < least:
        raise ValueError(f"{name} is {daily}; it must be {least} minutes or longer")
    first, last = (WEEKDAYS.index(moment[:3]) * DAY + _minute(moment[4:]) for moment in weekly.split("-"))
    duration = (last - first) % (7 * DAY)
    if duration < least or duration > DAY:
        raise ValueError(f"maintenance_window is {weekly}; it must be {least} minutes to 24 hours long")
    if (begin - first) % DAY < duration or (first - begin) % DAY < length:
        raise ValueError(f"{name} {daily} overlaps maintenance_window {weekly}; AWS keeps them apart")


def _minute(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
