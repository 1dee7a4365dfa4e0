"""What was refused is taken again once its cause is mended, and what the stream holds is read again, once."""

import gzip
import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from backports import zstd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processor.latest import Latest
from processor.names import Names
from processor.pipeline import judge
from processor.quarantine import Reason
from processor.replay import tables as replay_tables
from processor.replay.command import Replay
from processor.replay.request import Quarantined
from processor.source.records import Record
from processor.storage.database import Database, Session
from processor.storage.store import Store
from processor.validate import Rules
from tests.integration.conftest import ROOT
from tests.integration.test_processor_tables import empty, open_database, rows, tables
from tests.unit.processor.conftest import aggregated

__all__ = ["open_database", "tables"]  # fixtures

NOW_MS = 1_763_897_519_000
DAY_MS = 86_400_000
DEVICE = "a/b/c/d/e/m1"
STRICT = Rules(oldest_days=7, newest_minutes=10)
LAX = Rules(oldest_days=100, newest_minutes=10, bind_devices=False)
ALL = Quarantined()


class Shown:
    """The fake of the cache."""

    def __init__(self) -> None:
        self.commands = 0

    def script_load(self, script: str) -> str:
        return "sha"

    def evalsha(self, sha: str, numkeys: int, *keys_and_args: str | bytes) -> object:
        self.commands += 1
        return 0


def replay(database: Database, rules: Rules, chosen: Quarantined = ALL, *, write: bool = True) -> list[str]:
    return list(Replay(database, Latest(Shown()), rules, write).quarantine("readings", chosen))


def store(tables: tuple[Store, Database], records: list[Record], rules: Rules = STRICT) -> None:
    shard = tables[0].take_shard("shard-0")
    tables[0].store(shard, judge(records, Names(), rules, 0))


def record(document: object, number: int = 1, key: str = "") -> Record:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Record(data, str(number), NOW_MS / 1000, 0, key)


def contents(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All that a replay must bring to be what it would have been."""
    point = "(SELECT path FROM point WHERE id = point)"
    return {
        "reading": rows(
            database,
            f"SELECT {point}, ts, seq, number, flag, text, quality, status, extra FROM reading "
            "ORDER BY 1, 2, 3",
        ),
        "rollup_1m": rows(
            database, f"SELECT {point}, bucket, n, n_bad, sum, min, max FROM rollup_1m ORDER BY 1, 2"
        ),
        "rollup_1h": rows(
            database, f"SELECT {point}, bucket, n, n_bad, sum, min, max FROM rollup_1h ORDER BY 1, 2"
        ),
        "quarantine": rows(
            database,
            "SELECT shard, sequence_number, sub_sequence, index, reason, detail FROM quarantine "
            "ORDER BY 1, 2, 3, 4",
        ),
    }


some_readings = st.fixed_dictionaries(
    {
        "path": st.sampled_from([f"{DEVICE}/x", "a/b/c/d/e/m2/x", "wrong"]),
        "ts": st.sampled_from([NOW_MS, NOW_MS - 8 * DAY_MS, NOW_MS - 9 * DAY_MS, NOW_MS - 200 * DAY_MS, "?"]),
        "value": st.sampled_from([1, 0.5, True, "on", None, "NaN", [1]]),
    },
    optional={
        "seq": st.sampled_from([0, 1, -1]),
        "batch": st.just("B-7"),
        # What could be taken for a wrapping when the reading stands alone.
        "readings": st.just([{"path": f"{DEVICE}/y", "ts": NOW_MS, "value": 1}]),
        "specversion": st.just("1.0"),
    },
)
some_records = st.tuples(
    st.lists(some_readings, min_size=1, max_size=4),
    st.sampled_from(["", DEVICE]),
    st.dictionaries(st.sampled_from(["site", "crew"]), st.just(1)),
    st.booleans(),
)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(given_records=st.lists(some_records, min_size=1, max_size=5), killed=st.booleans())
def test_a_replay_leaves_what_would_be_there_had_the_rules_been_right_at_once(
    tables: tuple[Store, Database], given_records: list[tuple[Any, ...]], killed: bool
) -> None:
    _, database = tables
    records = [
        record(
            gzip.compress(json.dumps({**more, "readings": items}).encode())
            if packed
            else {**more, "readings": items},
            number,
            key,
        )
        for number, (items, key, more, packed) in enumerate(given_records, 1)
    ]
    # Given the tables of rules that fit, and then those of rules that are too strict
    empty(database)
    store(tables, records, LAX)
    right = contents(database)
    empty(database)
    store(tables, records, STRICT)
    strict = contents(database)

    # When it is killed in the middle of a transaction, nothing has changed
    if killed and strict["quarantine"]:
        with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(replay_tables, "add_rollups", interrupt)
            replay(database, LAX)
        assert contents(database) == strict

    # Then the replay brings what was missing, a dry run and a second replay nothing
    replay(database, LAX, write=False)
    assert contents(database) == strict
    replay(database, LAX)
    assert contents(database) == right
    replay(database, LAX)
    assert contents(database) == right


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_what_is_chosen_is_taken_and_counted(tables: tuple[Store, Database]) -> None:
    _, database = tables
    empty(database)
    old = {"path": f"{DEVICE}/x", "ts": NOW_MS - 8 * DAY_MS, "value": 1}
    store(
        tables,
        [
            record({"readings": [old, {**old, "value": 2}, {**old, "path": "wrong"}]}, 1),
            record(b"?", 2),
            record({**old, "ts": NOW_MS}, 3, "a/b/c/d/e/m2"),
        ],
    )
    line = "quarantine of readings: no such row"
    assert replay(database, LAX, Quarantined(reasons=(Reason.SEQ,))) == [line]
    assert replay(database, LAX, Quarantined(shard="shard-1")) == [line]
    arrived = datetime.fromtimestamp(NOW_MS / 1000, UTC)
    assert replay(database, LAX, Quarantined(until=arrived)) == [line]
    assert replay(database, LAX, Quarantined(since=arrived + timedelta(seconds=1))) == [line]
    assert replay(database, LAX, Quarantined(since=arrived), write=False) == [
        "quarantine of readings: 5 rows",
        "  reason         to take  still refused",
        "  device               1              0",
        "  path                 0              1",
        "  too_old              2              0",
        "  undecodable          0              1",
        "readings: 3 to insert, 0 there already",
        "refused: path 1, undecodable 1",
        "a dry run: nothing was changed; with --yes it is done",
    ]
    assert replay(database, LAX, Quarantined(reasons=(Reason.TOO_OLD, Reason.PATH))) == [
        "quarantine of readings: 3 rows",
        "  reason       taken  still refused",
        "  path             0              1",
        "  too_old          2              0",
        "readings: 2 inserted, 0 there already",
        "refused: path 1",
    ]
    left = "SELECT reason FROM quarantine ORDER BY 1"
    assert rows(database, left) == [("device",), ("path",), ("undecodable",)]


def test_many_pages_are_walked_to_their_end(
    tables: tuple[Store, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, database = tables
    empty(database)
    monkeypatch.setattr(replay_tables, "PAGE_ROWS", 3)
    monkeypatch.setattr(replay_tables, "PAGE_BYTES", 150)
    old = {"path": f"{DEVICE}/x", "ts": NOW_MS - 8 * DAY_MS}
    store(
        tables,
        [record({**old, "value": number, "batch": "x" * number * 20}, number) for number in range(1, 12)],
    )
    assert replay(database, LAX)[-1] == "readings: 11 inserted, 0 there already"
    assert rows(database, "SELECT count(*) FROM quarantine UNION ALL SELECT count(*) FROM reading") == [
        (0,),
        (11,),
    ]


def test_an_aggregated_record_that_was_refused_whole_comes_apart_when_it_can(
    tables: tuple[Store, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if a release had not known the format: the parts come to stand under their own numbers
    _, database = tables
    empty(database)
    parts = [b'{"path":"%s/x","ts":%d,"value":%d}' % (DEVICE.encode(), NOW_MS, part) for part in (1, 2)]
    whole = aggregated([("k", parts[0]), ("k", b"?"), ("k", parts[1])])
    with monkeypatch.context() as patch:
        patch.setattr("processor.decode.user_records", lambda records: records)
        store(tables, [record(whole, 7)])
    assert rows(database, "SELECT sub_sequence, index FROM quarantine") == [(0, -1)]
    replay(database, STRICT)
    assert rows(database, "SELECT sub_sequence, index, payload FROM quarantine") == [(1, -1, b"?")]
    assert rows(database, "SELECT number FROM reading ORDER BY 1") == [(1.0,), (2.0,)]


def test_a_record_of_too_many_days_waits_in_part_and_a_replay_brings_it_whole(
    tables: tuple[Store, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given one record of history of nine days, more than a record may have
    _, database = tables
    empty(database)
    parts = [
        json.dumps({"path": f"{DEVICE}/x", "ts": NOW_MS - day * DAY_MS, "value": day, "hist": True}).encode()
        for day in range(9)
    ]
    with monkeypatch.context() as patch:
        patch.setattr("processor.days.DAYS_A_RECORD", 4)
        store(tables, [record(aggregated([("k", part) for part in parts]))])
    assert rows(database, "SELECT array_agg(number ORDER BY number) FROM reading") == [([0, 1, 2, 3],)]
    assert rows(database, "SELECT DISTINCT reason FROM quarantine") == [("too_many_days",)]

    # Then a replay by the same bound takes the rest, in transactions of few days each
    monkeypatch.setattr("processor.pipeline.MOST_DAYS", 4)
    monkeypatch.setattr("processor.days.DAYS_A_RECORD", 4)
    assert replay(database, STRICT)[-1] == "readings: 5 inserted, 0 there already"
    assert rows(database, "SELECT count(*), sum(number) FROM reading") == [(9, 36.0)]
    assert rows(database, "SELECT sum(n), sum(sum) FROM rollup_1h") == [(9, 36.0)]
    assert rows(database, "SELECT count(*) FROM quarantine") == [(0,)]


def test_a_day_that_retention_drops_under_a_replay_is_made_again(tables: tuple[Store, Database]) -> None:
    # Given a refused reading of a day whose partition was there when it was looked for
    _, database = tables
    empty(database)
    old = {"path": f"{DEVICE}/x", "ts": NOW_MS - 61 * DAY_MS, "value": 1}
    store(tables, [record(old)])
    database.run(lambda session: session.days.add(NOW_MS // DAY_MS - 61))

    # Then it is taken all the same
    assert replay(database, LAX)[-1] == "readings: 1 inserted, 0 there already"
    assert rows(database, "SELECT count(*) FROM reading") == [(1,)]


def test_a_dry_run_locks_no_day_but_the_one_that_it_asks_for(tables: tuple[Store, Database]) -> None:
    _, database = tables
    empty(database)
    path = f"{DEVICE}/x"
    history = [{"path": path, "ts": NOW_MS - day * DAY_MS, "value": 1, "hist": True} for day in range(12)]
    store(tables, [record({"readings": history})])
    judged = judge([record({"readings": [history[5], {**history[5], "value": 2}]})], Names(), LAX, 0)
    counted = replay_tables.Tables(database, "readings").count_missing
    locked = (
        "SELECT relation::regclass::text FROM pg_locks WHERE relation::regclass::text ~ 'reading_[0-9]+$'"
    )

    def look(session: Session) -> list[Any]:
        with session.connection.transaction():
            assert counted(judged) == 1
            return [name for (name,) in session.connection.execute(locked.encode()).fetchall()]

    (day,) = database.run(look)
    assert day.endswith(time.strftime("reading_%Y%m%d", time.gmtime(NOW_MS / 1000 - 5 * 86_400)))


def run(site: Any, *arguments: str, **changes: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "processor", "replay", *arguments],
        cwd=ROOT,
        env=site.environment(**changes),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_an_operator_mends_a_cause_and_replays_beside_the_running_service(site: Any) -> None:
    # Given a recorder without offsets, and readings of before and after
    now = int(time.time() * 1000)
    path = "acme/lon1/press/line2/cell4/m17/x"
    naive = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now / 1000 - 60))
    site.put(
        {"path": path, "ts": now, "value": 1},
        {"readings": [{"path": path, "ts": naive, "value": 2}, {"path": path, "ts": "soon", "value": 3}]},
        b"?",
    )
    # And a device that speaks for another one, and what the Kinesis Producer Library puts together
    device = path.rpartition("/")[0]
    stranger = {"path": path.replace("m17", "m18"), "ts": now, "value": 4}
    site.put(stranger, key=device)
    parts = [json.dumps({"path": path, "ts": now + value, "value": value}).encode() for value in (5, 6)]
    site.put(aggregated([("m17", parts[0]), ("m17", zstd.compress(parts[1]))]), key="a")
    site.start()
    site.wait(lambda: site.one("SELECT count(*) FROM reading") == 3)
    assert site.query("SELECT partition_key FROM quarantine WHERE reason = 'device'") == [(device,)]
    site.wait(lambda: b'"value":6' in (site.cache.client().hget(f"latest:{device}", "x") or b""))
    held = "SELECT shard, sequence_number, epoch FROM shard_progress"
    progress = site.query(held)
    latest = site.cache.client().hgetall(f"latest:{device}")

    # When the zone is set: a dry run first, then in earnest
    dry = run(site, "--quarantine", "timestamp", SITE_TIME_ZONE="UTC")
    assert dry.returncode == 0, dry.stderr
    assert "quarantine of " + site.stream in dry.stdout
    assert "readings: 1 to insert, 0 there already" in dry.stdout
    assert site.one("SELECT count(*) FROM reading") == 3
    done = run(site, "--quarantine", "timestamp", "--yes", SITE_TIME_ZONE="UTC")
    assert "readings: 1 inserted, 0 there already" in done.stdout
    assert site.query("SELECT number FROM reading ORDER BY number") == [(1.0,), (2.0,), (5.0,), (6.0,)]
    left = [("device",), ("timestamp",), ("undecodable",)]
    assert site.query("SELECT reason FROM quarantine ORDER BY reason") == left

    # And when readings are lost from the table, what the stream holds brings them back
    with site.postgres.operator(site.credentials.dbname) as connection:
        connection.execute("SET search_path = millrace; TRUNCATE reading, rollup_1m, rollup_1h")
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now / 1000 - 600))
    told = run(site, "--from", since, SITE_TIME_ZONE="UTC")
    assert "5 records read again\nreadings: 4 to insert, 0 there already" in told.stdout, told.stderr
    assert site.one("SELECT count(*) FROM reading") == 0
    assert "readings: 4 inserted" in run(site, "--from", since, "--yes", SITE_TIME_ZONE="UTC").stdout
    again = run(site, "--from", since, "--yes", SITE_TIME_ZONE="UTC")
    assert "readings: 0 inserted, 4 there already" in again.stdout
    assert site.query("SELECT sum(n), sum(sum) FROM rollup_1m") == [(4, 14.0)]

    # Then the service's own position, its epoch and the latest value are what they were
    assert site.query(held) == progress
    assert site.query("SELECT reason FROM quarantine ORDER BY reason") == left
    assert site.cache.client().hgetall(f"latest:{device}") == latest
    assert run(site, "--from", "yesterday").returncode == 2
