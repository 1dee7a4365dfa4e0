"""Any interleaving of batches, retries and replays leaves the tables of the set of readings."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processor.names import Names
from processor.pipeline import judge
from processor.secret import Credentials
from processor.source.records import Record
from processor.storage.database import _OPTIONS as database_options
from processor.storage.database import Database, connect
from processor.storage.store import Judged, Lease, ShardLost, Store, Stored
from processor.validate import Rules

NOW_MS = 1_763_897_519_000
RULES = Rules(oldest_days=7, newest_minutes=10)


class FixedSecret:
    """The fake of DatabaseSecret."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def candidates(self) -> Iterator[Credentials]:
        yield self._credentials


@pytest.fixture(scope="module")
def open_database(postgres: Any) -> Iterator[Callable[[Credentials], Database]]:
    opened: list[Database] = []

    def open_one(credentials: Credentials) -> Database:
        database = Database(FixedSecret(credentials), postgres.ca_file, threading.Event())
        opened.append(database)
        return database

    yield open_one
    for database in opened:
        database.close()


@pytest.fixture(scope="module")
def tables(postgres: Any, open_database: Callable[[Credentials], Database]) -> tuple[Store, Database]:
    database = open_database(postgres.make_database())
    return Store(database, "readings"), database


def empty(database: Database) -> None:
    as_owner(database, "TRUNCATE reading, rollup_1m, rollup_1h, quarantine, shard_progress")


def as_owner(database: Database, statement: str) -> None:
    """What the processor's own login may not."""
    info = database.run(lambda session: session.connection.info)
    owner = Credentials(info.host, info.port, info.dbname, "millrace_migrator", "release")
    with connect(owner, info.get_parameters()["sslrootcert"]) as connection:
        connection.execute(statement.encode())


def rows(database: Database, statement: str) -> list[tuple[Any, ...]]:
    return database.run(lambda session: session.connection.execute(statement.encode()).fetchall())


def judged(items: list[dict[str, Any]], position: int, names: Names) -> Judged:
    records = [Record(json.dumps({"readings": items}).encode(), str(position), NOW_MS / 1000)]
    return judge(records, names, RULES, 0)


# Few points, times and values, so that repetitions and collisions are common; halves add up exactly.
some_readings = st.fixed_dictionaries(
    {
        "path": st.sampled_from([f"a/b/c/d/e/m{number}/x" for number in range(3)] + ["wrong"]),
        "ts": st.integers(0, 6).map(lambda step: NOW_MS - 41_000 * step),
        "value": st.sampled_from([0, 0.5, 1, -2.5, True, False, "on", None, "NaN", 1e308]),
    },
    optional={
        "q": st.sampled_from([192, 0, "UNCERTAIN", 0x80050000]),
        "seq": st.integers(0, 2),
        "unit": st.sampled_from(["Cel", "degF"]),
    },
)
batches = st.lists(st.lists(some_readings, min_size=1, max_size=8), min_size=1, max_size=6)


def identity(item: dict[str, Any]) -> tuple[object, ...]:
    if "seq" in item:
        return item["path"], item["ts"], item["seq"]
    value = item["value"]
    quality = {192: "good", 0: 0, "UNCERTAIN": 64}.get(item.get("q", 192), item.get("q"))
    kind = "number" if type(value) in (int, float) else type(value).__name__
    return item["path"], item["ts"], kind, value, quality


def usable(item: dict[str, Any]) -> bool:
    return item.get("q", 192) not in (0, 0x80050000) and isinstance(item["value"], int | float)


def model(readings: dict[tuple[object, ...], dict[str, Any]]) -> dict[tuple[str, int], tuple[Any, ...]]:
    """(path, minute) → n, n_bad, sum, min, max, first, last."""
    buckets = defaultdict(list)
    for item in readings.values():
        buckets[item["path"], item["ts"] // 60_000].append(item)
    expected = {}
    for key, items in buckets.items():
        good = sorted((item["ts"], float(item["value"])) for item in items if usable(item))
        values = [value for _, value in good]
        ends = (values[0], values[-1]) if values else (None, None)
        total = min(sum(values), float("inf")) if values else None
        extremes = (min(values), max(values)) if values else (None, None)
        expected[key] = (len(items), len(items) - len(good), total, *extremes, *ends)
    return expected


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(batches=batches, order=st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=8))
def test_the_tables_are_those_of_the_set_of_readings(
    tables: tuple[Store, Database],
    batches: list[list[dict[str, Any]]],
    order: list[tuple[int, bool]],
) -> None:
    store, database = tables
    empty(database)
    lease = store.take_shard("shard-0")
    names = Names()
    seen: dict[tuple[object, ...], dict[str, Any]] = {}
    refused = 0

    # When every batch is stored once, then some again: as a producer's retry, or replayed by a new owner
    position = 0
    for batch in batches:
        position += 1
        verdict = judged(batch, position, names)
        store.store(lease, verdict, store.make_ready(lease, verdict))
        refused += sum(item["path"] == "wrong" for item in batch)
        for item in batch:
            if item["path"] != "wrong":
                seen.setdefault(identity(item), item)
    for which, replay in order:
        batch = batches[which % len(batches)]
        if replay:
            lease = store.take_shard("shard-0")
            again = store.store(lease, judged(batch, which % len(batches) + 1, names))
            assert again == Stored(0, 0, 0)
        else:
            position += 1
            verdict = judged(batch, position, names)
            assert store.store(lease, verdict, store.make_ready(lease, verdict)).inserted == 0
            refused += sum(item["path"] == "wrong" for item in batch)

    # Then the tables are what the set of readings makes them
    assert rows(database, "SELECT count(*) FROM reading") == [(len(seen),)]
    assert rows(database, "SELECT count(*) FROM quarantine") == [(refused,)]
    statement = """
        SELECT path, extract(epoch FROM bucket)::bigint / 60, n, n_bad, sum, min, max, first, last
        FROM rollup_1m JOIN point ON id = point"""
    stored = {row[:2]: row[2:] for row in rows(database, statement)}
    assert stored == model(seen)
    hours = "SELECT sum(n), sum(n_bad) FROM "
    assert rows(database, hours + "rollup_1h") == rows(database, hours + "rollup_1m")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
strange_readings = st.fixed_dictionaries(
    {
        "path": st.sampled_from([f"a/b/c/d/e/f/{metric}" for metric in "gh"]),
        "ts": st.integers(NOW_MS - 10**12, NOW_MS) | st.text(max_size=5),
        "value": st.floats() | st.text(st.characters(), max_size=8) | st.integers() | json_values,
        "hist": st.just(True),
    },
    optional={
        "q": st.integers(0, 2**32 - 1),
        "unit": st.text(max_size=3),
        "seq": st.integers(0, 2**63),
        "batch\0": json_values,
    },
)


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(items=st.lists(strange_readings, min_size=1, max_size=20))
def test_nothing_that_passes_the_checks_is_refused_by_the_database(
    tables: tuple[Store, Database], items: list[dict[str, Any]]
) -> None:
    # A batch that PostgreSQL refuses would stop its shard for ever.
    store, _ = tables
    lease = store.take_shard("strange")
    position = int(lease.position or 0)
    batch = judged(items, position + 1, Names())
    stored = store.store(lease, batch)
    again = store.store(lease, judged(items, position + 2, Names()))
    assert stored.inserted + stored.absorbed + stored.refused == len(items)
    assert again == Stored(0, len(batch.columns), len(batch.refused))


def test_an_older_owner_can_write_nothing(tables: tuple[Store, Database]) -> None:
    store, database = tables
    empty(database)
    item = {"path": "a/b/c/d/e/f/g", "ts": NOW_MS, "value": 1}
    old = store.take_shard("shard-0")
    new = store.take_shard("shard-0")
    assert (new.epoch, new.position) == (old.epoch + 1, None)
    with pytest.raises(ShardLost, match="owned by epoch 2, not 1"):
        store.store(old, judged([item], 1, Names()))
    assert rows(database, "SELECT count(*) FROM reading UNION ALL SELECT count(*) FROM rollup_1m") == [
        (0,),
        (0,),
    ]
    assert store.store(new, judged([item], 1, Names())) == Stored(1, 0, 0)


def test_what_was_made_ready_for_a_former_session_is_made_anew(tables: tuple[Store, Database]) -> None:
    # Given rows that are ready, and a database that is restored to before their point had its number
    store, database = tables
    empty(database)
    lease = store.take_shard("shard-0")
    names = Names()
    item = {"path": "anew/b/c/d/e/f/g", "ts": NOW_MS, "value": 1}
    assert store.make_ready(lease, judged([item], 1, names)) is None  # the number is not known yet
    store.store(lease, judged([item], 1, names))
    batch = judged([{**item, "value": 2}], 2, names)
    ready = store.make_ready(lease, batch)
    assert ready is not None
    database.close()
    as_owner(database, "UPDATE point SET id = DEFAULT WHERE enterprise = 'anew'")

    # Then they are stored under the number that it has now
    assert store.store(lease, batch, ready) == Stored(1, 0, 0)
    known = "SELECT number, p.id IS NOT NULL FROM reading LEFT JOIN point AS p ON p.id = point ORDER BY 1"
    assert rows(database, known) == [(1.0, False), (2.0, True)]


def test_a_partition_that_is_dropped_under_a_writer_is_made_again(tables: tuple[Store, Database]) -> None:
    store, database = tables
    empty(database)
    lease = store.take_shard("shard-0")
    names = Names()
    item = {"path": "a/b/c/d/e/f/g", "ts": NOW_MS, "value": 1}
    store.store(lease, judged([item], 1, names))
    as_owner(database, "DROP TABLE reading_20251123")
    assert store.store(lease, judged([item], 2, names)) == Stored(1, 0, 0)


def test_a_point_gets_its_type_from_its_first_value(tables: tuple[Store, Database]) -> None:
    store, database = tables
    empty(database)
    lease = store.take_shard("shard-0")
    names = Names()
    item = {"path": "late/b/c/d/e/f/g", "ts": NOW_MS}
    types = []
    for position, value in enumerate((None, "NaN", 1.5, "on"), 1):
        store.store(lease, judged([{**item, "value": value}], position, names))
        types += rows(database, "SELECT type FROM point WHERE enterprise = 'late'")
    assert types == [("unknown",), ("unknown",), ("number",), ("number",)]


def test_a_shard_that_another_session_holds_is_waited_for_with_signs_of_life(
    tables: tuple[Store, Database],
    postgres: Any,
    open_database: Callable[[Credentials], Database],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a session that stands still with the shard's row in its hands
    store, database = tables
    store.take_shard("held")
    name = database.run(lambda session: session.connection.info.dbname)
    monkeypatch.setattr("processor.storage.database._OPTIONS", database_options.replace("=10s", "=50ms"))
    beats: list[str | None] = []
    waiting = open_database(
        Credentials("localhost", postgres.front.port, name, "millrace_app", "application")
    )
    waiting.beat = lambda: beats.append(waiting.waiting_for)
    with postgres.operator(name) as holder, holder.transaction():
        holder.execute("SELECT FROM millrace.shard_progress WHERE shard = 'held' FOR UPDATE")

        # When another one takes the shard over, it says what it waits for, again and again
        taken: list[Lease] = []
        taker = threading.Thread(target=lambda: taken.append(Store(waiting, "readings").take_shard("held")))
        taker.start()
        end = time.monotonic() + 20
        while len(beats) < 3 and time.monotonic() < end:
            time.sleep(0.02)

    # Then it has it once the row is free
    taker.join(20)
    assert "lock timeout" in str(beats[1])
    assert [lease.epoch for lease in taken] == [2]


def test_positions_compare_as_numbers_of_56_digits(tables: tuple[Store, Database]) -> None:
    store, database = tables
    empty(database)
    lease = store.take_shard("shard-0")
    names = Names()
    low, high = 10**54 + 9, 10**55
    for number, position in enumerate((9, 10, low, high)):
        item = {"path": "a/b/c/d/e/f/g", "ts": NOW_MS + number, "value": 1}
        assert store.store(lease, judged([item], position, names)).inserted == 1
        assert store.store(lease, judged([item], position, names)).inserted == 0
    assert store.take_shard("shard-0") == Lease("shard-0", lease.epoch + 1, str(high))


def test_two_writers_that_meet_the_same_new_points_and_days_both_finish(
    tables: tuple[Store, Database], postgres: Any, open_database: Callable[[Credentials], Database]
) -> None:
    _, database = tables
    empty(database)
    credentials = database.run(lambda session: session.connection.info.dbname)
    given = Credentials("localhost", postgres.front.port, credentials, "millrace_app", "application")
    failures: list[BaseException] = []

    def write(shard: str, backwards: bool) -> None:
        try:
            store = Store(open_database(given), "readings")
            lease = store.take_shard(shard)
            numbers = range(200)
            for turn in range(3):
                items = [
                    {
                        "path": f"new/b/c/d/e/m{number}/{turn}",
                        "ts": NOW_MS - number * 43_200_000 * 5,
                        "value": 1,
                        "hist": True,
                        "seq": int(shard),
                    }
                    for number in (reversed(numbers) if backwards else numbers)
                ]
                store.store(lease, judged(items, turn + 1, Names()))
        except BaseException as error:
            failures.append(error)

    writers = [threading.Thread(target=write, args=(str(n), n == 1)) for n in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert failures == []
    assert rows(database, "SELECT count(*), count(DISTINCT point) FROM reading") == [(1200, 600)]
    assert rows(database, "SELECT sum(n) FROM rollup_1m") == [(1200,)]


def test_the_writer_owns_nothing_and_may_not_make_partitions_but_by_the_function(
    tables: tuple[Store, Database],
) -> None:
    _, database = tables
    assert rows(database, "SELECT current_user, session_user") == [("millrace_writer", "millrace_app")]
    owners = (
        "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = 'millrace'::regnamespace"
    )
    assert rows(database, owners) == [("millrace_owner",)]
    grants = """
        SELECT pg_has_role(session_user, 'millrace_owner', 'MEMBER'),
            has_table_privilege('retention', 'INSERT, UPDATE, DELETE'),
            has_table_privilege('rollup_1m', 'DELETE'),
            has_function_privilege('public', 'ensure_partitions(date[])', 'EXECUTE'),
            has_schema_privilege('millrace', 'CREATE'), has_table_privilege('reading', 'UPDATE, DELETE'),
            has_column_privilege('point', 'path', 'UPDATE'), has_column_privilege('point', 'low', 'UPDATE')"""
    assert rows(database, grants) == [(False,) * 8]
