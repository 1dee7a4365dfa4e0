"""Rules of alarms in the real tables, as an operator writes and tries them."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from processor.alarms.command import done
from processor.alarms.request import TryFile, from_arguments
from processor.alarms.rules import LAST, watched
from processor.secret import Credentials
from processor.storage.database import Database

PATH = "acme/lon1/press/line2/cell4/m17/spindle_temp"
HOT = [
    "--path",
    "acme/*/*/*/*/*/spindle_temp",
    "--definition",
    '{"kind": "limit", "high": 80, "deadband": 5}',
]
DAY = ["--from", "2026-03-01T00:00:00Z", "--to", "2026-03-02T00:00:00Z"]


class FixedSecret:
    """The fake of DatabaseSecret."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def candidates(self) -> Iterator[Credentials]:
        yield self._credentials


@pytest.fixture
def plant(postgres: Any) -> Iterator[tuple[Database, Any]]:
    credentials = postgres.make_database()
    database = Database(FixedSecret(credentials), postgres.ca_file, threading.Event())
    with postgres.operator(credentials.dbname) as operator:
        yield database, operator
    database.close()


def run(database: Database, *arguments: str) -> int:
    request = from_arguments(arguments)
    assert not isinstance(request, TryFile)
    return done(database, request)


def test_every_change_is_a_version_and_nothing_is_lost(
    plant: tuple[Database, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    database, operator = plant

    # When a rule is added, changed, removed and added again
    assert run(database, "add", "hot", *HOT) == 0
    assert run(database, "change", "hot", "--disable") == 0
    assert run(database, "list") == 0
    listed = capsys.readouterr().out.splitlines()[-1]
    assert run(database, "remove", "hot") == 0
    assert run(database, "list") == 0
    removed = capsys.readouterr().out.splitlines()
    assert run(database, "add", "hot", *HOT) == 0

    # Then each is there, from a minute after it was written
    assert listed.startswith("hot  version 2  off  acme/*/*/*/*/*/spindle_temp  ")
    assert len(removed) == 1
    versions = operator.execute(
        "SELECT version, enabled, removed, applies_from - written_at BETWEEN '59 s' AND '61 s', written_by "
        "FROM millrace.alarm_rule_version ORDER BY version"
    ).fetchall()
    assert versions == [
        (1, True, False, True, "millrace_app"),
        (2, False, False, True, "millrace_app"),
        (3, False, True, True, "millrace_app"),
        (4, True, False, True, "millrace_app"),
    ]


def test_what_cannot_be_done_is_one_line(
    plant: tuple[Database, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    database, _ = plant
    run(database, "add", "hot", *HOT)
    for arguments, said in (
        (["add", "hot", *HOT], "there is a rule 'hot' already"),
        (["change", "cold", "--enable"], "there is no rule 'cold': `rules list`"),
        (["remove", "cold"], "there is no rule 'cold'"),
        (["try", "--rule", "hot", *DAY], "no point is called 'acme/*/*/*/*/*/spindle_temp'"),
    ):
        assert run(database, *arguments) == 1
        line = capsys.readouterr().err
        assert said in line
        assert line.count("\n") == 1


def test_a_trial_tells_what_would_have_been_raised(
    plant: tuple[Database, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a day of a reading a minute, bad ones among them, and two hours above the limit
    database, operator = plant
    monkeypatch.setattr("processor.alarms.trial.PAGE", 100)
    operator.execute("SET search_path = millrace")
    operator.execute("SELECT ensure_partitions(ARRAY['2026-03-01']::date[])")
    operator.execute("INSERT INTO point (path, type) VALUES (%s, 'number')", (PATH,))
    operator.execute(
        """INSERT INTO reading (point, ts, seq, number, quality, ingested_at)
        SELECT (SELECT id FROM point), t, 1,
            CASE WHEN extract(hour FROM t) IN (6, 7) THEN 90 ELSE 70 END, 192, t
        FROM generate_series('2026-03-01Z'::timestamptz, '2026-03-01 23:59Z', '1 minute') AS t"""
    )
    operator.execute("UPDATE reading SET number = 999, quality = 0 WHERE ts = '2026-03-01 12:00Z'")

    # When a rule is tried that is not there
    assert run(database, "try", *HOT, *DAY) == 0

    # Then it says what it would have done, and nothing is written
    told = capsys.readouterr().out.splitlines()
    assert told[-1] == "1 alarm would have been raised"
    assert told[0].startswith(f"{PATH}  since 2026-03-01T06:00:00+00:00  raised 2026-03-01T06:00:00+00:00")
    assert "cleared 2026-03-01T08:00:00+00:00  value 90  judged 90" in told[0]
    assert operator.execute("SELECT count(*) FROM alarm_rule").fetchone() == (0,)


def test_a_version_judges_until_the_next_begins(plant: tuple[Database, Any]) -> None:
    # Given a rule of three versions, the second off, and one that only a later release can read
    database, operator = plant
    run(database, "add", "hot", *HOT)
    run(database, "change", "hot", "--disable")
    run(database, "change", "hot", "--enable")
    operator.execute(
        "WITH made AS (INSERT INTO millrace.alarm_rule (name, definition) VALUES ('new', '{}') RETURNING id) "
        "INSERT INTO millrace.alarm_rule_version (rule, version, path, definition, enabled, applies_from) "
        """SELECT id, 1, 'a/*/*/*/*/*/*', '{"kind": "later"}', true, now() FROM made"""
    )

    # When a processor asks
    found = database.run(lambda session: watched(session.connection, 7))

    # Then each has its own stretch of time, and what is off has none
    first, third = found
    assert [(one.version, one.definition) for one in found] == [(1, first.definition), (3, first.definition)]
    assert first.since < first.until < third.since < third.until == LAST
    assert database.run(lambda session: watched(session.connection, -1)) == [third]
