from typing import Any

import pytest

from processor.readiness import BEHIND_MS, STALL_SECONDS, LastCommit, Standing, readiness

NOW = 1_763_897_519.0
READER = Standing(
    role="reader",
    tables=True,
    database=None,
    cache=None,
    lag_ms={"shard-0": 0},
    last={"shard-0": LastCommit(NOW - 3, 0.4)},
    reading_since=NOW - 1000,
)
STANDBY = Standing("standby", False, None, None, {}, {}, None)


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


def test_a_standby_is_ready_though_another_has_made_the_tables() -> None:
    assert readiness(STANDBY, NOW).because == ()


@pytest.mark.parametrize(
    ("standing", "because"),
    [
        (but(database="OperationalError: refused"), "the database is away: OperationalError: refused"),
        (but(role="starting"), "has not asked for its turn"),
        (but(tables=False, reading_since=None), "has not seen all migrations"),
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
        but(lag_ms={"shard-0": 10**9}, last={}, reading_since=NOW - STALL_SECONDS),  # has just begun
    ],
)
def test_what_costs_freshness_or_is_on_its_way_is_no_reason(standing: Standing) -> None:
    assert readiness(standing, NOW).because == ()
