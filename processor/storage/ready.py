"""What a transaction will write, made before its turn comes: rows in their order, packed, with rollups."""

import json
import time
from dataclasses import dataclass, replace

import numpy as np

from processor.alarms.watch import Outcome
from processor.columns import Columns, Int32
from processor.rollup import rollups_of
from processor.storage.insert import Block, pack_blocks
from processor.storage.points import Points
from processor.storage.rollups import Addition, pack_rollups
from processor.storage.rows import Rows, distinct, sorted_rows


@dataclass(frozen=True)
class Ready:
    """True as long as the session is that these points belong to.

    `every`: in the order of the key, with those that have the key of another one; `rows`: without them.
    `blocks` and `rollups` are of all the rows: where some of those are in the table already they do not hold.
    `outcome`: what the rules of alarms say, if that could be told before its turn.
    """

    points: Points
    every: Rows
    rows: Rows
    blocks: list[Block]
    rollups: list[Addition]
    outcome: Outcome | None = None


def make_ready(columns: Columns, points: Points, point: Int32) -> Ready:
    """point: the number of each row's point."""
    every = sorted_rows(point, with_units(columns, points))
    rows = distinct(every)
    blocks = pack_blocks(rows, time.time_ns() // 1000)
    return Ready(points, every, rows, blocks, pack_rollups(rollups_of(rows)))


def with_units(columns: Columns, points: Points) -> Columns:
    """Keep the unit of a reading that contradicts its point's, or two scales would mix unseen."""
    if not points.otherwise:
        return columns
    contradicting = np.flatnonzero(np.isin(columns.slot, list(points.otherwise)))
    if not len(contradicting):
        return columns
    extra = np.full(len(columns), None, np.object_) if columns.extra is None else columns.extra.copy()
    for row in contradicting:
        fields = json.loads(extra[row] or b"{}")
        extra[row] = json.dumps({**fields, "unit": points.names.units[columns.slot[row]]}).encode()
    return replace(columns, extra=extra)
