"""The daemon's records are those that the processor would have read itself."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.engine import messages, records
from processor.engine.records import behind, records_of, slices
from processor.names import Names
from processor.pipeline import judge
from processor.source.records import Record
from processor.validate import Rules
from tests.unit.processor.conftest import NOW, aggregated

DEVICE = "acme/lon1/press/line2/cell4/m17"
USERS = st.lists(
    st.tuples(
        st.sampled_from(["", "a", "m17", DEVICE, f"{DEVICE}8"]),
        st.sampled_from(
            [
                *(
                    json.dumps({"path": f"{DEVICE}/temp", "ts": 1_763_897_519_000 + n, "value": n}).encode()
                    for n in range(3)
                ),
                b'{"path": "nowhere", "ts": 1763897519000, "value": 1}',
                b"no document",
                b"",
            ]
        ),
    ),
    min_size=2,
    max_size=6,
)


def told(record: Record) -> messages.Record:
    return messages.Record(
        record.data,
        record.sequence_number,
        record.partition_key,
        round(record.arrived * 1000),
        record.sub_sequence,
    )


def judged(given: Sequence[Record]) -> tuple[object, ...]:
    names = Names()
    found = judge(given, names, Rules(7, 10), 0)
    columns = found.columns
    paths = [names.paths[slot] for slot in columns.slot]
    return sorted(found.refused), paths, columns.ts.tolist(), columns.number.tolist(), found.position


def test_a_record_is_handed_on_as_it_is() -> None:
    given = [Record(b"x", "7", 1.5, 0, "m17"), Record(b"y", "8", 2.0, 0, DEVICE)]
    assert records_of([told(one) for one in given], NOW) == given


def test_what_the_daemon_leaves_out_is_made_up_for() -> None:
    (record,) = records_of([messages.Record(b"x", "7")], NOW)
    assert record == Record(b"x", "7", NOW, 0, "")


@given(USERS, st.sampled_from(["a", "m17"]))
def test_an_aggregated_record_is_judged_alike_whole_and_taken_apart(
    users: list[tuple[str, bytes]], key: str
) -> None:
    whole = Record(aggregated(users), "7", NOW, 0, key)
    plain = Record(b"no document", "8", NOW, 0, "m17")
    parts = [told(Record(data, "7", NOW, place, inner)) for place, (inner, data) in enumerate(users)]
    assert judged(records_of([*parts, told(plain)], NOW)) == judged([whole, plain])


def test_parts_of_one_record_become_one_so_that_no_batch_ends_between_them() -> None:
    parts = [told(Record(b"%d" % place, "7", NOW, place, "m")) for place in range(3)]
    other = told(Record(b"x", "8", NOW, 0, "m"))
    assert [one.sequence_number for one in records_of([*parts, other], NOW)] == ["7", "8"]


@pytest.mark.parametrize(
    ("position", "left"),
    [(None, ["9", "10", "11"]), ("8", ["9", "10", "11"]), ("9", ["10", "11"]), ("10", ["11"]), ("11", [])],
)
def test_what_is_stored_already_is_skipped_by_number_and_not_by_text(
    position: str | None, left: list[str]
) -> None:
    given = [Record(b"", number, NOW) for number in ("9", "10", "11")]
    assert [one.sequence_number for one in behind(given, position)] == left


@given(st.lists(st.integers(0, 30), min_size=1, max_size=20))
def test_slices_hold_every_record_once_and_little_at_a_time(sizes: list[int]) -> None:
    given = [Record(b"x" * size, str(number), NOW) for number, size in enumerate(sizes)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "DECODED_AT_ONCE", 40)
        runs = list(slices(given))
    assert [one for run in runs for one in run] == given
    assert all(run and sum(len(one.data) for one in run) <= 40 for run in runs)
