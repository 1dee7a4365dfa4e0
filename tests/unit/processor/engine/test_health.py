"""My shards advance: what makes a task unwell, and what does not."""

import os
import subprocess
import sys
from typing import Any

import msgspec
import pytest

from processor.engine.health import SILENCE_SECONDS, STANDSTILL_SECONDS, health, ready, runs
from processor.engine.vitals import Vitals
from processor.readiness import STALL_SECONDS, LastCommit

NOW = 10_000.0
SHARD = "shard-1"
WELL = Vitals(
    shard=SHARD,
    pid=12,
    parent=1,
    state="owner",
    beat=NOW - 1,
    heard=NOW - 1,
    lacks=None,
    database=None,
    cache=None,
    lag_ms={SHARD: 0},
    last={SHARD: LastCommit(NOW - 5, 0.3)},
    abreast=NOW - 1000,
)


def changed(**changes: Any) -> Vitals:
    return msgspec.structs.replace(WELL, **changes)


def everybody(pid: int) -> bool:
    return True


def test_a_task_whose_children_are_well_is_well_and_so_is_one_without_a_shard() -> None:
    assert health([], NOW, everybody).document() == {"alive": True, "because": (), "shards": {}}
    said = health([WELL, changed(shard="shard-2")], NOW, everybody)
    assert said.because == ()
    assert said.document()["alive"] is True
    assert said.shards[SHARD]["lag_ms"] == 0
    assert sorted(said.shards) == ["shard-1", "shard-2"]


@pytest.mark.parametrize(
    ("child", "why"),
    [
        (changed(beat=NOW - STANDSTILL_SECONDS - 1), "shard-1: its loop has stood still for 181 s"),
        (changed(heard=NOW - SILENCE_SECONDS - 1), "shard-1: the daemon has said nothing for 301 s"),
        (
            changed(lag_ms={SHARD: 5000}, last={SHARD: LastCommit(NOW - STALL_SECONDS - 1, 0.3)}),
            "shard-1: 5000 ms behind, and nothing was committed for 181 s",
        ),
        (
            changed(lag_ms={SHARD: 5000}, last={}, abreast=NOW - STALL_SECONDS - 1),
            "shard-1: 5000 ms behind, and nothing was committed for 181 s",
        ),
    ],
)
def test_a_shard_that_does_not_advance_makes_the_task_unwell(child: Vitals, why: str) -> None:
    assert health([changed(shard="shard-2", lag_ms={}), child], NOW, everybody).because == (why,)
    assert why in ready([child], NOW, everybody).because


def test_a_child_that_was_killed_under_a_daemon_that_runs_on_is_told() -> None:
    said = health([WELL], NOW, lambda pid: pid != 12)
    assert said.because == ("shard-1: its process has died, and the daemon runs on",)


def test_what_a_former_daemon_left_is_passed_over() -> None:
    assert health([changed(beat=0.0)], NOW, lambda pid: pid != 1).shards == {}
    assert ready([changed(beat=0.0)], NOW, lambda pid: pid != 1).shards == {}


@pytest.mark.parametrize(
    "child",
    [
        changed(heard=NOW - SILENCE_SECONDS + 1, beat=NOW - STANDSTILL_SECONDS + 1),
        changed(lag_ms={SHARD: 999}, last={}),
        changed(lag_ms={SHARD: 5000}, last={SHARD: LastCommit(NOW - STALL_SECONDS + 1, 0.3)}),
        changed(lag_ms={SHARD: 5000}, last={}, state="lost"),
        # A restart would not bring the database back.
        changed(database="away", lag_ms={SHARD: 5000}, last={}, heard=NOW - 10_000),
        changed(lacks="the tables lack 0017", lag_ms={SHARD: 5000}, last={}, heard=NOW - 10_000),
        # It was abreast a moment ago.
        changed(lag_ms={SHARD: 5000}, last={}, abreast=NOW - STALL_SECONDS + 1),
    ],
)
def test_what_a_restart_would_not_mend_does_not_make_it_unwell(child: Vitals) -> None:
    assert health([child], NOW, everybody).because == ()


def test_ready_says_of_each_shard_what_one_process_says_of_itself() -> None:
    said = ready([WELL, changed(shard="shard-2", database="away", state="starting")], NOW, everybody)
    assert [reason.partition(":")[0] for reason in said.because] == ["shard-2", "shard-2"]
    assert "the database is away" in said.because[0]
    document = said.document()
    assert document["ready"] is False
    shards: Any = document["shards"]
    assert shards[SHARD]["shards"][SHARD]["committed_seconds_ago"] == 5.0


def test_a_process_runs_until_it_was_waited_for() -> None:
    assert runs(os.getpid())
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert not runs(ended.pid)
