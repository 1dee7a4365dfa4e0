"""Schedule expressions of Secrets Manager, read: the longest interval between two rotations, and the window.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

RATE = re.compile(r"rate\(\s*(\d+)\s+(hours?|days?)\s*\)")
CRON = re.compile(r"cron\((.*)\)")
DURATION = re.compile(r"(\d{1,2})h")
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
LEAST_HOURS = 4
START = date(2027, 1, 1)
SPAN = 366 * 5  # a leap year is in it, so the 29th of February occurs


class BadExpression(ValueError):
    """{what is wrong with it}"""


@dataclass(frozen=True)
class Timing:
    """When rotations may begin. Hours within a day are UTC."""

    interval: timedelta  # the longest between two
    shortest: timedelta
    starts: tuple[int, ...]  # hours at which a window opens


def timing(expression: str) -> Timing:
    """Raises BadExpression."""
    rate, cron = RATE.fullmatch(expression.strip()), CRON.fullmatch(expression.strip())
    if rate:
        return _rate(int(rate[1]), rate[2])
    if cron:
        return _cron(cron[1].split())
    raise BadExpression("is neither rate(… hours), rate(… days) nor cron(…)")


def _rate(number: int, unit: str) -> Timing:
    hours = number * (24 if unit.startswith("day") else 1)
    if hours < LEAST_HOURS:
        raise BadExpression(f"is more often than every {LEAST_HOURS} hours")
    every = timedelta(hours=hours)
    return Timing(every, every, (0,) if hours >= 24 else tuple(range(0, 24, hours)))


def _cron(fields: list[str]) -> Timing:
    if len(fields) != 6:
        raise BadExpression(f"has {len(fields)} fields, and cron takes six")
    minutes, hours, days, months, weekdays, years = fields
    if minutes != "0":
        raise BadExpression(f"has {minutes} for the minutes, where only 0 is taken")
    if years != "*":
        raise BadExpression(f"has {years} for the year, where only * is taken")
    if (days == "?") == (weekdays == "?"):
        raise BadExpression("needs ? in just one of day of month and day of week")
    at = _numbers(hours, 0, 23, ())
    if any(later - earlier < LEAST_HOURS for earlier, later in pairwise(at)):
        raise BadExpression(f"is more often than every {LEAST_HOURS} hours")
    dates = _dates(days, set(_numbers(months, 1, 12, MONTHS)), weekdays)
    if len(dates) < 2:
        raise BadExpression("names a day that never comes")
    gaps = [later - earlier for earlier, later in pairwise(dates)]
    within = timedelta(hours=at[-1] - at[0])
    hours_apart = [timedelta(hours=later - earlier) for earlier, later in pairwise(at)]
    return Timing(max(gaps) - within, min([*hours_apart, min(gaps) - within]), tuple(at))


def _dates(days: str, months: set[int], weekdays: str) -> list[date]:
    every = (START + timedelta(days=ahead) for ahead in range(SPAN))
    return [one for one in every if one.month in months and _is(one, days, weekdays)]


def _is(one: date, days: str, weekdays: str) -> bool:
    last = (one.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return _is_day(one, days, last) if days != "?" else _is_weekday(one, weekdays, last)


def _is_day(one: date, days: str, last: date) -> bool:
    if days in ("L", "LW"):
        return one == last if days == "L" else one == _working(last)
    if nearest := re.fullmatch(r"(\d{1,2})W", days):
        return one.day == int(nearest[1])  # give or take a day
    return one.day in _numbers(days, 1, 31, ())


def _is_weekday(one: date, weekdays: str, last: date) -> bool:
    weekday = one.isoweekday() % 7 + 1  # Sunday is 1
    if weekdays == "L":
        return weekday == 7
    if only := re.fullmatch(r"(\w+)#([1-5])", weekdays):
        return weekday in _numbers(only[1], 1, 7, DAYS) and (one.day - 1) // 7 + 1 == int(only[2])
    if final := re.fullmatch(r"(\w+)L", weekdays):
        return weekday in _numbers(final[1], 1, 7, DAYS) and (last - one).days < 7
    return weekday in _numbers(weekdays, 1, 7, DAYS)


def _working(last: date) -> date:
    return last - timedelta(days=max(0, last.isoweekday() - 5))


def _numbers(field: str, first: int, end: int, names: list[str] | tuple[str, ...]) -> list[int]:
    """What a field of a cron expression comes to."""
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        begin, _, until = span.partition("-")
        by = _number(step, 1, end, ()) if step else 1
        if begin == "*" or (step and not begin):  # /4 is every fourth from the first
            low, high = first, end
        else:
            low = _number(begin, first, end, names)
            high = _number(until, first, end, names) if until else (end if step else low)
        if low > high:
            raise BadExpression(f"has {part}, which goes backwards")
        found.update(range(low, high + 1, by))
    return sorted(found)


def _number(text: str, first: int, end: int, names: list[str] | tuple[str, ...]) -> int:
    if text.upper() in names:
        return names.index(text.upper()) + 1
    if not text.isdigit() or not first <= int(text) <= end:
        raise BadExpression(f"has {text or 'nothing'}, where {first} to {end} is taken")
    return int(text)


def hours(duration: str) -> int | None:
    """The window's length; None where it is none."""
    found = DURATION.fullmatch(duration)
    return int(found[1]) if found and int(found[1]) else None
