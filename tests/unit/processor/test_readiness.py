from typing import Any

import pytest

from processor.readiness import BEHIND_MS, STALL_SECONDS, LastCommit, Standing, readiness

NOW = 1_763_897_519.0
READER = Standing(
    role="reader",
    lacks=None,
    database=None,
    cache=None,
    lag_ms={"shard-0": 0},
    last={"shard-0": LastCommit(NOW - 3, 0.4)},
    abreast={"shard-0": NOW - 1000},
)
STANDBY = Standing("standby", None, None, None, {}, {}, {})


def but(**changes: Any) -> Standing:
    return Standing(**{**vars(READER), **changes})


def test_a_reader_whose_shards_move_is_ready_and_shows_how_they_stand() -> None:
    found = readiness(READER, NOW)
    assert found.because == ()
    assert found.shown == {
        "role": "reader",
        "tables": True,
        "database": "connected",
        "cache": "connected",
        "shards": {"shard-0": {"lag_ms": 0, "committed_seconds_ago": 3.0, "age_at_commit_seconds": 0.4}},
    }


def test_a_standby_that_has_seen_the_tables_is_ready() -> None:
    found = readiness(STANDBY, NOW)
    assert (found.because, found.shown["tables"]) == ((), True)


def test_a_standby_that_waits_for_the_tables_is_not_and_says_what_they_lack() -> None:
    found = readiness(Standing("standby", "the tables lack 0001", None, None, {}, {}, {}), NOW)
    assert (found.because, found.shown["tables"]) == (("the tables lack 0001",), False)


@pytest.mark.parametrize(
    ("standing", "because"),
    [
        (but(database="OperationalError: refused"), "the database is away: OperationalError: refused"),
        (but(role="starting"), "has not asked for its turn"),
        (
            but(lag_ms={"shard-0": BEHIND_MS}, last={"shard-0": LastCommit(NOW - STALL_SECONDS - 1, 0)}),
            "nothing was committed for 180 s of shard-0",
        ),
        (but(lag_ms={"shard-0": BEHIND_MS}, last={}), "of shard-0"),
    ],
)
def test_it_says_why_it_is_not_ready(standing: Standing, because: str) -> None:
    (said,) = readiness(standing, NOW).because
    assert because in said


@pytest.mark.parametrize(
    "standing",
    [
        but(cache="ConnectionError: refused"),
        but(lag_ms={"shard-0": 0}, last={}),  # nothing has come
        but(lag_ms={"shard-0": 10**9}, last={"shard-0": LastCommit(NOW - STALL_SECONDS, 0)}),
        but(lag_ms={"shard-0": 10**9}, last={}, abreast={"shard-0": NOW - STALL_SECONDS}),  # has just begun
        # the child of a reshard: its process has read for long, and another shard of it too
        but(lag_ms={"shard-0": 0, "child": 10**9}, abreast={"shard-0": NOW - 10**6, "child": NOW - 1}),
        # quiet for a day, and now there is something
        but(
            lag_ms={"shard-0": BEHIND_MS},
            last={"shard-0": LastCommit(NOW - 86_400, 0)},
            abreast={"shard-0": NOW - 5},
        ),
        but(lag_ms={"shard-0": 10**9}, last={}, abreast={}),  # its end was read just now
    ],
)
def test_what_costs_freshness_or_is_on_its_way_is_no_reason(standing: Standing) -> None:
    assert readiness(standing, NOW).because == ()
