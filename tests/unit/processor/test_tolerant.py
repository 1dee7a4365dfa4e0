"""Malformed input of every kind is a row or a refusal with its reason; the rest of the record is stored."""

import base64
import codecs
import gzip
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from processor.columns import Columns
from processor.names import Names
from processor.pipeline import judge
from processor.quarantine import Reason, Refused
from processor.source.records import Record
from processor.validate import Rules

Make = Callable[..., Record]
PATH = "acme/lon1/press/line2/cell4/m17/spindle_temp"
NOW_MS = 1_763_897_519_000
GOOD: dict[str, Any] = {"path": PATH, "ts": NOW_MS, "value": 73.9, "q": 192, "unit": "Cel", "seq": 4711}
EVENT = {"specversion": "1.0", "id": "1", "source": "gw", "type": "reading"}


def judged(*data: bytes) -> tuple[Columns, list[Refused]]:
    records = [Record(one, str(number), NOW_MS / 1000) for number, one in enumerate(data, 1)]
    result = judge(records, Names(), Rules(7, 10), 0)
    return result.columns, result.refused


def packed(document: object) -> str:
    return base64.b64encode(gzip.compress(json.dumps(document).encode())).decode()


@pytest.mark.parametrize(
    "event",
    [
        {**EVENT, "data": GOOD},
        {**EVENT, "data": {"readings": [GOOD]}, "datacontenttype": "application/json"},
        {**EVENT, "data": json.dumps(GOOD), "datacontenttype": "text/plain"},
        {**EVENT, "data_base64": packed(GOOD)},
        {**EVENT, "data_base64": packed({"readings": [GOOD]}), "datacontenttype": "application/gzip"},
        {**EVENT, "data_base64": base64.b64encode(zstd.compress(json.dumps(GOOD).encode())).decode()},
    ],
)
def test_the_body_may_stand_in_a_cloudevents_document(event: dict[str, object]) -> None:
    columns, refused = judged(json.dumps(event).encode(), gzip.compress(json.dumps(event).encode()))
    assert refused == []
    assert columns.number.tolist() == [73.9, 73.9]


@pytest.mark.parametrize(
    ("document", "why"),
    [
        # Declared as JSON, text is a JSON string (spec 1.0.2, 3.1.2), and no reading.
        ({**EVENT, "data": json.dumps(GOOD)}, "a JSON object is expected"),
        (
            {**EVENT, "data": json.dumps(GOOD), "datacontenttype": "a/b+json; x=y"},
            "a JSON object is expected",
        ),
        ({**EVENT, "data": "<xml/>", "datacontenttype": "text/xml"}, "line 1 column 1"),
        ({**EVENT, "data": None}, "a JSON object is expected"),
        ({**EVENT}, "without data"),
        ({**EVENT, "data_base64": "§"}, "not base64"),
        ({**EVENT, "data_base64": "AAAA"}, "Expecting value"),
        ({**EVENT, "data_base64": base64.b64encode(gzip.compress(bytes(1 << 23))).decode()}, "opens to more"),
        ([{**EVENT, "data": GOOD}], "a record of its own"),
        ({**EVENT, "data": {**EVENT, "data": GOOD}}, "missing required field"),
    ],
)
def test_what_is_no_body_of_a_cloudevents_document_is_told(document: object, why: str) -> None:
    columns, (one,) = judged(json.dumps(document).encode())
    assert len(columns) == 0
    assert why in one.detail


@pytest.mark.parametrize("bom", [codecs.BOM_UTF8, b""])
@pytest.mark.parametrize("form", ["utf-8", "utf-16", "utf-16-le", "utf-32-be"])
def test_documents_in_any_encoding_that_shows_itself_are_heard(form: str, bom: bytes) -> None:
    text = json.dumps({**GOOD, "unit": "°C"}, ensure_ascii=False)
    columns, refused = judged((bom if form == "utf-8" else b"") + text.encode(form))
    assert refused == []
    assert columns.number.tolist() == [73.9]


@pytest.mark.parametrize("more", [b"", b',"batch":7'])
def test_of_a_name_that_comes_twice_the_last_one_counts(more: bytes) -> None:
    # RFC 8259, 4, leaves it open; both decoders must say the same, or unknown fields would change a value.
    text = b'{"path":"a","ts":%d,"value":1,"path":"%s","value":2%s}' % (NOW_MS, PATH.encode(), more)
    columns, refused = judged(text, b'{"readings":[1],"readings":[%s]}' % text)
    assert refused == []
    assert columns.number.tolist() == [2, 2]


WHOLE = json.dumps({"v": 1, "src": "gw-7", "readings": [GOOD, {**GOOD, "value": "on"}, {**GOOD, "q": "BAD"}]})
FORMS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "zstd": zstd.compress,
    "event": lambda data: b'{"specversion":"1.0","data":%s}' % data,
}
SCRAPS = st.sampled_from(
    [
        *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"null", b"NaN", b"-Infinity", b"1e999", b"true"),
        *(b"1" * 5000, b"\0", b"\\u0000", b"\\ud800", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe", b"{}"),
        *(b'"readings":', b'"specversion":', b"[" * 2000, b"9" * 30, b"-1", b'"ts":"2025-11-23T11:31:60Z"'),
    ]
)


@given(
    place=st.integers(0, len(WHOLE)), cut=st.integers(0, 40), scrap=SCRAPS, form=st.sampled_from(list(FORMS))
)
def test_a_document_that_is_changed_anywhere_ends_as_rows_and_refusals(
    place: int, cut: int, scrap: bytes, form: str
) -> None:
    text = WHOLE.encode()
    damaged = FORMS[form](text[:place] + scrap + text[place + cut :])
    columns, refused = judged(damaged, FORMS["plain"](text))
    check(columns, refused)
    # Its neighbour is stored, whatever it is.
    assert len(columns) >= 3


@given(st.sampled_from(list(FORMS)), st.integers(0, 400))
def test_a_document_that_is_cut_off_is_refused_whole(form: str, length: int) -> None:
    whole = FORMS[form](WHOLE.encode())
    columns, refused = judged(whole[: min(length, len(whole) - 1)])
    assert len(columns) == 0
    assert [(one.place, one.reason) for one in refused] == [(-1, Reason.UNDECODABLE)]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.dictionaries(
        st.sampled_from(
            ["v", "id", "sent", "readings", "specversion", "data", "data_base64", "path", "ts", "value"]
        ),
        json_values | st.just([GOOD]) | st.just(GOOD) | st.just("1.0"),
    )
)
def test_any_object_is_rows_or_refusals(document: dict[str, Any]) -> None:
    check(*judged(json.dumps(document).encode()))


def check(columns: Columns, refused: list[Refused]) -> None:
    assert len(columns) + len(refused) >= 1
    assert all(one.detail and one.sequence_number for one in refused)
    assert len({one[:3] for one in refused}) == len(refused)
    assert not np.isinf(columns.number).any()
    # What is refused can be judged again, and is refused again.
    for one in refused:
        again, still = judged(one.payload)
        if one.place >= 0:
            assert (len(again), [verdict.reason for verdict in still]) == (0, [one.reason])
