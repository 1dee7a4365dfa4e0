"""How PostgreSQL answers the queries of docs/queries.md: `python -m local.plans` writes the plans there.

Shapes only, kinds of steps and names of indexes: they are the same on every machine, as costs and times are
not. The data is generated, fixed, and large enough that an index is worth its while.
"""

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from local.certificates import Authority
from local.front import Protocol, TlsFront
from local.postgres import DATABASE, MASTER, PostgresServer
from processor.migrate import migrate
from processor.secret import Credentials
from processor.storage.database import Session, connect
from rotation import roles
from rotation.credentials import Credentials as RotationCredentials
from rotation.database import session, transaction

PAGE = Path(__file__).parent.parent / "docs" / "queries.md"
PASSWORD = "of-a-server-that-ends-with-this"  # noqa: S105
# A query, and the plan that follows it.
PAIR = re.compile(r"```sql\n(?P<query>.*?)```\n\n```text\n(?P<plan>.*?)```", re.DOTALL)
# Two lines of eight machines with five metrics, ten days, a reading every five minutes; another site, silent.
# The machines stand from 12 to 13 o'clock, m3 says nothing for an hour, one in a hundred readings came two
# hours late, and some values are above the limit of 30.
DATA = """
    SELECT ensure_partitions(ARRAY(
        SELECT generate_series(DATE '2025-11-17', DATE '2025-11-26', '1 day')::date));
    INSERT INTO point (path, type, unit, low, high)
    SELECT format('acme/lon1/press/line%s/cell%s/m%s/%s', line, m % 3, m, metric),
        CASE metric WHEN 'running' THEN 'flag' ELSE 'number' END, 'Cel', 10, 30
    FROM generate_series(1, 2) AS line, generate_series(1, 8) AS m,
        unnest(ARRAY['spindle_temp', 'oil_temp', 'power', 'speed', 'running']) AS metric
    ORDER BY 1;
    INSERT INTO point (path, type)
    SELECT format('acme/lon2/press/line1/cell1/m%s/power', m), 'unknown' FROM generate_series(1, 3000) AS m;
    INSERT INTO reading (ts, seq, number, flag, ingested_at, point, quality)
    SELECT ts, 1, CASE type WHEN 'number' THEN 20 + (n + id) % 15 END,
        CASE type WHEN 'flag' THEN extract(hour FROM ts) <> 12 END,
        ts + CASE WHEN n % 100 = 0 THEN interval '2 hours' ELSE interval '1 second' END, id,
        CASE WHEN n % 50 = 0 THEN 0 ELSE 192 END
    FROM point, generate_series(0, 2879) AS n,
        LATERAL (SELECT TIMESTAMPTZ '2025-11-17' + n * interval '5 min') AS t (ts)
    WHERE site = 'lon1'
        AND NOT (device = 'm3' AND ts >= '2025-11-20 06:00+00' AND ts < '2025-11-20 07:00+00');
    INSERT INTO rollup_1m (point, bucket, n, n_bad, sum, sumsq, min, max, first, last, first_at, last_at)
    SELECT point, ts, 1, (quality = 0)::int, value, value * value, value, value, value, value, ts, ts
    FROM reading, LATERAL (SELECT CASE WHEN quality > 0 THEN coalesce(number, flag::int) END) AS v (value);
    INSERT INTO rollup_1h (point, bucket, n, n_bad, sum, sumsq, min, max, first, last, first_at, last_at)
    SELECT point, date_trunc('hour', bucket), sum(n), sum(n_bad), sum(sum), sum(sumsq), min(min), max(max),
        (array_agg(first ORDER BY bucket))[1], (array_agg(last ORDER BY bucket DESC))[1],
        min(bucket), max(bucket)
    FROM rollup_1m GROUP BY 1, 2;
    INSERT INTO quarantine
    SELECT 'readings', 'shardId-000000000000', n, 0, 0,
        CASE WHEN n % 3 = 0 THEN 'too_old' ELSE 'wrong_path' END,
        'a detail that says what was found and what is allowed', convert_to(repeat('x', 200), 'UTF8'),
        now() - n * interval '10 min'
    FROM generate_series(1, 5000) AS n;
    VACUUM ANALYZE;
"""


def fill(connection: psycopg.Connection[Any]) -> None:
    """The plant's data, as a superuser, into tables that are there and empty."""
    connection.execute("SET search_path = millrace")
    connection.execute("SET TimeZone = 'UTC'")
    for statement in DATA.split(";\n"):
        if statement.strip():
            connection.execute(statement.encode())


def pairs(page: str) -> list[tuple[str, str]]:
    """(query, plan) of each query on the page."""
    return [(found["query"].strip(), found["plan"].strip()) for found in PAIR.finditer(page)]


def shape(connection: psycopg.Connection[Any], query: str) -> str:
    """The plan's steps, one a line; steps that are alike but for their day stand once."""
    for setting in ("jit = off", "max_parallel_workers_per_gather = 0"):  # a matter of the machine's size
        connection.execute(f"SET {setting}".encode())
    row = connection.execute(f"EXPLAIN (FORMAT JSON) {query}".encode()).fetchone()
    if row is None:
        raise RuntimeError("EXPLAIN gave no row")
    return "\n".join(_alike_once(_steps(row[0][0]["Plan"], 0)))


def _steps(node: dict[str, Any], depth: int) -> list[str]:
    what = node["Node Type"]
    if node.get("Scan Direction") == "Backward":
        what += " Backward"
    if "Index Name" in node:
        what += f" using {node['Index Name']}"
    if "Relation Name" in node and "Index Name" not in node:
        what += f" on {node['Relation Name']}"
    lines = ["  " * depth + what]
    for child in node.get("Plans", []):
        lines += _steps(child, depth + 1)
    return lines


def _alike_once(lines: list[str]) -> list[str]:
    found: list[tuple[str, int]] = []
    for line in lines:
        general = re.sub(r"reading_\d{8}", "reading_<day>", line)
        if found and found[-1][0] == general and general != line:
            found[-1] = (general, found[-1][1] + 1)
        else:
            found.append((general, 1))
    return [f"{line}, {count} days" if count > 1 else line for line, count in found]


def renewed(page: str, connection: psycopg.Connection[Any]) -> str:
    """The page with the plans of now."""

    def pair(found: re.Match[str]) -> str:
        return f"```sql\n{found['query']}```\n\n```text\n{shape(connection, found['query'])}\n```"

    return PAIR.sub(pair, page)


def main() -> int:
    """Write the page; exit code 0."""
    with tempfile.TemporaryDirectory(prefix="millrace-plans-") as name:
        directory = Path(name)
        authority = Authority(directory / "certificates")
        with (
            PostgresServer(directory / "postgres") as server,
            TlsFront(authority, server.socket, Protocol.POSTGRESQL) as front,
        ):
            server.create_master(PASSWORD)
            who = RotationCredentials("localhost", front.port, DATABASE, MASTER, PASSWORD)
            with session(who, str(authority.ca_file)) as opened, transaction(opened):
                roles.ensure(opened, {"millrace_migrator": PASSWORD})
            owner = Credentials("localhost", front.port, DATABASE, "millrace_migrator", PASSWORD)
            with connect(owner, str(authority.ca_file)) as migrating:
                migrate(Session(migrating))
            with server.connect(DATABASE) as connection:
                fill(connection)
                connection.execute("SET ROLE millrace_reader")
                PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8"), connection), encoding="utf-8")
    print(PAGE.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
