"""When a rotation is due: windows by rate, by days and by cron."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.aws.schedule import next_window, refusal

AT = datetime(2026, 3, 10, 9, 36, tzinfo=UTC)  # a Tuesday


def day(number: int, hour: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, number, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rules", "opens", "closes"),
    [
        ({"ScheduleExpression": "rate(30 days)", "Duration": "2h"}, day(9, month=4), day(9, 2, month=4)),
        ({"ScheduleExpression": "rate(10 days)"}, day(20), day(21)),
        ({"AutomaticallyAfterDays": 7}, day(17), day(18)),
        ({"ScheduleExpression": "rate(4 hours)"}, day(10, 12), day(10, 13)),
        ({"ScheduleExpression": "rate(12 hours)", "Duration": "3h"}, day(10, 12), day(10, 15)),
        ({"ScheduleExpression": "cron(0 8 * * ? *)"}, day(11, 8), day(12)),
        ({"ScheduleExpression": "cron(0 /8 * * ? *)"}, day(10, 16), day(10, 17)),
        ({"ScheduleExpression": "cron(0 2 ? * SUN *)", "Duration": "1h"}, day(15, 2), day(15, 3)),
        ({"ScheduleExpression": "cron(0 4 1,20 JAN-JUN ? *)"}, day(20, 4), day(21)),
    ],
)
def test_the_next_window(rules: dict[str, Any], opens: datetime, closes: datetime) -> None:
    assert refusal(rules) is None
    found = next_window(rules, AT, AT)
    assert found is not None
    assert (found.opens, found.closes) == (opens, closes)


def test_a_window_that_has_passed_is_left_for_the_next_one() -> None:
    rules = {"ScheduleExpression": "rate(10 days)", "Duration": "2h"}
    within, after = (next_window(rules, AT, day(20, hour)) for hour in (1, 2))
    assert within is not None
    assert after is not None
    assert (within.opens, after.opens) == (day(20), day(30))


def test_a_secret_without_a_schedule_is_never_due() -> None:
    assert next_window({}, AT, AT) is None


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ({"ScheduleExpression": "rate(3 hours)"}, "every 4 hours to 1000 days"),
        ({"ScheduleExpression": "rate(1001 days)"}, "every 4 hours to 1000 days"),
        ({"ScheduleExpression": "cron(5 8 * * ? *)"}, "neither rate"),
        ({"ScheduleExpression": "cron(0 25 * * ? *)"}, "is no cron"),
        ({"ScheduleExpression": "cron(0 8 ? * NEVER *)"}, "is no cron"),
        ({"ScheduleExpression": "cron(0 8 30 FEB ? *)", "Duration": "1h"}, "never comes"),
        ({"ScheduleExpression": "rate(4 hours)", "Duration": "5h"}, "must not extend"),
        ({"ScheduleExpression": "cron(0 23 * * ? *)", "Duration": "2h"}, "must not extend"),
        ({"ScheduleExpression": "rate(2 days)", "Duration": "2 hours"}, "a number of hours"),
        ({"AutomaticallyAfterDays": 0}, "1 to 1000"),
        ({"AutomaticallyAfterDays": 3, "ScheduleExpression": "rate(3 days)"}, "both"),
    ],
)
def test_what_is_refused(rules: dict[str, Any], why: str) -> None:
    assert why in str(refusal(rules))


@given(
    st.sampled_from(
        [
            {"ScheduleExpression": "rate(30 days)", "Duration": "2h"},
            {"ScheduleExpression": "rate(5 hours)"},
            {"ScheduleExpression": "cron(0 1-20/4 ? * MON-FRI *)"},
            {"AutomaticallyAfterDays": 3},
        ]
    ),
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    st.timedeltas(timedelta(0), timedelta(days=90)),
)
def test_a_window_comes_after_the_last_rotation_and_is_not_over(
    rules: dict[str, Any], last: datetime, passed: timedelta
) -> None:
    found = next_window(rules, last, last + passed)
    assert found is not None
    assert last < found.opens < found.closes
    assert found.closes > last + passed
