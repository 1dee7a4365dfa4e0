from datetime import UTC, datetime

from local.arguments import parse
from local.audit import Audit
from local.drill import Drill, Gap


def test_a_drill_is_run_when_it_is_asked_for() -> None:
    assert parse(["--drill"]).drill
    assert not parse([]).drill


def test_it_says_what_went_back_and_from_when_to_when_readings_are_gone() -> None:
    gap = Gap(
        "shardId-0",
        datetime(2025, 11, 22, 10, 0, tzinfo=UTC),
        datetime(2025, 11, 23, 11, 0, tzinfo=UTC),
        "expired",
    )
    assert list(Drill(9_528, Audit(30_000, 29_000, 0, 1_000, 0, 0, 0, None), (gap,)).lines()) == [
        "drill        restored under load: 9,528 stored readings went back with the database; "
        "of 30,000 sent 0 lost, 0 duplicated",
        "an outage of 25 h: 200 readings expired unread, 200 after them are stored",
        "  stream_gap shardId-0: expired, from 2025-11-22 10:00:00 to 2025-11-23 11:00:00 UTC",
    ]
