import json
from typing import Any

import pytest

from processor import refusals
from processor.quarantine import WHOLE_RECORD, Reason, Refused
from processor.refusals import Refusals
from processor.source.records import Record
from tests.unit.processor.conftest import aggregated

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
ARRIVED = 1_763_897_519.0
SECRET = "what-the-reading-says"


def record(number: int) -> Record:
    data = json.dumps({"traceparent": TRACE if number == 1 else "x", "readings": [SECRET]}).encode()
    return Record(data, str(number), ARRIVED)


def refused(number: int, place: int = 0, reason: Reason = Reason.PATH) -> Refused:
    return Refused(str(number), 0, place, reason, f"{SECRET} is refused", SECRET.encode(), ARRIVED)


def told(log: pytest.LogCaptureFixture, message: str) -> list[dict[str, Any]]:
    return [vars(line) for line in log.records if line.getMessage() == message]


def test_each_refused_reading_has_a_line_that_says_where_it_lies_and_whose_trace_it_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    wrong = [refused(1, 4), refused(2, WHOLE_RECORD, Reason.UNDECODABLE)]

    Refusals("readings").tell("shard-0", [record(1), record(2), record(3)], wrong)

    first, second = told(caplog, "reading refused")
    assert (first["stream"], first["shard"], first["sequence_number"], first["index"]) == (
        "readings",
        "shard-0",
        "1",
        4,
    )
    assert (first["reason"], first["traceparent"]) == ("path", TRACE)
    assert (second["reason"], second["index"], second["traceparent"]) == ("undecodable", -1, None)
    (summary,) = told(caplog, "readings refused")
    assert (summary["count"], summary["reasons"], summary["told"]) == (2, ["path", "undecodable"], 2)


def test_no_line_holds_what_a_reading_says(caplog: pytest.LogCaptureFixture) -> None:
    Refusals("readings").tell("shard-0", [record(1)], [refused(1)])
    assert len(caplog.records) == 2
    assert not [line for line in caplog.records if SECRET in str(vars(line))]


def test_a_flood_has_few_lines_and_is_counted_whole(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "MOST_LINES", 3)
    now = [0.0]
    lines = Refusals("readings", lambda: now[0])

    lines.tell("shard-0", [record(1)], [refused(1, place) for place in range(2)])
    lines.tell("shard-0", [record(1)], [refused(1, place) for place in range(5)])
    assert [line["told"] for line in told(caplog, "readings refused")] == [2, 1]
    lines.tell("shard-0", [record(1)], [refused(1)])
    now[0] = 60
    lines.tell("shard-0", [record(1)], [refused(1)])

    assert [line["told"] for line in told(caplog, "readings refused")] == [2, 1, 0, 1]
    assert sum(line["count"] for line in told(caplog, "readings refused")) == 9
    assert len(told(caplog, "reading refused")) == 4


def test_nothing_refused_is_nothing_said(caplog: pytest.LogCaptureFixture) -> None:
    Refusals("readings").tell("shard-0", [record(1)], [])
    assert caplog.records == []


def test_a_part_of_an_aggregated_record_has_its_own_trace(caplog: pytest.LogCaptureFixture) -> None:
    users = [("a", b"{}"), ("b", json.dumps({"traceparent": TRACE}).encode())]
    wrong = [refused(1), refused(1)._replace(sub_sequence=1)]

    Refusals("readings").tell("shard-0", [Record(aggregated(users), "1", ARRIVED)], wrong)

    assert [line["traceparent"] for line in told(caplog, "reading refused")] == [None, TRACE]
