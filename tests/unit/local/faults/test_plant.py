"""The oracle against the processor: each form becomes the rows, each poison the refusals, that it says."""

import random
import time
from zoneinfo import ZoneInfo

import pytest

from local.faults.plant import FORMS, MENDED, METRICS, POISONS, Parcel, Plant, Row
from processor.columns import Kind
from processor.names import Names
from processor.pipeline import judge
from processor.source.records import Record
from processor.validate import Rules

RULES = Rules(7, 10)
MENDED_RULES = Rules(
    int(MENDED["OLDEST_READING_DAYS"]),
    int(MENDED["NEWEST_READING_MINUTES"]),
    ZoneInfo(MENDED["SITE_TIME_ZONE"]),
    bind_devices=MENDED["BIND_DEVICES"] == "1",
)


def plant(seed: int = 1) -> Plant:
    return Plant("acme/lon1", random.Random(seed))


def judged(parcel: Parcel, rules: Rules = RULES) -> tuple[set[Row], set[tuple[int, str]]]:
    names = Names()
    result = judge([Record(parcel.data, "1", time.time(), 0, parcel.key)], names, rules, 0)
    columns = result.columns
    rows: set[Row] = set()
    for row in range(len(columns)):
        value: float | bool | str | None
        match Kind(columns.kind[row]):
            case Kind.NUMBER:
                value = float(columns.number[row])
            case Kind.FLAG:
                value = bool(columns.number[row])
            case Kind.TEXT:
                assert columns.text is not None
                value = columns.text[row]
            case Kind.NOTHING:
                value = None
        rows.add((names.paths[columns.slot[row]], int(columns.ts[row]), value, int(columns.quality[row])))
    return rows, {(one.place, one.reason.value) for one in result.refused}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_a_good_record_becomes_its_rows_and_nothing_is_refused(form: object) -> None:
    made = plant()
    for _ in range(50):
        parcel = form(made)  # type: ignore[operator]
        assert judged(parcel) == (set(parcel.rows), set())
        assert len(set(parcel.rows)) == len(parcel.rows) > 0


@pytest.mark.parametrize("place", range(len(POISONS)))
def test_a_poison_is_refused_for_its_reason_and_its_siblings_are_kept(place: int) -> None:
    made = plant()
    for _ in range(20):
        parcel = POISONS[place](made)
        assert parcel.refused
        assert judged(parcel) == (set(parcel.rows), set(parcel.refused))


def test_what_is_mended_becomes_its_rows_by_the_rules_that_mend_it() -> None:
    made = plant()
    parcels = [made.poison() for _ in range(300)]
    assert {reason for one in parcels if one.mended for _, reason in one.refused} == {
        "timestamp",
        "too_old",
        "too_new",
        "device",
    }
    for parcel in parcels:
        left = {(place, reason) for place, reason in parcel.refused if place not in dict(parcel.mended)}
        assert judged(parcel, MENDED_RULES) == ({*parcel.rows, *(row for _, row in parcel.mended)}, left)


def test_each_reading_is_told_apart_by_point_and_time_unless_it_is_said_twice() -> None:
    made = plant()
    rows = [row for parcel in made.parcels(500) for row in parcel.rows]
    assert len(set(rows)) == len(rows)
    assert {row[0].rsplit("/", 1)[1] for row in rows} == {
        "hourly",
        *(f"metric_{metric}" for metric in range(METRICS)),
    }


def test_last_words_are_the_newest_though_the_clock_has_stepped() -> None:
    made = plant()
    before = [row for parcel in made.parcels(200) for row in parcel.latest]
    made.step(-3_000_000)
    before += [row for parcel in made.parcels(200) for row in parcel.latest]
    last = [row for parcel in made.last_words() for row in parcel.rows]

    assert len({row[0] for row in last}) == made.devices * METRICS
    assert min(row[1] for row in last) > max(row[1] for row in before)


def test_the_same_seed_makes_the_same_records() -> None:
    first, second = plant(7), plant(7)
    second.began_ms = first.began_ms
    assert [one.rows for one in first.parcels(100)] == [one.rows for one in second.parcels(100)]
