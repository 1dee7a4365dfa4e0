"""The processor's judgement of a batch against the contract's, reading by reading."""

import math
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from itertools import chain
from typing import Any

from fuzz.aggregation import parts
from fuzz.contract import NEWEST_MINUTES, OLDEST_DAYS, Expected, Refusal, expected, readings, surplus
from processor.columns import Columns, Kind
from processor.names import Names
from processor.pipeline import judge
from processor.source.records import Record, as_many
from processor.storage.store import Judged
from processor.validate import Rules

ARRIVED = 1_763_897_519.0
RULES = Rules(oldest_days=OLDEST_DAYS, newest_minutes=NEWEST_MINUTES)
WHOLE = -1
Place = tuple[int, int]  # which of the records that were put together, and which of its readings


class Disagreement(AssertionError):
    """The processor stored or refused what the contract does not say."""


def check(documents: Sequence[bytes]) -> None:
    """Judge these records together, in as few batches as they may be.

    Raises Disagreement; whatever else is raised is a defect as well.
    """
    records = [Record(data, str(number), ARRIVED) for number, data in enumerate(documents)]
    names = Names()
    judged: list[Judged] = []
    rest = records
    while rest:
        part, count = as_many(len(rest), partial(_judge, rest, names))
        judged.append(part)
        rest = rest[count:]
    refused: defaultdict[str, set[Place]] = defaultdict(set)
    for one in chain.from_iterable(part.refused for part in judged):
        place = (one.sub_sequence, one.place)
        if place in refused[one.sequence_number]:
            raise Disagreement(f"record {one.sequence_number} place {place} is refused twice")
        refused[one.sequence_number].add(place)
    due: list[Expected] = []
    for record in records:
        due += _due(record, refused[record.sequence_number])
    found = list(chain.from_iterable(_stored(part, names) for part in judged))
    if len(due) != len(found):
        raise Disagreement(f"{len(due)} readings are due, {len(found)} are stored")
    for must, is_ in zip(due, found, strict=True):
        if not _same(must, is_):
            raise Disagreement(f"must be {must}, is {is_}")


def _judge(records: Sequence[Record], names: Names, count: int) -> Judged:
    return judge(records[:count], names, RULES, 0)


def _due(record: Record, refused: set[Place]) -> list[Expected]:
    """What is to be stored of one record; what is refused of it must be what is to be refused."""
    due: dict[Place, Expected] = {}
    bad: dict[Place, str] = {}
    for number, part in enumerate(parts(record.data, record.partition_key)):
        try:
            inside = readings(part.data)
        except Refusal as why:
            inside, bad[number, WHOLE] = [], str(why)
        for place, reading in enumerate(inside):
            try:
                due[number, place] = expected(reading, record.arrived, part.key)
            except Refusal as why:
                bad[number, place] = str(why)
    for late, key in zip(surplus(list(due.values())), list(due), strict=True):
        if late:
            bad[key] = "days"
            del due[key]
    if bad.keys() != refused:
        raise Disagreement(f"to be refused: {bad}, and it was {sorted(refused)}, of {record.data!r}")
    return list(due.values())


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
