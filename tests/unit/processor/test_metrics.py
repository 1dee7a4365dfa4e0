import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.model import StringShape
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as some

from processor import metric, metrics
from processor.committed import Committed
from processor.metrics import Gauges, Metrics, Sampler
from processor.quarantine import Reason

NOW = 1_763_897_519.0
CALM = Gauges({}, None, None, 0)
PAGE = Path(__file__).parents[3] / "docs/metrics.md"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Output:
    """Every line, taken apart as CloudWatch does."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def __call__(self, text: str) -> None:
        assert "\n" not in text
        self.lines.append(json.loads(text))

    def values(self, name: str, **dimensions: str) -> list[float]:
        """What a metric was under exactly these dimensions."""
        found: list[float] = []
        for line in self.lines:
            for directive in line["_aws"]["CloudWatchMetrics"]:
                (names,) = directive["Dimensions"]
                known = {one["Name"] for one in directive["Metrics"]}
                if name in known and {one: line[one] for one in names} == dimensions:
                    value = line[name]
                    found += value if isinstance(value, list) else [value]
        return found


def commit(shard: str = "shard-0", refused: Mapping[Reason, int] | None = None, **changes: Any) -> Committed:
    usual = {
        "records": 3,
        "inserted": 2,
        "absorbed": 1,
        "lag_ms": 40,
        "decode_seconds": 0.002,
        "write_seconds": 0.03,
        "oldest_arrived": NOW - 5,
        "raised": 0,
        "cleared": 0,
    }
    return Committed(shard=shard, refused=refused or {}, **{**usual, **changes})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def output() -> Output:
    return Output()


@pytest.fixture
def made(clock: Clock, output: Output) -> Metrics:
    return Metrics("test", "readings", output, clock, clock)


def test_a_minute_s_commits_become_one_line_for_the_stream_and_one_for_each_shard(
    made: Metrics, clock: Clock, output: Output
) -> None:
    made.committed(commit())
    made.committed(commit("shard-1", {Reason.PATH: 2, Reason.TOO_OLD: 1}, oldest_arrived=NOW - 90, lag_ms=7))
    clock.now += 59
    made.look(CALM)
    assert output.lines == []

    clock.now += 1
    made.look(CALM)

    assert output.values("Commits", StreamName="readings") == [2]
    assert output.values("RecordsCommitted", StreamName="readings") == [6]
    assert output.values("ReadingsInserted", StreamName="readings") == [4]
    assert output.values("ReadingsAbsorbed", StreamName="readings") == [2]
    assert output.values("ReadingsRefused", StreamName="readings") == [3]
    assert output.values("ReadingsRefused", StreamName="readings", Reason="path") == [2]
    assert output.values("ReadingsRefused", StreamName="readings", Reason="too_old") == [1]
    assert output.values("DecodeTime", StreamName="readings") == [2, 2]
    assert output.values("WriteTime", StreamName="readings") == [30, 30]
    assert sorted(output.values("CommitAge", StreamName="readings")) == [5, 90]
    assert output.values("CommitAge", StreamName="readings", ShardId="shard-1") == [90]
    assert output.values("Lag", StreamName="readings", ShardId="shard-1") == [7]
    assert len(output.lines) == 5
    assert {line["environment"] for line in output.lines} == {"test"}


def test_a_minute_without_a_commit_says_so(made: Metrics, clock: Clock, output: Output) -> None:
    clock.now += 60
    made.look(CALM)
    assert output.values("Commits", StreamName="readings") == [0]
    assert output.values("Gaps", StreamName="readings") == [0]
    assert output.values("WriteTime", StreamName="readings") == []


def test_how_long_database_and_cache_are_away_is_counted_and_ends(
    made: Metrics, clock: Clock, output: Output
) -> None:
    for _ in range(13):
        made.look(Gauges({}, "refused", None, 0))
        clock.now += 5
    made.look(Gauges({}, None, "refused", 0))
    clock.now += 30
    made.look(Gauges({}, None, None, 0))
    clock.now += 60
    made.look(CALM)
    assert output.values("DatabaseAway", StreamName="readings") == [60, 0]
    assert output.values("CacheAway", StreamName="readings") == [0, 0]


def test_an_outage_between_two_lines_is_not_missed(made: Metrics, clock: Clock, output: Output) -> None:
    made.look(Gauges({}, "gone", None, 0))
    clock.now += 20
    made.look(Gauges({}, "gone", None, 0))
    clock.now += 45
    made.look(CALM)
    assert output.values("DatabaseAway", StreamName="readings") == [20]


def test_a_clock_that_steps_keeps_back_no_line_and_makes_no_outage_longer(output: Output) -> None:
    clock, ticks = Clock(), Clock()
    made = Metrics("test", "readings", output, clock, ticks)
    made.look(Gauges({}, "refused", None, 0))
    clock.now -= 3600
    ticks.now += 60
    made.look(Gauges({}, "refused", None, 0))
    assert output.values("DatabaseAway", StreamName="readings") == [60]


def test_a_gap_is_told_at_once_and_once(made: Metrics, clock: Clock, output: Output) -> None:
    clock.now += 1
    made.look(Gauges({}, None, None, 2))
    assert output.values("Gaps", StreamName="readings") == [2]
    clock.now += 60
    made.look(Gauges({}, None, None, 2))
    assert output.values("Gaps", StreamName="readings") == [2, 0]


def test_the_lag_of_a_shard_without_commits_is_told_too(made: Metrics, clock: Clock, output: Output) -> None:
    made.look(Gauges({"shard-0": 900}, None, None, 0))
    clock.now += 60
    made.look(Gauges({"shard-0": 100}, None, None, 0))
    assert output.values("Lag", StreamName="readings", ShardId="shard-0") == [900]


def test_a_clock_that_is_behind_the_stream_s_makes_no_negative_age(made: Metrics, output: Output) -> None:
    made.committed(commit(oldest_arrived=NOW + 3))
    made.flush()
    assert output.values("CommitAge", StreamName="readings") == [0]


def test_output_that_is_gone_does_not_stop_readings(clock: Clock) -> None:
    def broken(text: str) -> None:
        raise BrokenPipeError

    Metrics("test", "readings", broken, clock).flush()


def test_the_last_figures_are_written_at_the_end(made: Metrics, output: Output) -> None:
    with Sampler(made, lambda: CALM):
        made.committed(commit())
    assert output.values("Commits", StreamName="readings") == [1]


commits = some.builds(
    commit,
    some.sampled_from(["shard-0", "shard-1"]),
    some.dictionaries(some.sampled_from(Reason), some.integers(1, 9)),
    inserted=some.integers(0, 500),
)


@given(some.lists(commits, max_size=250))
def test_nothing_is_lost_and_every_line_is_within_the_specification(ones: list[Committed]) -> None:
    """Targets present, at most 100 metrics, text for dimensions, arrays of at most 100."""
    output = Output()
    made = Metrics("test", "readings", output, Clock())
    for one in ones:
        made.committed(one)
    made.flush()

    assert sum(output.values("ReadingsInserted", StreamName="readings")) == sum(one.inserted for one in ones)
    assert len(output.values("CommitAge", StreamName="readings")) == len(ones)
    for line in output.lines:
        assert isinstance(line["_aws"]["Timestamp"], int)
        for directive in line["_aws"]["CloudWatchMetrics"]:
            assert set(directive) == {"Namespace", "Dimensions", "Metrics"}
            assert 0 < len(directive["Metrics"]) <= 100
            for name in [name for names in directive["Dimensions"] for name in names]:
                assert isinstance(line[name], str) and 0 < len(line[name]) <= 1024
            for target in directive["Metrics"]:
                value = line[target["Name"]]
                assert not isinstance(value, list) or 0 < len(value) <= metrics.MOST_VALUES


def test_units_are_cloudwatch_s_and_dimensions_are_bounded() -> None:
    shape = get_session().get_service_model("cloudwatch").shape_for("StandardUnit")
    assert isinstance(shape, StringShape)
    assert {one.unit for one in metric.METRICS} <= set(shape.enum)
    assert {name for one in metric.METRICS for name in one.dimensions} == {"StreamName", "ShardId", "Reason"}
    assert len({(one.name, one.dimensions) for one in metric.METRICS}) == len(metric.METRICS)


def test_alarms_and_those_who_are_told_are_counted(made: Metrics, output: Output) -> None:
    made.committed(commit(raised=3, cleared=1))
    made.committed(commit(raised=2))
    made.told()
    made.flush()
    assert output.values("AlarmsRaised", StreamName="readings") == [5]
    assert output.values("AlarmsCleared", StreamName="readings") == [1]
    assert output.values("NotificationsSent", StreamName="readings") == [1]


def test_what_stands_and_waits_is_the_most_of_the_minute_and_nothing_where_nobody_looked(
    made: Metrics, output: Output
) -> None:
    made.look(Gauges({}, None, None, 0, alarms_standing=4, notification_age=0.0))
    made.look(Gauges({}, None, None, 0, alarms_standing=7, notification_age=61.26))
    made.look(Gauges({}, None, None, 0, alarms_standing=5, notification_age=2.0))
    made.flush()
    made.look(CALM)
    made.flush()
    assert output.values("AlarmsStanding", StreamName="readings") == [7]
    assert output.values("NotificationAge", StreamName="readings") == [61.3]


def test_every_metric_that_is_declared_is_written(made: Metrics, output: Output) -> None:
    made.committed(commit(refused={Reason.PATH: 1}))
    made.look(Gauges({}, None, None, 0, alarms_standing=0, notification_age=0.0))
    made.flush()
    written = {
        (one["Name"], tuple(names), one["Unit"])
        for line in output.lines
        for directive in line["_aws"]["CloudWatchMetrics"]
        for names in directive["Dimensions"]
        for one in directive["Metrics"]
    }
    assert written == {(one.name, one.dimensions, one.unit) for one in metric.METRICS}


def table_of(page: Path, printed: Callable[[], str]) -> bool:
    return printed() in page.read_text(encoding="utf-8")


def test_the_page_has_the_table_of_now() -> None:
    assert table_of(PAGE, metric.printed), (
        "put what `python -m processor metrics` prints into docs/metrics.md"
    )
