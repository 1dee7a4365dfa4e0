"""Daily and weekly windows as minutes of a week, in UTC."""

import re
from dataclasses import dataclass

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY, WEEK = 24 * 60, 7 * 24 * 60
TIME = r"([01]\d|2[0-3]):([0-5]\d)"
DAILY = re.compile(rf"{TIME}-{TIME}")
WEEKLY = re.compile(rf"([a-z]{{3}}):{TIME}-([a-z]{{3}}):{TIME}", re.IGNORECASE)


@dataclass(frozen=True)
class Window:
    """Where it begins, in minutes of its period, and how long it lasts."""

    start: int
    length: int


def daily(text: str) -> Window | None:
    """hh:mm-hh:mm, over midnight or not; None for another form."""
    read = DAILY.fullmatch(text.strip())
    if read is None:
        return None
    start, end = int(read[1]) * 60 + int(read[2]), int(read[3]) * 60 + int(read[4])
    return Window(start, (end - start) % DAY)


def weekly(text: str) -> Window | None:
    """ddd:hh:mm-ddd:hh:mm, over Sunday or not; None for another form."""
    read = WEEKLY.fullmatch(text.strip())
    if read is None or read[1].lower() not in DAYS or read[4].lower() not in DAYS:
        return None
    start = DAYS.index(read[1].lower()) * DAY + int(read[2]) * 60 + int(read[3])
    end = DAYS.index(read[4].lower()) * DAY + int(read[5]) * 60 + int(read[6])
    return Window(start, (end - start) % WEEK)


def meet(every_day: Window, once_a_week: Window) -> bool:
    """Whether they share a minute on some day. One that ends when the other begins does not."""
    starts = (day * DAY + every_day.start for day in range(7))
    return any(_share(Window(start, every_day.length), once_a_week, WEEK) for start in starts)


def _share(one: Window, other: Window, period: int) -> bool:
    return (other.start - one.start) % period < one.length or (
        one.start - other.start
    ) % period < other.length
