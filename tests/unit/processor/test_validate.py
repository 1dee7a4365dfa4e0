"""Each reading becomes a row or a refusal, whatever stands in the record."""

import gzip
import json
from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.columns import Columns, Kind
from processor.names import Names
from processor.pipeline import judge
from processor.quarantine import Reason, Refused
from processor.source.records import Record
from processor.validate import Rules
from processor.wire.tolerant import LARGEST_ADDITION

PATH = "acme/lon1/press/line2/cell4/m17/spindle_temp"
NOW_MS = 1_763_897_519_000
DAY_MS = 86_400_000
RULES = Rules(oldest_days=7, newest_minutes=10)
GOOD: dict[str, Any] = {"path": PATH, "ts": NOW_MS, "value": 73.9}
Make = Callable[..., Record]
LONG_NUMBERS = ["1" * 400, "1" * 5000, "-" + "1" * 500 + ".5"]


def judged(records: Sequence[Record], rules: Rules = RULES) -> tuple[Columns, list[Refused]]:
    result = judge(records, Names(), rules, 0)
    return result.columns, result.refused


def test_an_envelope_a_bare_reading_and_their_wrappings_are_the_same(record: Make) -> None:
    envelope = {"v": 1, "id": "01J", "src": "gw-7", "sent": NOW_MS, "traceparent": "00-…", "readings": [GOOD]}
    event = {"specversion": "1.0", "id": "1", "source": "gw", "type": "reading"}
    writings = [
        GOOD,
        envelope,
        {**event, "data": GOOD},
        {**event, "data": envelope},
        {
            **event,
            "data_base64": "eyJwYXRoIjoiYWNtZS9sb24xL3ByZXNzL2xpbmUyL2NlbGw0L20xNy9zcGluZGxlX3RlbXAi"
            "LCJ0cyI6MTc2Mzg5NzUxOTAwMCwidmFsdWUiOjczLjl9",
        },
        gzip.compress(json.dumps(envelope).encode()),
        json.dumps({**GOOD, "ts": "2025-11-23T11:31:59Z", "q": "GOOD"}).encode(),
    ]
    columns, refused = judged([record(writing) for writing in writings])
    assert refused == []
    assert columns.number.tolist() == [73.9] * len(writings)
    assert len({*columns.ts.tolist()}) == len({*columns.seq.tolist()}) == len({*columns.slot.tolist()}) == 1


def test_values_go_to_their_columns(record: Make) -> None:
    columns, refused = judged(
        [record({"readings": [{**GOOD, "value": v} for v in (1, 2.5, True, "on", None)]})]
    )
    assert refused == []
    assert columns.kind.tolist() == [Kind.NUMBER, Kind.NUMBER, Kind.FLAG, Kind.TEXT, Kind.NOTHING]
    np.testing.assert_array_equal(columns.number, [1.0, 2.5, 1.0, np.nan, np.nan])
    assert columns.text is not None
    assert columns.text.tolist() == [None, None, None, "on", None]


@pytest.mark.parametrize(
    "written",
    ["NaN", "Infinity", "-Infinity", '"NaN"', '"-inf"', '"+Infinity"', '"nan"', "1e999", *LONG_NUMBERS],
)
def test_what_is_not_finite_becomes_null_and_bad_with_the_original_kept(record: Make, written: str) -> None:
    text = json.dumps({**GOOD, "q": 192}).replace("73.9", written)
    columns, refused = judged([record(text.encode())])
    assert refused == []
    assert (columns.kind[0], columns.quality[0], columns.status[0]) == (Kind.NOTHING, 0, 192)
    assert columns.extra is not None
    assert json.loads(columns.extra[0]) == {"value": written.strip('"')}


@pytest.mark.parametrize("text", ["1234e567", "9" * 500, "infinite", "nano", "-"])
def test_text_that_looks_like_a_number_stays_text(record: Make, text: str) -> None:
    # Part numbers and hashes do: 1234e567 is one of seven hexadecimal digits and an e.
    columns, _ = judged([record({**GOOD, "value": text}), record({**GOOD, "value": text, "batch": 7})])
    assert columns.text is not None
    assert columns.text.tolist() == [text, text]
    assert columns.seq[0] == columns.seq[1]


def test_an_integer_that_a_double_cannot_hold_is_kept_beside_it(record: Make) -> None:
    columns, _ = judged([record({**GOOD, "value": 2**53 + 1}), record({**GOOD, "value": 2**53})])
    assert columns.extra is not None
    assert json.loads(columns.extra[0]) == {"value": "9007199254740993"}
    assert columns.extra[1] is None


def test_unknown_fields_are_kept_clean_of_what_jsonb_refuses(record: Make) -> None:
    columns, refused = judged(
        [record({"site": "x", "readings": [{**GOOD, "batch": {"a\0": ["\ud800", 1]}}, {**GOOD, "seq": 7}]})]
    )
    assert refused == []
    assert columns.extra is not None
    assert [json.loads(extra) for extra in columns.extra] == [
        {"batch": {"a␀": ["?", 1]}, "envelope": {"site": "x"}},
        {"envelope": {"site": "x"}},
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"path": "acme/lon1/m17"}, Reason.PATH),
        ({"path": PATH + "\n"}, Reason.PATH),
        ({"path": PATH.replace("lon1", "löndon")}, Reason.PATH),
        ({"path": PATH + "x" * 64}, Reason.PATH),
        ({"ts": "soon"}, Reason.TIMESTAMP),
        ({"ts": "2025-11-23T11:31:59"}, Reason.TIMESTAMP),
        ({"ts": NOW_MS - 8 * DAY_MS}, Reason.TOO_OLD),
        ({"ts": NOW_MS - 8 * DAY_MS, "hist": False}, Reason.TOO_OLD),
        ({"ts": 0, "hist": True}, Reason.TOO_OLD),
        ({"ts": NOW_MS + 11 * 60_000}, Reason.TOO_NEW),
        ({"ts": NOW_MS + 11 * 60_000, "hist": True}, Reason.TOO_NEW),
        ({"ts": 10**40}, Reason.TOO_NEW),
        ({"ts": -(2**63)}, Reason.TOO_OLD),
        ({"value": "a\0b"}, Reason.VALUE),
        ({"value": "\ud800"}, Reason.VALUE),
        ({"value": "ä" * 2049}, Reason.VALUE),
        ({"value": [1]}, Reason.MALFORMED),
        ({"value": {"a": 1}}, Reason.MALFORMED),
        ({"q": 2**32}, Reason.QUALITY),
        ({"q": "excellent"}, Reason.QUALITY),
        ({"seq": -1}, Reason.SEQ),
        ({"seq": 2**63}, Reason.SEQ),
        ({"unit": "\0"}, Reason.UNIT),
        ({"unit": "x" * 65}, Reason.UNIT),
        ({"hist": "yes"}, Reason.MALFORMED),
    ],
)
def test_a_bad_reading_is_refused_alone(record: Make, change: dict[str, Any], reason: Reason) -> None:
    bad = {**GOOD, **change}
    columns, refused = judged([record({"readings": [GOOD, bad, {**GOOD, "value": 2}]}, 7), record(bad, 8)])
    assert columns.number.tolist() == [73.9, 2.0]
    assert [(one.sequence_number, one.place, one.reason) for one in refused] == [
        ("7", 1, reason),
        ("8", 0, reason),
    ]
    sent = json.loads(refused[0].payload)
    assert {name: sent[name] for name in bad} == bad


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\1\2",
        b"[]",
        b"7",
        b"{}}",
        b"\x1f\x8bno gzip",
        b'{"readings":[]}',
        b'{"readings":7}',
        b'{"v":2,"readings":[{}]}',
        b'{"specversion":"1.0"}',
        b'{"specversion":"1.0","data_base64":"?"}',
        b'{"a":' * 100_000,
        json.dumps({"readings": [GOOD] * 501}).encode(),
    ],
)
def test_what_is_no_document_is_refused_whole(record: Make, data: bytes) -> None:
    columns, refused = judged([record(data, 1), record(GOOD, 2)])
    assert len(columns) == 1
    (one,) = refused
    assert (one.place, one.reason, one.payload) == (-1, Reason.UNDECODABLE, data)


DEEP = "[" * 900 + "]" * 900  # json.loads takes it, a recursion over it would not


@pytest.mark.parametrize(
    "bad",
    [
        json.dumps({**GOOD, "batch": 7}).replace("7}", DEEP + "}").encode(),
        json.dumps({**GOOD, "ts": 0, "batch": 7}).replace("7}", DEEP + "}").encode(),
        json.dumps(GOOD).encode().replace(b"73.9", b'"\xb0C"'),
        json.dumps(GOOD).encode().replace(b"73.9", b"[" + b"1" * 5000 + b"]"),
    ],
    ids=["deep", "deep and old", "Latin-1", "long digits"],
)
def test_what_one_reading_holds_leaves_its_siblings_alone(record: Make, bad: bytes) -> None:
    good = json.dumps(GOOD).encode()
    columns, refused = judged([record(b'{"readings":[%s,%s,%s]}' % (good, bad, good))])
    assert len(columns) == 2
    assert [one.place for one in refused] == [1]


def test_an_envelope_may_add_only_so_much_to_each_of_its_readings(record: Make) -> None:
    large = {"site": "x" * LARGEST_ADDITION, "readings": [GOOD]}
    deep = json.dumps({"readings": [GOOD], "site": 7}).replace("7}", DEEP + "}").encode()
    columns, refused = judged([record(large), record(deep), record({**large, "site": "x"})])
    assert len(columns) == 1
    assert [(one.place, one.reason) for one in refused] == [(-1, Reason.UNDECODABLE)] * 2


@pytest.mark.parametrize("value", ["NaN", "1e999", "73.9", "1" * 5000, '"\\ud800"', '"1e999"'])
@pytest.mark.parametrize("change", [{}, {"seq": 1.5}])
def test_what_is_refused_can_be_judged_again(record: Make, value: str, change: dict[str, Any]) -> None:
    # Given a reading that is refused for its age, or malformed, in an envelope that adds something of its own
    reading = {**GOOD, "ts": NOW_MS - 8 * DAY_MS, "unit": "Cel", "batch": ["B-7"], "q": 64, **change}
    text = json.dumps({"site": {"x": 1}, "readings": [GOOD, reading, GOOD]})
    middle = text.rindex("73.9", 0, text.rindex("73.9"))
    sent = record((text[:middle] + value + text[middle + 4 :]).encode())
    _, (refused,) = judged([sent])
    assert (refused.place, refused.arrived) == (1, sent.arrived)

    # When what the quarantine holds is judged under the rules that let it pass
    again = Record(refused.payload.replace(b"1.5", b"1"), "1", refused.arrived)
    rules = Rules(oldest_days=9, newest_minutes=10)
    columns, still = judged([again], rules)

    # Then it is what it would have been in its place
    whole, faults = judged([sent._replace(data=sent.data.replace(b"1.5", b"1"))], rules)
    assert [(one.reason, one.detail) for one in still] == [(one.reason, one.detail) for one in faults]
    for name in ("ts", "seq", "quality", "status", "kind", "number", "extra", "text"):
        mine, theirs = getattr(columns, name), getattr(whole, name)
        if not faults and theirs is not None:
            np.testing.assert_array_equal(mine, theirs[1:2])


def test_500_readings_are_the_most_of_an_envelope(record: Make) -> None:
    columns, refused = judged([record({"readings": [GOOD] * 500})])
    assert (len(columns), refused) == (500, [])


def test_history_is_exempt_from_the_age_bound_and_naive_times_from_refusal_with_a_zone(record: Make) -> None:
    rules = Rules(7, 10, ZoneInfo("Europe/London"))
    columns, refused = judged([record({**GOOD, "ts": "2013-12-02T21:15:00", "hist": True})], rules)
    assert refused == []
    assert columns.ts.tolist() == [1_386_018_900_000_000]


def test_no_bound_on_age_reaches_before_the_first_partition(record: Make) -> None:
    columns, refused = judged([record({**GOOD, "ts": 1})], Rules(oldest_days=36_500, newest_minutes=10))
    assert len(columns) == 0
    assert [one.reason for one in refused] == [Reason.TOO_OLD]


def test_seq_takes_the_place_of_the_hash(record: Make) -> None:
    columns, _ = judged([record({**GOOD, "seq": 4711}), record(GOOD), record({**GOOD, "seq": 0})])
    assert (columns.seq[0], columns.seq[2]) == (4711, 0)
    assert columns.seq[1] < 0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
readings = st.fixed_dictionaries(
    {"path": st.just(PATH) | json_values, "ts": st.just(NOW_MS) | json_values, "value": json_values},
    optional=dict.fromkeys(("q", "unit", "seq", "hist", "batch"), json_values),
)


@given(st.lists(st.lists(readings, min_size=1, max_size=3), min_size=1, max_size=4))
def test_every_reading_is_either_a_row_or_a_refusal(envelopes: list[list[dict[str, Any]]]) -> None:
    records = [
        Record(json.dumps({"readings": items}).encode(), str(number), NOW_MS / 1000)
        for number, items in enumerate(envelopes)
    ]
    columns, refused = judged(records)
    assert len(columns) + len(refused) == sum(map(len, envelopes))
    assert len({(one.sequence_number, one.place) for one in refused}) == len(refused)
    assert np.isfinite(columns.number[columns.kind <= Kind.FLAG]).all()


@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    columns, refused = judged([Record(data, "1", NOW_MS / 1000)])
    assert len(columns) + len(refused) >= 1
