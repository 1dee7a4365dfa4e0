"""When the alarms on the processor's own figures begin: their expressions, worked out for a period."""

from typing import Any

import pytest

from rules.families.signals.metric_math import parsed, value
from stacks.commit_alarms import FEW, REFUSED_PERCENT


def alarm(nested: Any, title: str, **settings: object) -> dict[str, Any]:
    made: dict[str, Any] = nested("observability", **settings)["Resources"][title]["Properties"]
    return made


def begins(made: dict[str, Any], **given: float) -> bool:
    (text,) = [query["Expression"] for query in made["Metrics"] if query["ReturnData"]]
    assert made["ComparisonOperator"] == "GreaterThanThreshold"
    return bool(value(parsed(text), given) > made["Threshold"])


@pytest.mark.parametrize(
    ("records", "commits", "sounds"), [(10, 0, True), (10, 1, False), (0, 0, False), (0, 3, False)]
)
def test_nothing_is_committed_while_records_come(
    nested: Any, records: int, commits: int, sounds: bool
) -> None:
    made = alarm(nested, "NothingCommitted")
    assert begins(made, records=records, commits=commits) is sounds
    assert made["EvaluationPeriods"] == 5, "a commit a minute late is none missing"


def test_a_processor_that_says_nothing_has_committed_nothing(nested: Any) -> None:
    (text,) = [
        query["Expression"] for query in alarm(nested, "NothingCommitted")["Metrics"] if query["ReturnData"]
    ]
    assert "FILL(commits, 0)" in text and "FILL(records, 0)" in text


@pytest.mark.parametrize(
    ("refused", "others", "sounds"),
    [
        (FEW, 0, False),  # of few a percentage says nothing
        (FEW + 1, 0, True),
        (100, 100 * (100 - REFUSED_PERCENT) // REFUSED_PERCENT, False),
        (101, 100 * (100 - REFUSED_PERCENT) // REFUSED_PERCENT, True),
        (0, 0, False),
    ],
)
def test_a_share_of_refused_readings_sounds_and_a_handful_does_not(
    nested: Any, refused: int, others: int, sounds: bool
) -> None:
    made = alarm(nested, "QuarantineRate")
    for inserted in (0, others):  # what is absorbed was a reading as well
        assert begins(made, refused=refused, inserted=inserted, absorbed=others - inserted) is sounds


def test_a_gap_sounds_within_a_minute_and_is_heard_by_the_pager(nested: Any) -> None:
    made = alarm(nested, "GapFound")
    assert (made["Period"], made["EvaluationPeriods"], made["Threshold"]) == (60, 1, 0)
    stopped = nested("observability")["Resources"]["ReadingsStopped"]["Properties"]["AlarmRule"]["Fn::Sub"]
    assert "${GapFound.Arn}" in stopped and "${NothingCommitted.Arn}" in stopped


def test_commits_are_late_from_the_environment_s_bound_on(nested: Any) -> None:
    assert alarm(nested, "CommitsLate", lag_alarm_seconds=45)["Threshold"] == 45, "seconds, unlike Lag"


@pytest.mark.parametrize(
    ("records", "committed", "sounds"),
    [
        (FEW, 0, False),
        (FEW + 1, 0, True),
        (1000, 1000, False),
        (1000, 1200, False),  # a backlog is worked off
        (1000, 981, False),  # a batch at each end of the quarter
        (50_000, 48_900, True),  # one of forty-five shards is read by nobody
    ],
)
def test_a_shard_that_nobody_reads_sounds_though_all_others_advance(
    nested: Any, records: int, committed: int, sounds: bool
) -> None:
    made = alarm(nested, "ShardUnread")
    assert begins(made, records=records, committed=committed) is sounds
    assert made["EvaluationPeriods"] == 3, "lag that comes and goes evens out"
    assert made["Metrics"][0]["MetricStat"]["Period"] == 15 * 60
