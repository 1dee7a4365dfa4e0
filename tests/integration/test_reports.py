"""A reader of its own, as docs/migrating-from-cdktf.md makes one: it reads the plant's data, and no more."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from local.postgres import MASTER

PAGE = (Path(__file__).parents[2] / "docs" / "migrating-from-cdktf.md").read_text(encoding="utf-8")
(MADE,) = (
    block for block in re.findall(r"^ *```sql\n(.*?)^ *```", PAGE, re.M | re.S) if "CREATE ROLE" in block
)
PASSWORD = "instead-of-a-token"  # the wheel's server knows no tokens


@pytest.fixture
def database(postgres: Any) -> Iterator[str]:
    """Our tables, and the user that the page makes as the master."""
    who = postgres.make_database()
    with postgres.operator(who.dbname) as operator:
        operator.execute("CREATE ROLE rds_iam NOLOGIN")  # RDS's own, which its master may grant
        operator.execute(f"GRANT rds_iam TO {MASTER} WITH ADMIN OPTION".encode())
        operator.execute(f"SET SESSION AUTHORIZATION {MASTER}".encode())
        operator.execute(MADE.replace("DATABASE millrace", f"DATABASE {who.dbname}").encode())
        operator.execute("RESET SESSION AUTHORIZATION")
        operator.execute(f"ALTER ROLE reports PASSWORD '{PASSWORD}'".encode())
    yield who.dbname
    with postgres.operator(who.dbname) as operator:
        operator.execute("DROP OWNED BY reports")
        operator.execute("DROP ROLE reports, rds_iam")


@pytest.fixture
def reports(postgres: Any, database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(
        host="localhost",
        port=postgres.front.port,
        dbname=database,
        user="reports",
        password=PASSWORD,
        sslmode="verify-full",
        sslrootcert=postgres.ca_file,
        autocommit=True,
    ) as connection:
        yield connection


def test_it_reads_every_partition_also_a_later_one(
    postgres: Any, database: str, reports: psycopg.Connection[Any]
) -> None:
    with postgres.operator(database) as operator:
        operator.execute("SET search_path = millrace")
        operator.execute("SELECT ensure_partitions(ARRAY[current_date])")
        operator.execute(
            "INSERT INTO point (path, type) VALUES ('acme/lon1/press/line2/cell4/m17/t', 'number')"
        )
        operator.execute(
            "INSERT INTO reading (ts, seq, number, ingested_at, point, quality)"
            " SELECT date_trunc('day', now(), 'UTC'), 1, 20.5, now(), id, 192 FROM point"
        )
    read = "SELECT device, number FROM point JOIN reading ON reading.point = point.id"
    assert reports.execute(read.encode()).fetchall() == [("m17", 20.5)]
    for table in ("rollup_1m", "rollup_1h", "quarantine"):
        assert reports.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() == (0,)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM reading",
        "UPDATE point SET unit = 'K'",
        "INSERT INTO alarm_rule (name, definition) VALUES ('a', '{}')",
        "SELECT ensure_partitions(ARRAY[current_date])",
        "SELECT * FROM shard_progress",
        "CREATE TABLE millrace.mine (n int)",
        "SET ROLE millrace_owner",
        "SET ROLE millrace_writer",
        "CREATE ROLE more",
    ],
)
def test_it_does_no_more(reports: psycopg.Connection[Any], statement: str) -> None:
    reports.execute("SET default_transaction_read_only = off")  # a reader may; its rights remain

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reports.execute(statement.encode())


def test_it_begins_where_no_write_is_meant(reports: psycopg.Connection[Any]) -> None:
    assert reports.execute("SELECT current_schema()").fetchone() == ("millrace",)
    assert reports.execute("SHOW default_transaction_read_only").fetchone() == ("on",)
    assert reports.execute("SHOW statement_timeout").fetchone() == ("5min",)
