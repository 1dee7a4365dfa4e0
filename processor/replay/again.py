"""Judging refused readings again: which leave the quarantine, and which stay with what verdict. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from processor.names import Names
from processor.pipeline import judge
from processor.quarantine import WHOLE_RECORD, Refused, storable
from processor.source.records import Record, as_many
from processor.storage.store import Judged
from processor.validate import Rules


class Row(NamedTuple):
    """One row of the quarantine; the first four are its key within the stream."""

    shard: str
    sequence_number: str
    sub_sequence: int
    place: int
    reason: str
    detail: str
    payload: bytes
    arrived: float  # seconds since 1970
    partition_key: str

    @property
    def key(self) -> tuple[str, str, int, int]:
        """What it is found by."""
        return self[:4]


@dataclass(frozen=True)
class Again:
    """The verdict on some rows, all of one shard or not.

    `judged` holds the readings that pass now. `settled`: rows that leave the quarantine, or come back
    under another verdict. `refused`: (shard, verdict) of what is to be in the quarantine afterwards and is
    not there as it is. `still`: row → the new verdicts on what is in it.
    """

    judged: Judged
    settled: list[Row]
    refused: list[tuple[str, Refused]]
    still: dict[Row, list[Refused]]


def judge_again(rows: Sequence[Row], names: Names, rules: Rules) -> tuple[Again, int]:
    """The verdict on the first of these rows, as many as one transaction should hold; how many they were."""
    return as_many(len(rows), lambda count: _again(rows[:count], names, rules))


def _again(rows: Sequence[Row], names: Names, rules: Rules) -> Again:
    # Rows of one record may stand side by side, so each is a record of its own, numbered by its place here.
    records = [
        Record(row.payload, str(place), row.arrived, 0, row.partition_key) for place, row in enumerate(rows)
    ]
    judged = judge(records, names, rules, 0)
    still: dict[Row, list[Refused]] = {}
    for verdict in judged.refused:
        row = rows[int(verdict.sequence_number)]
        still.setdefault(row, []).append(_placed(row, verdict))
    unchanged = {row for row, verdicts in still.items() if any(_as_before(row, one) for one in verdicts)}
    return Again(
        judged=judged,
        settled=[row for row in rows if row not in unchanged],
        refused=[
            (row.shard, verdict)
            for row, verdicts in still.items()
            for verdict in verdicts
            if not _as_before(row, verdict)
        ],
        still=still,
    )


def _placed(row: Row, verdict: Refused) -> Refused:
    """In the record that the row came from: a part of an aggregated one, a reading of an envelope."""
    return verdict._replace(
        sequence_number=row.sequence_number,
        sub_sequence=row.sub_sequence + verdict.sub_sequence,
        place=verdict.place if row.place == WHOLE_RECORD else row.place,
    )


def _as_before(row: Row, verdict: Refused) -> bool:
    key = (verdict.sequence_number, verdict.sub_sequence, verdict.place)
    return (*key, verdict.reason.value, storable(verdict.detail)) == row[1:6]
