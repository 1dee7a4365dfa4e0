"""A record of thousands of days is stored in part, and waits in part: its shard goes on."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from processor import days
from processor.days import DAYS_A_RECORD
from processor.names import Names
from processor.pipeline import judge
from processor.quarantine import Reason, Refused
from processor.source.records import Record
from processor.storage.store import Judged
from processor.validate import Rules
from tests.unit.processor.conftest import NOW, aggregated

NOW_MS = int(NOW * 1000)
DAY_MS = 86_400_000
RULES = Rules(oldest_days=7, newest_minutes=10)


def reading(day: int, **changes: Any) -> dict[str, Any]:
    """History of so many days ago."""
    return {"path": "a/b/c/d/e/f/g", "ts": NOW_MS - day * DAY_MS, "value": day, "hist": True, **changes}


def put_together(*items: dict[str, Any], number: int = 1) -> Record:
    return Record(aggregated([("k", json.dumps(item).encode()) for item in items]), str(number), NOW)


def judged(*records: Record) -> Judged:
    return judge(records, Names(), RULES, 0)


def waiting(refused: list[Refused]) -> list[tuple[str, int]]:
    return [(one.sequence_number, one.sub_sequence) for one in refused if one.reason is Reason.TOO_MANY_DAYS]


def test_of_an_aggregated_record_of_too_many_days_the_latest_are_stored_and_the_others_wait() -> None:
    count = DAYS_A_RECORD + 100
    found = judged(put_together(*(reading(day) for day in range(count)), reading(count - 1, value=0.5)))
    assert sorted(found.columns.number.tolist()) == list(range(DAYS_A_RECORD))
    assert waiting(found.refused) == [("1", day) for day in range(DAYS_A_RECORD, count + 1)]
    assert len(found.days) == DAYS_A_RECORD
    assert json.loads(found.refused[0].payload)["value"] == DAYS_A_RECORD


@pytest.mark.parametrize("packed", [lambda data: data, gzip.compress, zstd.compress])
def test_an_envelope_of_as_many_days_as_readings_is_stored_whole(packed: Callable[[bytes], bytes]) -> None:
    envelope = {"readings": [reading(day) for day in range(500)]}
    found = judged(Record(packed(json.dumps(envelope).encode()), "1", NOW))
    assert (len(found.columns), found.refused) == (500, [])


def test_what_is_refused_for_something_else_takes_no_day_from_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(days, "DAYS_A_RECORD", 2)
    found = judged(put_together(reading(1, path="wrong"), reading(2), reading(3, ts=0), reading(4)))
    assert found.columns.number.tolist() == [2, 4]
    assert {one.reason for one in found.refused} == {Reason.PATH, Reason.TOO_OLD}


some_records = st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=8), min_size=1, max_size=4)


@given(some_records)
def test_the_verdict_on_a_record_is_the_same_whatever_it_is_read_with(given_days: list[list[int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(days, "DAYS_A_RECORD", 3)
        records = [
            put_together(*(reading(day) for day in items), number=number)
            for number, items in enumerate(given_days, 1)
        ]
        together = judged(*records)
        alone = [judged(record) for record in records]
    assert together.columns.number.tolist() == [n for one in alone for n in one.columns.number.tolist()]
    assert waiting(together.refused) == [key for one in alone for key in waiting(one.refused)]
    for items, one in zip(given_days, alone, strict=True):
        assert set(one.columns.number.tolist()) == set(sorted(set(items))[:3])


def test_each_reading_names_its_records_place_and_the_parts_of_one_share_it() -> None:
    later = put_together(reading(3), number=3)._replace(arrived=NOW + 1)
    found = judged(put_together(reading(1), reading(2, path="wrong"), reading(2)), later)
    assert found.columns.record.tolist() == [0, 0, 1]
    assert found.arrivals.tolist() == [NOW_MS * 1000, (NOW_MS + 1000) * 1000]
