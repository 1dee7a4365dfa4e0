"""The database's number for each point, made where it is missing, and what goes by those numbers."""

from typing import Any

import numpy as np
from psycopg import Connection

from processor.alarms.watches import Watches
from processor.columns import Columns, Int32, Kind
from processor.names import Names
from processor.queries import load_queries

_QUERIES = load_queries()
_TYPES = {Kind.NUMBER: "number", Kind.FLAG: "flag", Kind.TEXT: "text", Kind.NOTHING: "unknown"}


class Points:
    """What one connection knows of the point table; thrown away with it, since a restored one may differ."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.watches = Watches(names.paths)
        self.otherwise: set[int] = set()  # slots whose unit is not the point's
        self._ids: Int32 = np.zeros(0, np.int32)
        self._untyped: set[int] = set()  # slots that have shown no value yet

    def known(self, columns: Columns) -> Int32 | None:
        """The point of each row; None when one has to be asked for. May be called from any thread."""
        ids = self._ids
        if self._untyped or (len(columns) and int(columns.slot.max()) >= len(ids)):
            return None
        point: Int32 = ids[columns.slot]
        return point if point.all() else None

    def resolve(self, connection: Connection[Any], columns: Columns) -> Int32:
        """The point of each row. New ones are committed at once: they hold no lock and do no harm alone."""
        if len(self._ids) < len(self.names.paths):
            grown = np.zeros(len(self.names.paths), np.int32)
            grown[: len(self._ids)] = self._ids
            self._ids = grown
        point = self._of(columns)
        if point.all() and not self._untyped:
            return point
        slots, rows = np.unique(columns.slot, return_index=True)
        unknown = self._ids[slots] == 0
        if self._untyped:
            typed = np.isin(slots, list(self._untyped)) & (columns.kind[rows] != Kind.NOTHING)
            self._untyped.difference_update(slots[typed].tolist())
            unknown |= typed
        if unknown.any():
            kinds = columns.kind[rows[unknown]].tolist()
            self._learn(connection, dict(zip(slots[unknown].tolist(), kinds, strict=True)))
        return self._of(columns)

    def _of(self, columns: Columns) -> Int32:
        point: Int32 = self._ids[columns.slot]
        return point

    def _learn(self, connection: Connection[Any], kinds: dict[int, int]) -> None:
        paths = [self.names.paths[slot] for slot in kinds]
        units = [self.names.units[slot] for slot in kinds]
        given = {"paths": paths, "units": units, "types": [_TYPES[Kind(kind)] for kind in kinds.values()]}
        with connection.transaction():
            connection.execute(_QUERIES["add_points"], given)
            connection.execute(_QUERIES["describe_points"], given)
            found = connection.execute(_QUERIES["find_points"], given).fetchall()
        known = {path: (point, unit) for path, point, unit in found}
        for slot, path, unit in zip(kinds, paths, units, strict=True):
            point, declared = known[path]
            if kinds[slot] == Kind.NOTHING:
                self._untyped.add(slot)
            if unit is not None and unit != declared:
                self.otherwise.add(slot)
            self._ids[slot] = point  # last: who sees it from another thread sees all that belongs to it
