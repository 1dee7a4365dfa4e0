"""What is a message, and what is none."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.engine import messages
from processor.engine.messages import (
    Checkpoint,
    Checkpointed,
    Initialize,
    LeaseLost,
    ProcessRecords,
    ProtocolError,
    ShardEnded,
    ShutdownRequested,
    Status,
    action_of,
    read,
    written,
)
from processor.source.records import Record
from tests.unit.processor.engine.daemon import as_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda each: st.lists(each) | st.dictionaries(st.text(), each),
)


def line(**message: object) -> bytes:
    return json.dumps(message).encode()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"action": "initialize", "shardId": "shard-0", "sequenceNumber": "7", "subSequenceNumber": 2},
            Initialize("shard-0", "7", 2),
        ),
        (
            {"action": "initialize", "shardId": "shard-0", "sequenceNumber": None, "subSequenceNumber": None},
            Initialize("shard-0"),
        ),
        ({"action": "processRecords", "records": [], "millisBehindLatest": 5}, ProcessRecords([], 5)),
        ({"action": "leaseLost"}, LeaseLost()),
        ({"action": "shardEnded"}, ShardEnded()),
        ({"action": "shutdownRequested"}, ShutdownRequested()),
        (
            {
                "action": "checkpoint",
                "sequenceNumber": "7",
                "subSequenceNumber": 0,
                "error": "ThrottlingException",
            },
            Checkpointed("7", 0, "ThrottlingException"),
        ),
    ],
)
def test_each_message_is_read_and_answered_by_its_name(
    given: dict[str, Any], message: messages.Message
) -> None:
    assert read(line(**given)) == message
    assert action_of(message) == given["action"]
    assert read(line(**given, new="field of a later version")) == message


@given(st.binary(), st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 2**63 - 1))
def test_a_record_comes_as_its_bytes(data: bytes, key: str, part: int) -> None:
    record = Record(data, "49", 1.5, part, key)
    message = read(line(action="processRecords", millisBehindLatest=None, records=[as_json(record)]))
    assert message == ProcessRecords([messages.Record(data, "49", key, 1500, part)])


def test_what_the_child_says_is_one_line_with_the_names_that_the_daemon_knows() -> None:
    assert json.loads(written(Status("initialize"))) == {"action": "status", "responseFor": "initialize"}
    assert json.loads(written(Checkpoint("7", 2))) == {
        "action": "checkpoint",
        "sequenceNumber": "7",
        "subSequenceNumber": 2,
    }
    assert json.loads(written(Checkpoint()))["sequenceNumber"] is None
    assert written(Status("\n")).count(b"\n") == 1


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"leaseLost"',
        b'{"action": "leaseLost"} {"action": "leaseLost"}',
        b'{"action": "leaseLost"',
        b"{}",
        b'{"action": null}',
        b'{"action": "shutdown", "reason": "TERMINATE"}',  # of a version before this protocol
        b'{"action": "status", "responseFor": "initialize"}',  # ours, not the daemon's
        b'{"action": "initialize"}',
        b'{"action": "initialize", "shardId": 7}',
        b'{"action": "processRecords"}',
        b'{"action": "processRecords", "records": null}',
        b'{"action": "processRecords", "records": [{"sequenceNumber": "1"}]}',
        b'{"action": "processRecords", "records": [{"data": "", "sequenceNumber": 1}]}',
        b'{"action": "processRecords", "records": [{"data": "!", "sequenceNumber": "1"}]}',
        b'{"action": "processRecords", "records": [{"data": null, "sequenceNumber": "1"}]}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_a_line_that_is_no_message_is_refused_with_its_size_and_its_beginning(wrong: bytes) -> None:
    with pytest.raises(ProtocolError, match=f"a line of {len(wrong)} bytes is no message") as refusal:
        read(wrong)
    assert len(str(refusal.value)) < 1500


@given(JSON)
def test_whatever_json_comes_is_a_message_or_refused(anything: object) -> None:
    try:
        message = read(json.dumps(anything).encode())
    except ProtocolError:
        return
    assert isinstance(anything, dict) and action_of(message) == anything["action"]


@given(st.integers(1, 200), st.binary(min_size=1, max_size=3))
def test_a_message_with_damage_in_it_is_refused_or_whole(place: int, damage: bytes) -> None:
    record = as_json(Record(b"x" * 30, "49", 1.0, 0, "m17"))
    good = line(action="processRecords", millisBehindLatest=0, records=[record])
    spoiled = good[:place] + damage + good[place + len(damage) :]
    try:
        message = read(spoiled)
    except ProtocolError:
        return
    assert isinstance(message, messages.Message)
