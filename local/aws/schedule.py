"""When a secret is due: its schedule's windows, as Secrets Manager reads them. All times in UTC.

Sources: API_RotationRulesType, and "Rotation schedules" in the user guide:
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotationRulesType.html
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
Where they say nothing: a rate in hours counts from midnight of the day of the last rotation; a window that
passed without a rotation (the machine slept) is left for the next one.
"""

import calendar
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LEAST_HOURS, MOST_DAYS = 4, 1000
CRON = re.compile(r"cron\(0 (\S+) (\S+) (\S+) (\S+) \*\)")  # minutes are 0, years are *
RATE = re.compile(r"rate\((\d+) (hour|day)s?\)")
MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}
WEEKDAYS = {name: number for number, name in enumerate(("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"), 1)}
LONGEST_LOOK = timedelta(days=2 * 366)  # for a cron() that never comes

Rules = Mapping[str, Any]


@dataclass(frozen=True)
class Window:
    """A rotation may begin at any time from `opens` to `closes`."""

    opens: datetime
    closes: datetime


def refusal(rules: Rules) -> str | None:
    """What Secrets Manager would not take, in our words: it documents the bounds, not its messages."""
    expression, days = rules.get("ScheduleExpression"), rules.get("AutomaticallyAfterDays")
    if expression is not None and days is not None:
        return "You can't specify both AutomaticallyAfterDays and ScheduleExpression in RotationRules."
    if days is not None and not 1 <= int(days) <= MOST_DAYS:
        return f"AutomaticallyAfterDays is 1 to {MOST_DAYS}, not {days}."
    if expression is not None and (wrong := _expression_refusal(expression)):
        return wrong
    duration = rules.get("Duration")
    if duration is not None and not re.fullmatch(r"[0-9]{1,2}h", duration):
        return f"Duration is a number of hours such as 3h, not {duration}."
    return _window_refusal(rules) if expression is not None and duration is not None else None


def next_window(rules: Rules, last: datetime, now: datetime) -> Window | None:
    """The first window after `last` that has not closed; None without a schedule.

    last: when the secret got its value, by a rotation or by hand, which counts as one.
    """
    for opens in _openings(rules, last):
        window = Window(opens, _closing(rules, opens))
        if window.closes > now:
            return window
    return None


def _expression_refusal(expression: str) -> str | None:
    if rate := RATE.fullmatch(expression):
        hours = int(rate[1]) * (24 if rate[2] == "day" else 1)
        if not LEAST_HOURS <= hours <= MOST_DAYS * 24:
            return f"{expression}: a secret is rotated every {LEAST_HOURS} hours to {MOST_DAYS} days."
        return None
    if cron := CRON.fullmatch(expression):
        try:
            for number, field in enumerate(cron.groups()):
                _values(field, number)
        except (KeyError, ValueError):
            return f"{expression} is no cron() expression of Secrets Manager."
        return None
    return f"{expression} is neither rate(N hours|days) nor cron(0 hours day-of-month month day-of-week *)."


def _window_refusal(rules: Rules) -> str | None:
    """A window must not reach into the next one, nor into the next day."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    openings = _openings(rules, start)
    first, second = next(openings, None), next(openings, None)
    if first is None or second is None:
        return f"{rules['ScheduleExpression']} never comes."
    closes = _closing(rules, first)
    midnight = _midnight(first) + DAY
    if closes > min(second, midnight):
        return "The rotation window must not extend into the next rotation window or the next UTC day."
    return None


def _openings(rules: Rules, last: datetime) -> Iterator[datetime]:
    expression = rules.get("ScheduleExpression") or ""
    if rate := RATE.fullmatch(expression):
        step = int(rate[1]) * (DAY if rate[2] == "day" else HOUR)
        yield from _stepping(_midnight(last), step, last)
    elif cron := CRON.fullmatch(expression):
        yield from _matching(cron, last)
    elif rules.get("AutomaticallyAfterDays"):
        # https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot_rotation.html: the date is
        # the last one's and the interval; the hour is anyone within that day.
        yield from _stepping(_midnight(last), int(rules["AutomaticallyAfterDays"]) * DAY, last)


def _stepping(start: datetime, step: timedelta, last: datetime) -> Iterator[datetime]:
    opens = start + step
    while True:
        if opens > last:
            yield opens
        opens += step


def _matching(cron: re.Match[str], last: datetime) -> Iterator[datetime]:
    hours, days, months, weekdays = (_values(field, number) for number, field in enumerate(cron.groups()))
    opens = last.replace(minute=0, second=0, microsecond=0) + HOUR
    end = opens + LONGEST_LOOK
    while opens < end:
        weekday = opens.isoweekday() % 7 + 1
        if opens.hour in hours and opens.month in months and opens.day in days and weekday in weekdays:
            yield opens
        opens += HOUR


_BOUNDS = ((0, 23), (1, 31), (1, 12), (1, 7))
_NAMES: tuple[Mapping[str, int], ...] = ({}, {}, MONTHS, WEEKDAYS)


def _values(field: str, number: int) -> frozenset[int]:
    """Those that a field of cron() names: *, ?, 3, 1-5, MON-FRI, 8,20, /8 and 0/8. No L, W or #."""
    least, most = _BOUNDS[number]
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, end = span.partition("-")
        if span in ("*", "?", ""):
            begins, ends = least, most
        else:
            begins = _value(first, number)
            ends = _value(end, number) if end else (most if step else begins)
        if not least <= begins <= ends <= most:
            raise ValueError(field)
        found |= set(range(begins, ends + 1, int(step or 1)))
    return frozenset(found)


def _value(text: str, number: int) -> int:
    return int(text) if text.isdigit() else _NAMES[number][text.capitalize()]


def _closing(rules: Rules, opens: datetime) -> datetime:
    if duration := rules.get("Duration"):
        return opens + int(duration[:-1]) * HOUR
    return opens + HOUR if _in_hours(rules) else _midnight(opens) + DAY


def _in_hours(rules: Rules) -> bool:
    """Whether it comes several times a day."""
    expression = rules.get("ScheduleExpression") or ""
    if rate := RATE.fullmatch(expression):
        return rate[2] == "hour"
    cron = CRON.fullmatch(expression)
    return cron is not None and len(_values(cron[1], 0)) > 1


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
