"""Columns made ready for the table: with the database's points, sorted by the key, each identity once."""

from dataclasses import dataclass, replace

import numpy as np

from processor.columns import Bool, Columns, Int32, Int64


@dataclass(frozen=True)
class Rows:
    """Readings in the order of the primary key (point, ts, seq)."""

    point: Int32
    columns: Columns

    def __len__(self) -> int:
        return len(self.point)

    def take(self, rows: Int64 | Bool) -> "Rows":
        """These rows, in this order."""
        return replace(self, point=self.point[rows], columns=self.columns.take(rows))


def sorted_rows(point: Int32, columns: Columns) -> Rows:
    """Sorted by the key, so that a batch touches each page of the index once; of one key the first leads."""
    return Rows(point, columns).take(np.lexsort((columns.seq, columns.ts, point)))


def distinct(rows: Rows) -> Rows:
    """Without repetition: of each key the first."""
    repeated = same_as_before(rows.point, rows.columns.ts, rows.columns.seq)
    return rows.take(~repeated) if repeated.any() else rows


def same_as_before(*keys: Int32 | Int64) -> Bool:
    """Which rows equal the row before them in every key."""
    same: Bool = np.zeros(len(keys[0]), np.bool_)
    if len(same) > 1:
        same[1:] = np.logical_and.reduce([key[1:] == key[:-1] for key in keys])
    return same
