"""docs/queries.md: each query runs as a reader, gives what it asks for, and goes the way that is shown."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from local.plans import PAGE, fill, pairs, shape
from tests.integration.conftest import Postgres

PAIRS = pairs(PAGE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def reader(postgres: Postgres) -> Iterator[psycopg.Connection[Any]]:
    who = postgres.make_database()
    with postgres.operator(who.dbname) as connection:
        fill(connection)
        connection.execute("SET ROLE millrace_reader")
        yield connection


def answer(reader: psycopg.Connection[Any], number: int) -> list[tuple[Any, ...]]:
    return reader.execute(PAIRS[number - 1][0].encode()).fetchall()


def test_there_are_ten() -> None:
    assert len(PAIRS) == 10


@pytest.mark.parametrize("number", range(1, 11))
def test_a_query_goes_the_way_that_the_page_shows(reader: psycopg.Connection[Any], number: int) -> None:
    query, plan = PAIRS[number - 1]

    assert shape(reader, query) == plan, "python -m local.plans"


@pytest.mark.parametrize("number", [2, 3, 4, 5, 6, 10])
def test_who_names_a_path_and_a_time_reads_no_table_whole(number: int) -> None:
    _, plan = PAIRS[number - 1]

    assert "Seq Scan" not in plan
    assert re.search(r"using (rollup_1m_pkey|rollup_1h_pkey|reading_<day>_pkey)", plan)


def test_bounds_of_the_time_leave_the_other_days_out() -> None:
    assert PAIRS[7][1].count("reading_<day>") == 1
    assert ", 10 days" not in PAIRS[7][1] + PAIRS[9][1]
    assert PAIRS[9][1].count("Heap Scan on reading_<day>") == 2


def test_the_latest_values_of_a_line(reader: psycopg.Connection[Any]) -> None:
    rows = answer(reader, 1)
    assert len(rows) == 8 * 5
    assert {row[6].isoformat() for row in rows} == {"2025-11-26T23:55:00+00:00"}
    assert {row[2] for row in rows if row[1] == "running"} == {1}


def test_a_curve_has_a_row_for_every_minute_with_a_reading(reader: psycopg.Connection[Any]) -> None:
    rows = answer(reader, 2)
    assert len(rows) == 288
    assert all(low <= mean <= high for _, mean, low, high in rows if mean is not None)
    assert any(mean is None for _, mean, _, _ in rows), "a minute of bad readings only has none"


def test_hours_out_of_limits_are_those_above_thirty(reader: psycopg.Connection[Any]) -> None:
    rows = answer(reader, 3)
    assert {row[0] for row in rows} == {"oil_temp", "spindle_temp"}
    assert all(high > 30 for _, _, _, high, _, _ in rows)


def test_a_machine_stood_for_the_hour_at_noon(reader: psycopg.Connection[Any]) -> None:
    rows = answer(reader, 4)
    assert [hour.hour for hour, ran, stood in rows if stood and not ran] == [12]
    assert sum(ran + stood for _, ran, stood in rows) <= 288


def test_two_machines_are_compared_minute_by_minute(reader: psycopg.Connection[Any]) -> None:
    rows = answer(reader, 5)
    assert len(rows) == 288
    assert all(apart == one - other for _, one, other, apart in rows if one is not None and other is not None)


def test_the_hour_without_data_is_the_only_silence(reader: psycopg.Connection[Any]) -> None:
    ((before, after, silence),) = answer(reader, 6)
    assert (before.hour, before.minute, after.hour, after.minute) == (5, 55, 7, 0)
    assert silence == timedelta(minutes=65)


def test_what_was_refused_is_counted_by_reason(reader: psycopg.Connection[Any]) -> None:
    found = {reason: readings for reason, readings, _, _ in answer(reader, 7)}
    assert set(found) == {"wrong_path", "too_old"}
    assert 140 <= sum(found.values()) <= 144, "one every ten minutes"


def test_what_came_two_hours_late_is_found(reader: psycopg.Connection[Any]) -> None:
    rows = answer(reader, 8)
    assert {latest for _, _, latest in rows} == {timedelta(hours=2)}
    assert sum(readings for _, readings, _ in rows) >= 2 * 80


def test_the_points_that_moved_most_come_first(reader: psycopg.Connection[Any]) -> None:
    spans = [span for _, span, _ in answer(reader, 9)]
    assert len(spans) == 10
    assert spans == sorted(spans, reverse=True)


def test_an_export_has_every_reading_of_the_days(reader: psycopg.Connection[Any]) -> None:
    rows = answer(reader, 10)
    assert len(rows) == 2 * 288
    assert {row[4] for row in rows} == {"good", "bad"}


def test_every_column_of_every_view_says_what_it_is(reader: psycopg.Connection[Any]) -> None:
    silent = reader.execute(
        """
        SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'millrace'::regnamespace AND c.relkind = 'v' AND a.attnum > 0
            AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)"""
    ).fetchall()
    assert silent == []


def test_a_reader_sees_the_views_and_no_table(reader: psycopg.Connection[Any]) -> None:
    seen = reader.execute(
        """
        SELECT relname FROM pg_class
        WHERE relnamespace = 'millrace'::regnamespace AND relkind IN ('r', 'p', 'v')
            AND has_table_privilege(oid, 'SELECT')"""
    ).fetchall()
    views = {"points", "readings", "latest_readings", "minutes", "hours", "refusals", "refusals_by_reason"}
    assert {name for (name,) in seen} >= {*views, "shards", "storage_by_day"}
    assert not {name for (name,) in seen} & {"reading", "point", "quarantine", "retention", "shard_progress"}
    for view in (*views, "shards", "storage_by_day"):
        reader.execute(f"SELECT * FROM {view} LIMIT 1".encode())


def test_sums_out_of_range_have_no_mean_and_stop_no_query(reader: psycopg.Connection[Any]) -> None:
    asked = (
        b"SELECT mean_of(2, 'Infinity'), mean_of(0, 0), stddev_of(2, 1e200, 'Infinity'), stddev_of(2, 4, 10)"
    )
    assert reader.execute(asked).fetchall() == [(None, None, None, 1.0)]
