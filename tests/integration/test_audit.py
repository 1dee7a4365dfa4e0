"""The audit against a real PostgreSQL with the real tables, whose rows the tests write by hand."""

import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from local.audit import Audit, audit
from local.ledger import Ledger
from local.reading import BAD, UNCERTAIN, Envelope, Reading, Value
from processor.names import Names
from processor.pipeline import judge
from processor.secret import Credentials
from processor.source.records import Record
from processor.storage.database import Database
from processor.storage.store import Store
from processor.validate import Rules

DEVICE = "acme/lon1/press/line2/cell4/m17"
AT = 1_763_897_519_000_123  # 2025-11-23, with microseconds
STREAM = "readings"


class FixedSecret:
    """The one login that there is."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def candidates(self) -> Iterator[Credentials]:
        yield self._credentials


@dataclass
class Plant:
    """What was put, and a hand that writes rows as the processor should, or should not."""

    connection: psycopg.Connection[Any]
    ledger: Ledger = field(default_factory=Ledger)
    positions: int = 0
    hashes: int = 0
    since: float = 0.0

    def put(self, *readings: Reading, put_at: float | None = None) -> int:
        """One record; its sequence number."""
        self.positions += 1
        envelope = Envelope(DEVICE, "gw", list(readings))
        self.ledger.add(envelope, "shard-0", self.positions, time.time() if put_at is None else put_at)
        return self.positions

    def store(self, *readings: Reading, counted: bool = True) -> None:
        """A row each; with its rollups, unless not `counted`."""
        for reading in readings:
            self._row(reading)
            for unit in ("minute", "hour") if counted else ():
                self._count(reading, unit)

    def _row(self, reading: Reading) -> None:
        value, q, status, extra = reading.value, reading.q, None, None
        if isinstance(value, float) and math.isnan(value):
            value, q, status, extra = None, BAD, q if q == UNCERTAIN else None, '{"value": "NaN"}'
        self.hashes += 1
        self.connection.execute(
            b"""INSERT INTO reading (point, ts, seq, number, flag, text, quality, status, extra, ingested_at)
                SELECT id, 'epoch'::timestamptz + %s * interval '1 us', %s, %s, %s, %s, %s, %s, %s, now()
                FROM point WHERE path = %s""",
            [
                reading.micros,
                -self.hashes if reading.seq is None else reading.seq,
                value if isinstance(value, int | float) and not isinstance(value, bool) else None,
                value if isinstance(value, bool) else None,
                value if isinstance(value, str) else None,
                q,
                status,
                extra,
                reading.path,
            ],
        )

    def _count(self, reading: Reading, unit: str) -> None:
        table = "rollup_1m" if unit == "minute" else "rollup_1h"
        self.connection.execute(
            f"""INSERT INTO {table} (point, bucket, n, n_bad)
                SELECT id, date_trunc('{unit}', 'epoch'::timestamptz + %s * interval '1 us', 'UTC'), 1, 0
                FROM point WHERE path = %s
                ON CONFLICT (point, bucket) DO UPDATE SET n = {table}.n + 1""".encode(),
            [reading.micros, reading.path],
        )

    def refuse(self, position: int, index: int) -> None:
        self.connection.execute(
            b"""INSERT INTO quarantine
                (stream, shard, sequence_number, sub_sequence, index, reason, detail, payload)
                VALUES (%s, 'shard-0', %s, 0, %s, 'too_new', '', '')""",
            [STREAM, position, index],
        )

    def audit(self) -> Audit:
        return audit(self.connection, self.ledger, STREAM, self.since)


@pytest.fixture(scope="module")
def database(postgres: Any) -> Iterator[str]:
    credentials = postgres.make_database()
    yield credentials.dbname


@pytest.fixture
def plant(postgres: Any, database: str) -> Iterator[Plant]:
    with postgres.operator(database) as connection:
        connection.execute("SET search_path = millrace")
        connection.execute("TRUNCATE point, reading, rollup_1m, rollup_1h, quarantine CASCADE")
        connection.execute("SELECT ensure_partitions(ARRAY[DATE '2025-11-23', DATE '2025-11-24'])")
        connection.execute(
            "INSERT INTO point (path, type) SELECT %s || '/' || m, 'unknown' FROM unnest(%s::text[]) AS m",
            [DEVICE, ["temp", "state"]],
        )
        yield Plant(connection, since=time.time() - 0.001)


def reading(value: Value, n: int = 0, **more: Any) -> Reading:
    return Reading(f"{DEVICE}/temp", AT + n * 1_000_000, value, **more)


def parts(audit: Audit) -> tuple[int, ...]:
    """sent, stored, quarantined, absorbed, lost, duplicated"""
    return (audit.sent, audit.stored, audit.quarantined, audit.absorbed, audit.lost, audit.duplicated)


VALUES: list[Value] = [
    73.9,
    -0.0,
    5e-324,
    1.7976931348623157e308,
    42,
    True,
    False,
    "läuft",
    "",
    None,
    math.nan,
]


def test_every_kind_of_value_is_found_again(plant: Plant) -> None:
    readings = [reading(value, n) for n, value in enumerate(VALUES)]
    readings += [reading(value, n, seq=n, q=64) for n, value in enumerate(VALUES)]
    plant.put(*readings)
    plant.store(*readings)

    assert parts(plant.audit()) == (22, 22, 0, 0, 0, 0)


def test_two_values_at_one_time_are_two_readings(plant: Plant) -> None:
    readings = [reading(1.0), reading(2.0)]
    plant.put(*readings)
    plant.store(*readings)

    assert parts(plant.audit()) == (2, 2, 0, 0, 0, 0)


def test_what_is_missing_is_lost(plant: Plant) -> None:
    plant.put(reading(1.0, 0), reading(2.0, 1), reading(3.0, 2))
    plant.store(reading(1.0, 0), reading(3.0, 2))

    assert parts(plant.audit()) == (3, 2, 0, 0, 1, 0)


@pytest.mark.parametrize(
    "stored",
    [
        reading(1.0000000000000002),
        Reading(f"{DEVICE}/temp", AT + 1, 1.0),
        Reading(f"{DEVICE}/state", AT, 1.0),
        reading("1.0"),
        reading(True),
        reading(1.0, q=64),
        reading(1.0, seq=7),
    ],
)
def test_what_is_stored_otherwise_than_it_was_sent_is_lost(plant: Plant, stored: Reading) -> None:
    plant.put(reading(1.0))
    plant.store(stored)

    assert parts(plant.audit()) == (1, 0, 0, 0, 1, 0)


def test_what_stands_twice_is_duplicated(plant: Plant) -> None:
    plant.put(reading(1.0))
    plant.store(reading(1.0), reading(1.0))

    assert parts(plant.audit()) == (1, 1, 0, 0, 0, 1)


def test_what_was_sent_twice_and_stored_once_was_absorbed(plant: Plant) -> None:
    plant.put(reading(1.0), reading(1.0))
    plant.put(reading(1.0))
    plant.store(reading(1.0))

    assert parts(plant.audit()) == (3, 1, 0, 2, 0, 0)


def test_what_was_there_before_is_absorbed(plant: Plant) -> None:
    plant.store(reading(1.0, 0), reading(2.0, 1))
    time.sleep(0.01)
    plant.since = time.time()
    plant.put(reading(1.0, 0), reading(2.0, 1), reading(3.0, 2))
    plant.store(reading(3.0, 2))

    assert parts(plant.audit()) == (3, 1, 0, 2, 0, 0)


def test_what_others_stored_is_no_business_of_this_run(plant: Plant) -> None:
    plant.put(reading(1.0))
    plant.store(reading(1.0), Reading(f"{DEVICE}/state", AT, "on"), reading(5.0, 0))

    assert parts(plant.audit()) == (1, 1, 0, 0, 0, 0)


def test_what_was_refused_is_quarantined(plant: Plant) -> None:
    first = plant.put(reading(1.0, 0), reading(2.0, 1))
    whole = plant.put(reading(3.0, 2), reading(4.0, 3))
    plant.refuse(first, 1)
    plant.refuse(whole, -1)
    plant.refuse(999, 0)  # of another run
    plant.store(reading(1.0, 0))

    assert parts(plant.audit()) == (4, 1, 3, 0, 0, 0)


def test_a_rollup_that_counts_otherwise_is_told(plant: Plant) -> None:
    readings = [reading(1.0, 0), reading(2.0, 1)]
    plant.put(*readings)
    plant.store(readings[0])
    plant.store(readings[1], counted=False)

    audited = plant.audit()

    assert (audited.lost, audited.duplicated, audited.rollup_difference) == (0, 2, 2)
    assert not audited.clean


def test_latency_is_from_the_first_put_to_the_commit(plant: Plant) -> None:
    for n in range(100):
        plant.put(reading(1.0, n), put_at=time.time() - (10 if n == 99 else 0.5))
        plant.store(reading(1.0, n))
    plant.put(reading(1.0, 0))

    latency = plant.audit().latency_ms

    assert latency is not None
    assert 500 <= latency.p50 < 5_000
    assert latency.p50 < latency.p99 < 15_000


def test_ten_thousand_readings_pass_in_several_blocks(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.audit.BLOCK_BYTES", 1000)
    readings = [Reading(f"{DEVICE}/temp", AT + n, float(n)) for n in range(10_000)]
    plant.put(*readings)
    plant.connection.execute(
        b"""INSERT INTO reading (point, ts, seq, number, quality, ingested_at)
            SELECT id, 'epoch'::timestamptz + (%s + n) * interval '1 microsecond', -1 - n, n, 192, now()
            FROM point, generate_series(0, 9998) AS n WHERE path = %s""",
        [AT, f"{DEVICE}/temp"],
    )
    for table, unit in (("rollup_1m", "minute"), ("rollup_1h", "hour")):
        plant.connection.execute(
            f"""INSERT INTO {table} (point, bucket, n, n_bad)
                SELECT point, date_trunc('{unit}', ts, 'UTC'), count(*), 0
                FROM reading GROUP BY 1, 2""".encode()
        )

    assert parts(plant.audit()) == (10_000, 9_999, 0, 0, 1, 0)


def test_the_audit_and_the_processor_tell_readings_apart_alike(
    plant: Plant, postgres: Any, database: str
) -> None:
    # Given at one time what is easily taken for one another, each of them twice
    values: list[Value] = [0.0, -0.0, 1, 1.0, True, "1", "1.0", "", None, "null", 0.1 + 0.2, 0.3, 5e-324]
    values += [1e308, math.nan, math.inf, -math.inf, 2**53, 2**53 + 1, 2**63, 2**64 + 1, 10**25, 10**25 + 1]
    values += ["1e999", "1234e567", "nanometre"]
    readings = [reading(value, q=q, hist=True) for value in values for q in (192, 64)]
    first, again = Envelope(DEVICE, "gw", readings), Envelope(DEVICE, "gw", readings[::-1])
    secret = FixedSecret(
        Credentials("localhost", postgres.front.port, database, "millrace_app", "application")
    )
    processor = Database(secret, postgres.ca_file, threading.Event())
    store = Store(processor, STREAM)

    # When the processor stores them
    lease = store.take_shard("shard-0")
    for position, envelope in enumerate((first, again), 1):
        plant.ledger.add(envelope, "shard-0", position, time.time())
        record = Record(envelope.body(0), str(position), AT / 1_000_000)
        store.store(lease, judge([record], Names(), Rules(7, 10), 0))
    processor.close()

    # Then the audit counts as many different ones: -0.0 is 0.0, and 1 is 1.0
    audited = plant.audit()
    different = 2 * (len(values) - 2)
    assert parts(audited) == (4 * len(values), different, 0, 4 * len(values) - different, 0, 0)
    assert audited.rollup_difference == 0


def test_nothing_sent_is_nothing_audited(plant: Plant) -> None:
    assert parts(plant.audit()) == (0, 0, 0, 0, 0, 0)
