"""Records of the Kinesis Producer Library come apart whole, or are handed on as they are."""

import base64
import gzip
import json
from collections.abc import Callable
from hashlib import md5

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from processor import decode
from processor.names import Names
from processor.pipeline import judge
from processor.quarantine import Reason
from processor.source.records import Record, TooMuch
from processor.validate import Rules
from processor.wire import aggregated as module
from processor.wire.aggregated import MAGIC, user_records
from tests.unit.processor.conftest import aggregated, field, sealed

Make = Callable[..., Record]
NOW_MS = 1_763_897_519_000
RULES = Rules(oldest_days=7, newest_minutes=10)
# Written by aws-kinesis-agg 1.2.3, AWS's own for Python: keys m17, m18, m17, the first with an explicit hash
# key.
OF_AWS = base64.b64decode(
    "84mawgoDbTE3CgNtMTgSAzEyMxpTCAAQABpNeyJwYXRoIjoiYWNtZS9sb24xL3ByZXNzL2xpbmUyL2NlbGw0L20xNy9zcGVlZCIsInRz"
    "IjoxNzYzODk3NTE5MDAwLCJ2YWx1ZSI6MX0aUQgBGk17InBhdGgiOiJhY21lL2xvbjEvcHJlc3MvbGluZTIvY2VsbDQvbTE4L3NwZWVk"
    "IiwidHMiOjE3NjM4OTc1MTkwMDEsInZhbHVlIjoyfRpRCAAaTXsicGF0aCI6ImFjbWUvbG9uMS9wcmVzcy9saW5lMi9jZWxsNC9tMTcv"
    "c3BlZWQiLCJ0cyI6MTc2Mzg5NzUxOTAwMiwidmFsdWUiOjN9tq7NFl7WZF3N1NosydWkQA=="
)


def reading(number: int = 1, **more: object) -> bytes:
    path = f"acme/lon1/press/line2/cell4/m{number}/speed"
    return json.dumps({"path": path, "ts": NOW_MS + number, "value": number, **more}).encode()


def test_what_awss_own_writer_has_put_together_comes_apart(record: Make) -> None:
    parts = user_records([record(OF_AWS, 7, "first")])
    assert [(part.sequence_number, part.sub_sequence, part.partition_key) for part in parts] == [
        ("7", 0, "m17"),
        ("7", 1, "m18"),
        ("7", 2, "m17"),
    ]
    assert [json.loads(part.data)["value"] for part in parts] == [1, 2, 3]
    assert {part.arrived for part in parts} == {record(b"").arrived}


def test_records_of_which_none_is_aggregated_are_the_same_object(record: Make) -> None:
    records = [record(data) for data in (reading(), gzip.compress(reading()), zstd.compress(reading()), b"")]
    assert user_records(records) is records
    assert user_records([]) == []
    # Some bytes sort above the magic and are none.
    assert user_records([record(b"\xff\xfe{\0"), record(MAGIC[:3])]) == [
        record(b"\xff\xfe{\0"),
        record(MAGIC[:3]),
    ]


@given(st.lists(st.tuples(st.text(min_size=1, max_size=4), st.binary(max_size=30)), min_size=1, max_size=6))
def test_parts_are_what_was_put_together(users: list[tuple[str, bytes]]) -> None:
    users = [(key, b"{" + data) for key, data in users]
    whole, alone = Record(aggregated(users), "8", 1.0), Record(b"{}", "9", 1.0, 0, "key")
    parts = user_records([whole, alone])
    assert [(part.partition_key, part.data) for part in parts[:-1]] == users
    assert [part.sub_sequence for part in parts[:-1]] == list(range(len(users)))
    assert parts[-1] == alone


GOOD_MESSAGE = aggregated([("m1", reading(1)), ("m2", reading(2))])[4:-16]
DAMAGED = {
    "checksum": (OF_AWS[:-1] + b"?", "checksum"),
    "cut": (OF_AWS[:-20], "checksum"),
    "magic alone": (MAGIC, "cut off"),
    "no message": (MAGIC + bytes(16), "cut off"),
    "empty": (sealed(b"")[:20], "cut off"),
    "cut message, sealed again": (sealed(GOOD_MESSAGE[:-1]), "cut off"),
    "no user record": (sealed(field(1, b"m1")), "no user record"),
    "no such key": (sealed(field(1, b"m1") + field(3, field(1, 1) + field(3, b"{}"))), "key 1 of 1"),
    "no data": (sealed(field(1, b"m1") + field(3, field(1, 0))), "lacks its data"),
    "no key": (sealed(field(1, b"m1") + field(3, field(3, b"{}"))), "lacks its data"),
    "a number for bytes": (sealed(field(1, 5) + field(3, 5)), "number stands where bytes"),
    "bytes for a number": (sealed(field(3, field(1, b"x") + field(3, b"{}"))), "is no number"),
    "nested": (sealed(field(1, b"m1") + field(3, field(1, 0) + field(3, OF_AWS))), "holds another one"),
}


@pytest.mark.parametrize(("data", "why"), DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_one_is_handed_on_whole_and_refused_with_its_reason(
    record: Make, data: bytes, why: str
) -> None:
    damaged = record(data, 1)
    assert user_records([damaged, record(reading(), 2)])[0] is damaged
    judged = judge([damaged, record(reading(), 2)], Names(), RULES, 0)
    (one,) = judged.refused
    assert (one.place, one.sub_sequence, one.reason, one.payload) == (-1, 0, Reason.UNDECODABLE, data)
    assert why in one.detail
    assert len(judged.columns) == 1


def test_parts_whose_events_open_to_too_much_are_refused_from_there_on_and_judged_alone_by_a_replay(
    record: Make,
) -> None:
    # Given small parts, each an event of some MiB
    texts = [{**json.loads(reading()), "ts": NOW_MS + n, "value": "x" * 4000} for n in range(500)]
    packed = base64.b64encode(zstd.compress(json.dumps({"readings": texts}).encode())).decode()
    event = json.dumps({"specversion": "1.0", "data_base64": packed}).encode()
    whole = record(aggregated([("m1", event)] * 9), 5)
    judged = judge([whole], Names(), RULES, 0)

    # Then no more is opened than several records may open to, and the others wait
    assert len(judged.columns) == 2500
    assert judged.size > 5 * 2_000_000
    assert [(one.sub_sequence, one.place, one.payload) for one in judged.refused] == [
        (part, -1, event) for part in range(5, 9)
    ]
    with pytest.raises(TooMuch) as too_much:
        judge([record(reading(), 4), whole, record(reading(), 6)], Names(), RULES, 0)
    assert too_much.value.fits == 1
    with pytest.raises(TooMuch) as too_much:
        judge([whole, record(reading(), 6), record(b"?", 7)], Names(), RULES, 0)
    assert too_much.value.fits == 2
    rows = [Record(one.payload, str(number), one.arrived) for number, one in enumerate(judged.refused)]
    assert len(judge(rows, Names(), RULES, 0).columns) == 2000


@given(st.binary(max_size=80), st.integers(0, 200))
def test_any_message_with_a_right_checksum_comes_apart_or_is_handed_on(noise: bytes, place: int) -> None:
    whole = Record(sealed(GOOD_MESSAGE[:place] + noise + GOOD_MESSAGE[place:]), "1", NOW_MS / 1000)
    parts = user_records([whole])
    assert parts == [whole] or all(part.sequence_number == "1" for part in parts)
    judged = judge([whole], Names(), RULES, 0)
    assert len(judged.columns) + len(judged.refused) >= 1


def test_what_the_library_may_leave_in_or_out_changes_nothing(record: Make) -> None:
    tag = field(4, field(1, b"tag") + field(2, b"value"))
    message = (
        field(9, b"later") + field(1, b"m1") + field(3, field(2, 0) + field(1, 0) + field(3, reading()) + tag)
    )
    assert [part.data for part in user_records([record(sealed(message))])] == [reading()]


def test_parts_are_documents_of_every_form_and_stand_or_fall_alone(record: Make) -> None:
    envelope = b'{"readings":[%s,%s,{"ts":1}]}' % (reading(3), reading(4))
    forms = [reading(1), gzip.compress(reading(2)), zstd.compress(envelope), b"?", gzip.compress(b"x")[:-2]]
    judged = judge([record(aggregated([("m1", form) for form in forms]), 5)], Names(), RULES, 0)
    assert judged.columns.number.tolist() == [1, 2, 3, 4]
    assert [(one.sequence_number, one.sub_sequence, one.place, one.reason) for one in judged.refused] == [
        ("5", 2, 2, Reason.MALFORMED),
        ("5", 3, -1, Reason.UNDECODABLE),
        ("5", 4, -1, Reason.UNDECODABLE),
    ]
    assert judged.position == "5"


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
def test_a_part_that_is_packed_twice_is_no_document_as_a_record_of_its_own_is_none(
    record: Make, pack: Callable[[bytes], bytes]
) -> None:
    twice = pack(gzip.compress(reading(2)))
    whole = record(aggregated([("m1", reading(1)), ("m1", twice)]), 5)
    judged = judge([whole, record(twice, 6)], Names(), RULES, 0)
    assert judged.columns.number.tolist() == [1]
    assert [(one.sequence_number, one.sub_sequence, one.place, one.payload) for one in judged.refused] == [
        ("5", 1, -1, twice),
        ("6", 0, -1, twice),
    ]


def test_parts_that_open_to_too_much_together_are_refused_together(record: Make) -> None:
    large = zstd.compress(b'{"note":"%s"}' % (b"x" * 3 * 1024 * 1024))
    bomb = zstd.compress(bytes(1 << 24))
    for parts in ([large] * 3, [bomb] * 3, [bomb] * 5000):
        judged = judge([record(aggregated([("m1", part) for part in parts]))], Names(), RULES, 0)
        assert [(one.place, one.reason) for one in judged.refused] == [(-1, Reason.UNDECODABLE)]
        assert "opens to more than" in judged.refused[0].detail
    # One of them among others is refused alone.
    judged = judge([record(aggregated([("m1", bomb), ("m1", reading())]))], Names(), RULES, 0)
    assert (len(judged.columns), len(judged.refused)) == (1, 1)


def test_countless_parts_are_refused_together(record: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_USER_RECORDS", 3)
    judged = judge([record(aggregated([("m1", reading())] * 4))], Names(), RULES, 0)
    assert "more than 3 user records" in judged.refused[0].detail


def test_no_batch_ends_within_an_aggregated_record(record: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "MOST_READINGS", 5)
    envelope = b'{"readings":[%s,%s]}' % (reading(1), reading(2))
    whole = aggregated([("m1", envelope), ("m1", reading(3))] * 3)
    records = [record(envelope, 1), record(whole, 2), record(whole, 3)]
    with pytest.raises(TooMuch) as too_much:
        judge(records, Names(), RULES, 0)
    assert too_much.value.fits == 1
    # One record is taken whole, however much it holds.
    assert len(judge(records[1:2], Names(), RULES, 0).columns) == 9


def test_records_that_open_to_too_much_are_divided_before_all_are_opened(record: Make) -> None:
    large = zstd.compress(b'{"note":"%s"}' % (b"x" * 3 * 1024 * 1024))
    records = [record(aggregated([("m1", large)] * 2), number) for number in range(1000)]
    with pytest.raises(TooMuch) as too_much:
        judge(records, Names(), RULES, 0)
    assert too_much.value.fits == 1
    assert len(judge(records[:1], Names(), RULES, 0).refused) == 2


def test_the_magic_and_the_checksum_are_the_formats_own() -> None:
    assert (OF_AWS[:4], OF_AWS[-16:]) == (MAGIC, md5(OF_AWS[4:-16], usedforsecurity=False).digest())


def test_a_partition_key_that_postgresql_cannot_store_harms_no_refusal() -> None:
    inside = aggregated([("m17\0", b"no document")])
    refused = judge([Record(inside, "1", 1.0, 0, "a")], Names(), RULES, 0).refused
    assert [one.partition_key for one in refused] == ["m17␀"]
