"""The processor's judgement of a batch against the contract's, reading by reading."""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from fuzz.contract import NEWEST_MINUTES, OLDEST_DAYS, Expected, Refusal, expected, readings
from processor.columns import Columns, Kind
from processor.names import Names
from processor.pipeline import judge
from processor.source.records import Record
from processor.storage.store import Judged
from processor.validate import Rules

ARRIVED = 1_763_897_519.0
RULES = Rules(oldest_days=OLDEST_DAYS, newest_minutes=NEWEST_MINUTES)
WHOLE = -1


class Disagreement(AssertionError):
    """The processor stored or refused what the contract does not say."""


def check(documents: Sequence[bytes]) -> None:
    """Judge these records as one batch. Raises Disagreement; whatever else is raised is a defect as well."""
    records = [Record(data, str(number), ARRIVED) for number, data in enumerate(documents)]
    names = Names()
    judged = judge(records, names, RULES, 0)
    refused: defaultdict[str, set[int]] = defaultdict(set)
    for one in judged.refused:
        if one.place in refused[one.sequence_number]:
            raise Disagreement(f"record {one.sequence_number} place {one.place} is refused twice")
        refused[one.sequence_number].add(one.place)
    due: list[Expected] = []
    for record in records:
        due += _due(record, refused[record.sequence_number])
    found = list(_stored(judged, names))
    if len(due) != len(found):
        raise Disagreement(f"{len(due)} readings are due, {len(found)} are stored")
    for must, is_ in zip(due, found, strict=True):
        if not _same(must, is_):
            raise Disagreement(f"must be {must}, is {is_}")


def _due(record: Record, refused: set[int]) -> list[Expected]:
    """What is to be stored of one record; what is refused of it must be what is to be refused."""
    due: list[Expected] = []
    bad: dict[int, str] = {}
    try:
        inside = readings(record.data)
    except Refusal as why:
        inside, bad = [], {WHOLE: str(why)}
    for place, reading in enumerate(inside):
        try:
            due.append(expected(reading, record.arrived))
        except Refusal as why:
            bad[place] = str(why)
    if bad.keys() != refused:
        raise Disagreement(f"to be refused: {bad}, and it was {sorted(refused)}, of {record.data!r}")
    return due


def _stored(judged: Judged, names: Names) -> Sequence[Expected]:
    columns = judged.columns
    return [
        Expected(
            path=names.paths[columns.slot[row]],
            ts=int(columns.ts[row]),
            value=_value(columns, row),
            quality=int(columns.quality[row]),
            status=int(columns.status[row]),
            seq=int(columns.seq[row]) if columns.seq[row] >= 0 else None,
            hist=bool(columns.hist[row]),
        )
        for row in range(len(columns))
    ]


def _value(columns: Columns, row: int) -> Any:
    kind = Kind(columns.kind[row])
    if kind is Kind.TEXT:
        return None if columns.text is None else columns.text[row]
    if kind is Kind.FLAG:
        return bool(columns.number[row])
    return float(columns.number[row]) if kind is Kind.NUMBER else None


def _same(must: Expected, is_: Expected) -> bool:
    # 1 == True, and -0.0 == 0.0: types and signs count.
    if type(must.value) is not type(is_.value):
        return False
    if isinstance(must.value, float) and isinstance(is_.value, float):
        return must == is_ and math.copysign(1, must.value) == math.copysign(1, is_.value)
    return must == is_
