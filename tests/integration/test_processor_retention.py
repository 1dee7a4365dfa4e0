"""What is over its period goes, and only that, whoever writes meanwhile."""

import itertools
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from processor.migrate import migrate
from processor.names import Names
from processor.pipeline import judge
from processor.retention import Expired, Retention, expire
from processor.secret import Credentials
from processor.source.records import Record
from processor.storage.database import Database, Session, connect
from processor.storage.store import Store, Stored
from processor.validate import Rules

KEPT = {"reading": 30, "rollup_1m": 60, "rollup_1h": 90, "quarantine": 30}
TODAY = datetime.now(UTC).date()
PATH = "acme/lon1/press/line2/cell4/m17/t"


class Plant:
    """One database; `days_ago` counts from today, UTC."""

    def __init__(self, postgres: Any) -> None:
        self.who: Credentials = postgres.make_database()
        self._postgres = postgres
        self._operator = postgres.operator(self.who.dbname)
        self._opened = [self._operator]
        self._operator.execute("SET search_path = millrace")
        self._operator.execute("SET TimeZone = 'UTC'")
        self.run("INSERT INTO point (path, type) VALUES (%s, 'number')", PATH)

    def run(self, statement: str, *given: object) -> Any:
        return self._operator.execute(statement.encode(), given or None)

    def keep(self, **days: int) -> None:
        with connect(self._postgres.migrator(self.who.dbname), self._postgres.ca_file) as connection:
            migrate(Session(connection), {**KEPT, **days})

    def day(self, days_ago: int) -> date:
        return TODAY - timedelta(days=days_ago)

    def reading(self, days_ago: int, *, ingested_days_ago: float) -> None:
        """One at noon of that day, with its rollups."""
        day = self.day(days_ago)
        self.run("SELECT ensure_partitions(ARRAY[%s::date])", day)
        self.run(
            "INSERT INTO reading (ts, seq, number, ingested_at, point, quality)"
            " VALUES (%s::timestamptz + interval '12 h', 1, 20, now() - %s * interval '1 day', 1, 192)",
            day,
            ingested_days_ago,
        )
        for table in ("rollup_1m", "rollup_1h"):
            self.run(
                f"INSERT INTO {table} (point, bucket, n, n_bad, sum)"
                " VALUES (1, %s::timestamptz + interval '12 h', 1, 0, 20)",
                day,
            )

    def days(self) -> list[date]:
        return [row[0] for row in self.run("SELECT reading_days()")]

    def buckets(self, table: str) -> list[date]:
        return [row[0] for row in self.run(f"SELECT bucket::date FROM {table} ORDER BY 1")]

    def session(self) -> Session:
        """As the processor has it."""
        connection = connect(self.who, self._postgres.ca_file)
        self._opened.append(connection)
        return Session(connection)

    def close(self) -> None:
        for connection in self._opened:
            connection.close()


@pytest.fixture
def plant(postgres: Any) -> Iterator[Plant]:
    made = Plant(postgres)
    yield made
    made.close()


def test_a_day_goes_when_it_and_all_that_came_late_for_it_are_over(plant: Plant) -> None:
    plant.keep()
    plant.reading(40, ingested_days_ago=40)
    plant.reading(41, ingested_days_ago=41)
    plant.reading(41 + 365, ingested_days_ago=29)  # history, loaded within the period
    plant.reading(29, ingested_days_ago=29)
    session = plant.session()

    assert expire(session) == Expired(days=2, rollups=0)
    assert plant.days() == [plant.day(41 + 365), plant.day(29)]
    assert expire(session) == Expired()

    # When the late ones have been there for the period
    late = (
        "UPDATE reading SET ingested_at = ingested_at - interval '2 days' WHERE ts < now() - interval '1 y'"
    )
    plant.run(late)
    done = expire(session)
    assert done is not None
    assert done.days == 1
    assert plant.days() == [plant.day(29)]


def test_rollups_outlive_their_readings_and_go_after_their_own_period(plant: Plant) -> None:
    plant.keep()
    for days_ago in (31, 61, 91):
        plant.reading(days_ago, ingested_days_ago=days_ago)
    plant.reading(100, ingested_days_ago=1)  # history: its readings stay, so its rollups do

    assert expire(plant.session()) == Expired(days=3, rollups=3)
    assert plant.buckets("rollup_1m") == [plant.day(100), plant.day(31)]
    assert plant.buckets("rollup_1h") == [plant.day(100), plant.day(61), plant.day(31)]


def test_many_rollups_go_in_several_short_transactions(plant: Plant) -> None:
    plant.keep()
    plant.run(
        "INSERT INTO rollup_1m (point, bucket, n, n_bad) SELECT 1, now() - interval '70 days'"
        " - n * interval '1 min', 1, 0 FROM generate_series(1, 4000) AS n"
    )
    asked = itertools.count()
    session = plant.session()

    assert expire(session, lambda: next(asked) < 2) == Expired(rollups=3000)
    assert expire(session) == Expired(rollups=1000)  # the next run takes up what was left


def test_refused_readings_go_after_their_period(plant: Plant) -> None:
    plant.keep()
    for number, days_ago in enumerate((29, 31)):
        plant.run(
            "INSERT INTO quarantine"
            " VALUES ('s', 'shard', %s, 0, 0, 'too_new', '', '', now() - %s * interval '1 day')",
            str(number),
            days_ago,
        )
    assert expire(plant.session()) == Expired(refused=1)
    assert plant.run("SELECT sequence_number FROM quarantine").fetchall() == [("0",)]


def test_without_a_period_nothing_goes(plant: Plant) -> None:
    plant.reading(4000, ingested_days_ago=4000)
    assert expire(plant.session()) == Expired()


def test_only_the_owner_says_how_long(plant: Plant) -> None:
    plant.keep(reading=50)
    plant.reading(40, ingested_days_ago=40)
    session = plant.session()

    assert expire(session) == Expired()
    for statement in ("UPDATE retention SET days = 1", "SELECT drop_readings(NULL)"):
        row = None
        try:
            row = session.connection.execute(statement.encode()).fetchone()
        except Exception as error:
            assert "permission denied" in str(error)
        assert row in (None, (False,))
    # a day that is not over is not dropped for the asking
    asked = session.connection.execute("SELECT drop_readings(%s)", (plant.day(40),)).fetchone()
    assert asked == (False,)
    assert plant.days() == [plant.day(40)]


def test_two_at_once_are_one(plant: Plant) -> None:
    plant.keep()
    first, second = plant.session(), plant.session()
    asked: list[Expired | None] = []

    def meanwhile() -> bool:
        asked.append(expire(second))
        return True

    expire(first, meanwhile)

    assert asked
    assert set(asked) == {None}
    assert expire(second) == Expired()


def test_a_day_that_is_being_written_stays(plant: Plant, postgres: Any) -> None:
    # Given a batch that has written to a day that is over, and has not committed
    plant.keep()
    plant.reading(40, ingested_days_ago=40)
    session = plant.session()
    with postgres.operator(plant.who.dbname) as writer:
        with writer.transaction():
            writer.execute(
                "INSERT INTO millrace.reading (ts, seq, number, ingested_at, point, quality)"
                " VALUES (%s::timestamptz, 2, 20, now(), 1, 192)",
                (datetime.combine(plant.day(40), datetime.min.time(), UTC),),
            )
            began = time.monotonic()
            assert expire(session) == Expired()
            assert time.monotonic() - began < 5, "it gives up; it does not wait for the batch"
        # Then it stays, for what has come is new
        assert expire(session) == Expired()
    assert plant.run("SELECT count(*) FROM reading").fetchone() == (2,)


def test_a_reader_of_the_table_keeps_no_writer_waiting_behind_it(plant: Plant, postgres: Any) -> None:
    # Given a query that reads all days for a long time
    plant.keep()
    plant.reading(40, ingested_days_ago=40)
    plant.reading(0, ingested_days_ago=0)
    with postgres.operator(plant.who.dbname) as reader, reader.transaction():
        reader.execute("SELECT count(*) FROM millrace.reading")

        # When retention would drop one of them
        tried: list[Expired | None] = []
        session = plant.session()
        thread = threading.Thread(target=lambda: tried.append(expire(session)))
        thread.start()
        plant.run("SET lock_timeout = '3s'")
        while thread.is_alive():
            plant.run("UPDATE reading SET number = 21 WHERE ts >= date_trunc('day', now(), 'UTC')")
        thread.join(20)

    # Then writers went on, and the day is left for the next run
    assert tried == [Expired()]
    assert expire(plant.session()) == Expired(days=1)


def test_history_for_a_dropped_day_makes_it_again_and_is_kept(plant: Plant, postgres: Any) -> None:
    plant.keep()
    plant.reading(40, ingested_days_ago=40)

    class Fixed:
        def candidates(self) -> Iterator[Credentials]:
            yield plant.who

    database = Database(Fixed(), postgres.ca_file, threading.Event())
    store = Store(database, "readings")
    lease = store.take_shard("shard-0")
    names = Names()
    noon = datetime.combine(plant.day(40), datetime.min.time(), UTC) + timedelta(hours=12)

    def batch(position: int) -> Stored:
        item = {"path": PATH, "ts": int(noon.timestamp() * 1000) + position, "value": position, "hist": True}
        record = Record(json.dumps({"readings": [item]}).encode(), str(position), time.time())
        return store.store(lease, judge([record], names, Rules(7, 10), 0))

    assert batch(1) == Stored(1, 0, 0)
    assert expire(plant.session()) == Expired(), "what came now is kept, however old it is"
    plant.run("UPDATE reading SET ingested_at = now() - interval '31 days'")
    assert expire(plant.session()) == Expired(days=1)
    assert batch(2) == Stored(1, 0, 0), "the writer, which remembers the day, makes it again"
    assert expire(plant.session()) == Expired()
    database.close()


def test_the_thread_drops_when_it_is_due_and_leaves_its_connection(plant: Plant, postgres: Any) -> None:
    plant.keep()
    plant.reading(40, ingested_days_ago=40)

    class Fixed:
        def candidates(self) -> Iterator[Credentials]:
            yield plant.who

    stopping = threading.Event()
    retention = Retention(Database(Fixed(), postgres.ca_file, stopping), stopping, lambda: True)
    retention.once()
    assert plant.days() == []
    sessions = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND usename = 'millrace_app'"
    )
    end = time.monotonic() + 10
    while plant.run(sessions).fetchone() != (0,):
        assert time.monotonic() < end


def test_a_processor_that_reads_drops_what_is_over(site: Any, postgres: Any) -> None:
    # Given a day that is over, and how long readings are kept
    with connect(postgres.migrator(site.credentials.dbname), postgres.ca_file) as connection:
        migrate(Session(connection), KEPT)
        connection.execute("SELECT ensure_partitions(ARRAY[current_date - 100])")

    # Then the processor drops it beside its work
    site.start()
    site.put(*site.plant(0, 10))
    site.wait(lambda: site.one("SELECT count(*) FROM reading") == 10)
    site.wait(lambda: site.one("SELECT count(*) FROM reading_days() AS d WHERE d < current_date - 30") == 0)
    site.wait(lambda: "a day of readings was dropped" in site.log.read_text())
