"""Rules of alarms in the real tables, as an operator writes and tries them."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from processor.__main__ import main
from processor.alarms.command import done
from processor.alarms.request import from_arguments
from processor.alarms.rules import BACK_MICROSECONDS, LAST, watched
from processor.alarms.try_request import TryFile
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
    assert removed[1:] == ["there is no rule"]
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


def test_where_nobody_has_read_a_rule_judges_at_once(
    plant: tuple[Database, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    database, operator = plant
    assert run(database, "add", "hot", *HOT, "--at-once") == 0
    early = "SELECT applies_from <= written_at + interval '1 s' FROM millrace.alarm_rule_version"
    assert operator.execute(early).fetchone() == (True,)
    operator.execute("INSERT INTO millrace.shard_progress (stream, shard, epoch) VALUES ('s', 'x', 1)")
    assert run(database, "add", "cold", *HOT, "--at-once") == 1
    assert "leave it out, and the rule judges in 60 s" in capsys.readouterr().err


def fill(operator: Any) -> None:
    """A day of a reading a minute, bad ones among them, and two hours above the limit."""
    operator.execute("SET search_path = millrace")
    operator.execute("SELECT ensure_partitions(ARRAY['2026-03-01']::date[])")
    operator.execute("INSERT INTO point (path, type, unit) VALUES (%s, 'number', 'Cel')", (PATH,))
    operator.execute(
        """INSERT INTO reading (point, ts, seq, number, quality, ingested_at)
        SELECT (SELECT id FROM point), t, 1,
            CASE WHEN extract(hour FROM t) IN (6, 7) THEN 90 ELSE 70 END, 192, t
        FROM generate_series('2026-03-01Z'::timestamptz, '2026-03-01 23:59Z', '1 minute') AS t"""
    )
    operator.execute("UPDATE reading SET number = 999, quality = 0 WHERE ts = '2026-03-01 12:00Z'")


TOLD = [
    f"{PATH}: 1,439 readings from 2026-03-01T00:00:00Z to 2026-03-01T23:59:00Z, one every 60 s; 70 to 90 Cel",
    "  since 2026-03-01T06:00:00Z  raised 2026-03-01T06:00:00Z  cleared 2026-03-01T08:00:00Z  90 Cel",
    "1 alarm would have been raised on 1 of 1 points, in 23 h 59 min",
    "they stood 2 h (median), 2 h at most",
]


def test_a_trial_tells_what_would_have_been_raised(
    plant: tuple[Database, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a day of readings, which is read in many pages
    database, operator = plant
    monkeypatch.setattr("processor.alarms.stored.PAGE", 100)
    fill(operator)

    # When a rule is tried that is not there
    assert run(database, "try", *HOT, *DAY) == 0

    # Then it says what it would have done, and nothing is written
    assert capsys.readouterr().out.splitlines() == TOLD
    assert operator.execute("SELECT count(*) FROM alarm_rule").fetchone() == (0,)

    # And where there are no readings, it says where there are
    assert run(database, "try", *HOT, "--from", "2026-03-02T00:00:00Z", "--to", "2026-03-03T00:00:00Z") == 1
    assert "the first is of 2026-03-01T00:00:00+00:00, the last of" in capsys.readouterr().err


def test_a_reader_tries_by_a_login_of_its_own(
    postgres: Any, plant: tuple[Database, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    # Given a person's login that may read, and one that may not
    _, operator = plant
    fill(operator)
    name = operator.info.dbname
    for login, role in ((f"reads_{name}", "IN ROLE millrace_reader"), (f"stranger_{name}", "")):
        operator.execute(f"CREATE ROLE {login} LOGIN PASSWORD 'own' {role}")
        operator.execute(f"GRANT CONNECT ON DATABASE {name} TO {login}")
    server = (
        f"host=localhost port={postgres.front.port} dbname={name} password=own sslrootcert={postgres.ca_file}"
    )

    def tries(login: str) -> int:
        return main(["rules", "try", *HOT, *DAY, "--database", f"{server} user={login}"])

    # When they try a rule, then the one is told, and the other what is missing
    assert tries(f"reads_{name}") == 0
    assert capsys.readouterr().out.splitlines() == TOLD
    assert tries(f"stranger_{name}") == 1
    assert "GRANT millrace_reader TO its login" in capsys.readouterr().err
    assert tries("nobody") == 1
    said = capsys.readouterr().err
    assert "a libpq connection string is wanted" in said
    assert said.count("\n") == 1


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
    found = database.run(lambda session: watched(session.connection, 0))

    # Then each has its own stretch of time, and what is off has none
    first, third = found
    assert [(one.version, one.definition) for one in found] == [(1, first.definition), (3, first.definition)]
    assert first.since < first.until < third.since < third.until == LAST

    # And who has read on for more than a day after a version's end needs it no more
    read = first.until + BACK_MICROSECONDS
    assert database.run(lambda session: watched(session.connection, read - 1)) == [first, third]
    assert database.run(lambda session: watched(session.connection, read)) == [third]
