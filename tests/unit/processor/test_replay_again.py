"""Verdicts on refused readings: which leave, which stay, which come back under another reason."""

import json

import pytest

from processor import decode
from processor.names import Names
from processor.pipeline import judge
from processor.quarantine import Reason
from processor.replay.again import Row, judge_again
from processor.source.records import Record
from processor.validate import Rules

NOW_MS = 1_763_897_519_000
PATH = "a/b/c/d/e/m1/x"
OLD = {"path": PATH, "ts": NOW_MS - 8 * 86_400_000, "value": 1}
STRICT, LAX = Rules(7, 10), Rules(9, 10)


def quarantined(*documents: object, rules: Rules = STRICT) -> list[Row]:
    """What stands in the quarantine after these records."""
    records = [
        Record(item if isinstance(item, bytes) else json.dumps(item).encode(), str(number), NOW_MS / 1000)
        for number, item in enumerate(documents, 1)
    ]
    refused = judge(records, Names(), rules, 0).refused
    return [Row("shard-0", *one[:3], one.reason.value, one.detail, *one[5:]) for one in refused]


def test_a_row_whose_cause_is_mended_leaves_and_its_reading_passes() -> None:
    rows = quarantined({"readings": [{**OLD, "ts": NOW_MS}, OLD, {**OLD, "value": 2}]})
    again, count = judge_again(rows, Names(), LAX)
    assert count == 2
    assert again.judged.columns.number.tolist() == [1, 2]
    assert (again.settled, again.refused, again.still) == (rows, [], {})


def test_a_row_that_is_refused_for_the_same_stays_as_it_is() -> None:
    rows = quarantined(b"?", {"readings": [OLD, {**OLD, "path": "wrong"}, 7]})
    again, _ = judge_again(rows, Names(), STRICT)
    assert (again.settled, again.refused) == ([], [])
    assert set(again.still) == set(rows)


def test_a_row_that_is_refused_for_something_else_comes_back_under_its_own_key() -> None:
    rows = quarantined({"readings": [OLD, {**OLD, "value": "x" * 5000}]})
    again, _ = judge_again(rows, Names(), LAX)
    assert again.settled == rows
    ((shard, verdict),) = again.refused
    assert (shard, verdict[:3], verdict.reason) == ("shard-0", ("1", 0, 1), Reason.VALUE)
    assert verdict.arrived == NOW_MS / 1000


def test_a_whole_record_that_can_be_read_now_leaves_its_bad_readings_behind() -> None:
    document = json.dumps({"readings": [{**OLD, "ts": NOW_MS}, {"path": PATH}, OLD]}).encode()
    row = Row("shard-0", "7", 3, -1, "undecodable", "no such form yet", document, NOW_MS / 1000, "key")
    again, _ = judge_again([row], Names(), STRICT)
    assert again.settled == [row]
    assert [(verdict[:3], verdict.reason, verdict.partition_key) for _, verdict in again.refused] == [
        (("7", 3, 1), Reason.MALFORMED, "key"),
        (("7", 3, 2), Reason.TOO_OLD, "key"),
    ]
    assert len(again.judged.columns) == 1


@pytest.mark.parametrize(
    "wrapping", [{"readings": [{**OLD, "ts": NOW_MS}] * 3}, {"specversion": "1.0", "data": OLD}]
)
def test_a_reading_that_looks_like_a_wrapping_is_judged_as_the_reading_that_it_was(
    wrapping: dict[str, object],
) -> None:
    rows = quarantined({"readings": [{**OLD, **wrapping}, {**wrapping, "path": PATH}]})
    assert [row.reason for row in rows] == ["malformed", "too_old"]
    again, _ = judge_again(rows, Names(), LAX)
    assert len(again.judged.columns) == 1
    assert [row.reason for row in again.still] == ["malformed"]


def test_rows_that_are_too_much_for_one_transaction_are_judged_in_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decode, "MOST_READINGS", 2)
    rows = quarantined(*({"readings": [{**OLD, "value": n}, {**OLD, "value": -n}]} for n in range(1, 5)))
    monkeypatch.setattr("processor.pipeline.MOST_READINGS", 2)
    values, rest = [], rows
    while rest:
        again, count = judge_again(rest, Names(), LAX)
        assert len(again.judged.columns) <= 2
        values += again.judged.columns.number.tolist()
        rest = rest[count:]
    assert sorted(values) == [-4, -3, -2, -1, 1, 2, 3, 4]
