"""What the stream no longer holds is told: one row that says from when to when, one line, one count."""

import json
import re
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from processor.migrate import migrate
from processor.names import Names
from processor.pipeline import judge
from processor.secret import Credentials
from processor.source.position import Gap, Known, Loss
from processor.source.records import Record
from processor.storage.database import Database
from processor.storage.store import Judged, Lease, ShardLost, Store
from processor.validate import Rules

NOW = 1_763_897_519.0
GAP_LINE = "the stream no longer holds what came after the position"
GAPS = "SELECT shard, after_sequence_number, from_at, before_sequence_number, to_at, reason FROM stream_gap"


PAGE = (Path(__file__).parents[2] / "docs" / "restoring.md").read_text(encoding="utf-8")
STATEMENTS = [
    statement
    for block in re.findall(r"^ *```sql\n(.*?)^ *```", PAGE, re.MULTILINE | re.DOTALL)
    for statement in block.strip().split(";")
    if statement.strip()
]


class FixedSecret:
    """The fake of DatabaseSecret."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def candidates(self) -> Iterator[Credentials]:
        yield self._credentials


@pytest.fixture
def store(postgres: Any) -> Iterator[tuple[Store, Callable[[str], list[tuple[Any, ...]]]]]:
    credentials = postgres.make_database()
    database = Database(FixedSecret(credentials), postgres.ca_file, threading.Event())
    database.run(migrate)

    def rows(statement: str) -> list[tuple[Any, ...]]:
        return database.run(lambda session: session.connection.execute(statement.encode()).fetchall())

    yield Store(database, "readings"), rows
    database.close()


def judged(position: int, count: int = 1) -> Judged:
    documents = [
        {"path": "a/b/c/d/e/m17/x", "ts": int(NOW * 1000) + position + place, "value": position}
        for place in range(count)
    ]
    records = [Record(json.dumps({"readings": documents}).encode(), str(position), NOW)]
    return judge(records, Names(), Rules(oldest_days=7, newest_minutes=600), 0)


def run_until(site: Any, stored: int) -> None:
    process = site.start()
    site.wait(lambda: site.one("SELECT count(*) FROM reading") == stored)
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def a_day_passes(site: Any) -> None:
    """For the stream and for what is known of it alike; with an hour more, as a stream keeps a day."""
    site.aws.age(site.stream, 25 * 3600)
    site.query(
        "UPDATE shard_progress SET arrived_at = arrived_at - interval '25 h', "
        "seen_at = seen_at - interval '25 h' RETURNING shard"
    )


def lines(site: Any) -> list[dict[str, Any]]:
    said = [json.loads(line) for line in site.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in said if line.get("message") == GAP_LINE]


def test_an_outage_longer_than_the_retention_is_told_once_and_the_rest_is_stored(site: Any) -> None:
    # given a processor that stored 100 readings and then is away for longer than the stream keeps the next 50
    readings = site.plant(0, 200)
    site.put(*readings[:100])
    run_until(site, 100)
    site.put(*readings[100:150])
    a_day_passes(site)
    site.put(*readings[150:])
    ((last, read_to),) = site.query(
        "SELECT sequence_number, greatest(arrived_at, seen_at) FROM shard_progress"
    )

    # when it comes back, and is started once more
    port = site.free_port()
    process = site.start(HEALTH_PORT=port)
    site.wait(lambda: site.one("SELECT count(*) FROM reading") == 150)
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    run_until(site, 150)

    # then one row says what may have been lost, from when to when, and so does one line of the log
    ((_, after, from_at, before, to_at, reason),) = site.query(GAPS)
    assert (after, from_at, reason) == (last, read_to, "expired")
    ((arrived_at,),) = site.query("SELECT arrived_at FROM shard_progress")
    assert int(before) > int(after)
    assert from_at < to_at <= arrived_at
    (line,) = lines(site)
    assert (line["level"], line["after"], line["before"]) == ("error", after, before)
    # … and all that the stream had is stored once
    kept = [*range(100), *range(150, 200)]
    assert site.query("SELECT count(*), sum(number) FROM reading") == [(150, sum(kept))]
    assert site.query("SELECT sum(n), sum(sum) FROM rollup_1h") == [(150, sum(kept))]


def test_a_stream_that_was_deleted_and_made_again_is_read_and_told(site: Any) -> None:
    readings = site.plant(0, 150)
    site.put(*readings[:100])
    run_until(site, 100)
    ((last,),) = site.query("SELECT sequence_number FROM shard_progress")
    site.kinesis.delete_stream(StreamName=site.stream)
    site.kinesis.create_stream(StreamName=site.stream, ShardCount=1)
    site.put(*readings[100:])
    run_until(site, 150)
    site.check_tables(150)
    assert [(after, reason) for _, after, _, _, _, reason in site.query(GAPS)] == [(last, "remade")]
    assert len(lines(site)) == 1


def test_a_quiet_day_is_no_gap(site: Any) -> None:
    # given a shard of which nothing is left in the stream, and which was seen at its tip since
    readings = site.plant(0, 150)
    site.put(*readings[:100])
    run_until(site, 100)
    a_day_passes(site)
    site.query("UPDATE shard_progress SET seen_at = now() RETURNING shard")
    site.put(*readings[100:])
    run_until(site, 150)
    site.check_tables(150)
    assert site.query(GAPS) == []


def test_a_gap_is_stored_with_the_batch_behind_it_or_not_at_all(store: Any) -> None:
    tables, rows = store
    lease = tables.take_shard("shard-0")
    tables.store(lease, judged(5))
    gap = Gap("5", NOW, "9", NOW + 60, Loss.EXPIRED)

    # A former owner's gap is not written
    tables.take_shard("shard-0")
    with pytest.raises(ShardLost):
        tables.store(Lease("shard-0", lease.epoch, "5", gap), judged(9))
    assert rows("SELECT count(*) FROM stream_gap") == [(0,)]

    # The owner's is, once, though the batch is tried again as if the commit's answer had been lost
    owner = Lease("shard-0", lease.epoch + 1, "5", gap)
    assert tables.store(owner, judged(9)).inserted == 1
    assert tables.store(owner, judged(9)).inserted == 0
    assert rows("SELECT after_sequence_number, before_sequence_number FROM stream_gap") == [("5", "9")]
    assert tables.known() == {"shard-0": Known("9", NOW)}


def test_a_stream_made_again_may_begin_with_a_smaller_number(store: Any) -> None:
    tables, rows = store
    lease = tables.take_shard("shard-0")
    tables.store(lease, judged(500))
    gap = Gap("500", NOW, "20", NOW + 60, Loss.REMADE)
    tables.store(Lease("shard-0", lease.epoch, "500", gap), judged(20))
    assert tables.store(lease, judged(30)).inserted == 1
    assert rows("SELECT count(*) FROM reading") == [(3,)]
    assert tables.known()["shard-0"].position == "30"


def test_a_tip_and_an_end_are_noted_by_the_owner_alone(store: Any) -> None:
    tables, rows = store
    lease = tables.take_shard("shard-0")
    tables.store(lease, judged(5))
    tables.note(lease, NOW + 5, False)
    tables.note(lease, NOW + 3, False)  # time does not go back
    assert tables.known() == {"shard-0": Known("5", NOW, NOW + 5)}
    tables.note(
        Lease("shard-0", lease.epoch, "5", Gap("5", NOW + 5, None, NOW + 9, Loss.EXPIRED)), None, True
    )
    assert tables.known() == {"shard-0": Known("5", None, NOW + 5, ended=True)}
    assert rows("SELECT reason FROM stream_gap") == [("expired",)]
    tables.take_shard("shard-0")
    with pytest.raises(ShardLost):
        tables.note(lease, NOW + 9, False)


def test_the_pages_statements_find_the_gap_and_the_points_that_have_nothing_in_it(store: Any) -> None:
    tables, rows = store
    lease = tables.take_shard("shard-0")
    tables.store(lease, judged(5))
    gap = Gap("5", NOW + 60, "9", NOW + 7_200, Loss.EXPIRED)
    # … and a reading of two hours and a half later
    tables.store(Lease("shard-0", lease.epoch, "5", gap), judged(9_000_000))
    assert len(STATEMENTS) == 6
    told, silent, *others = [rows(statement) for statement in STATEMENTS]
    assert [row[:2] for row in told] == [("shard-0", "expired")]
    ((path, last_before, first_after),) = silent
    assert (path, last_before < first_after) == ("a/b/c/d/e/m17/x", True)
    assert len(others) == 4
