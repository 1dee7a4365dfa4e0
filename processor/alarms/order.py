"""Which readings are judged: those that come in order, so that no border between batches can be felt.

A point's state goes from reading to reading in the order of (ts, seq), and never back. A reading is judged
when its key is after every key of the same point that reached us in an earlier record; what is late is
stored and counted in the rollups, but moves no detector. A record is never divided between transactions, so
within one the order is free. The rule looks at the order in which records came and at nothing else: the same
records in other batches, sent again, or read again by another owner, are judged alike.

History (`hist: true`) has an order of its own: a point and its history are two subjects.
"""

from dataclasses import dataclass

import numpy as np

from processor.alarms.segments import Segments
from processor.columns import Bool, Float64, Int32, Int64
from processor.quality import BAD
from processor.storage.rows import Rows, same_as_before


@dataclass(frozen=True)
class Readings:
    """In the order of (point, ts, seq). `record`: the place of the record that brought it, by arrival;
    `arrived`: when that record reached the stream, in µs since 1970."""

    point: Int32
    ts: Int64
    seq: Int64
    value: Float64
    record: Int64
    arrived: Int64

    def take(self, rows: Int64 | Bool) -> "Readings":
        """These, in this order."""
        return Readings(
            point=self.point[rows],
            ts=self.ts[rows],
            seq=self.seq[rows],
            value=self.value[rows],
            record=self.record[rows],
            arrived=self.arrived[rows],
        )


@dataclass(frozen=True)
class Batch:
    """Readings that may be judged, each subject's together. `subjects`: of each run, in ascending order."""

    readings: Readings
    subjects: Int64
    runs: Segments

    def take(self, rows: Bool) -> "Batch":
        """These readings, and the subjects that have one of them."""
        run = self.runs.run[rows]
        new = changes(run)
        lengths = np.diff(np.flatnonzero(new), append=len(run))
        return Batch(self.readings.take(rows), self.subjects[run[new]], Segments(lengths))


def batch_of(rows: Rows, arrivals: Int64) -> Batch:
    """Of all the rows, in the order of the key, those with a number (a flag is 0 or 1) that is not bad.

    arrivals: of each record, by the place that the rows name, in µs since 1970. Of rows with one key the
    first is judged, whatever the table will take: it is the one that came first, also when the next one
    comes with another batch.
    """
    readings, history = _usable(rows, arrivals)
    subject = subjects_of(readings.point, history)
    if history.any():
        order = np.argsort(subject, kind="stable")
        readings, subject = readings.take(order), subject[order]
    repeated = same_as_before(subject, readings.ts, readings.seq)
    if repeated.any():
        readings, subject = readings.take(~repeated), subject[~repeated]
    starts = np.flatnonzero(changes(subject))
    return Batch(readings, subject[starts], Segments(np.diff(starts, append=len(subject))))


def subjects_of(point: Int32, history: Bool) -> Int64:
    """Of readings."""
    return point.astype(np.int64) * 2 + history


def changes(column: Int64 | Int32) -> Bool:
    """Where another one begins."""
    new = np.ones(len(column), np.bool_)
    np.not_equal(column[1:], column[:-1], out=new[1:])
    return new


def _usable(rows: Rows, arrivals: Int64) -> tuple[Readings, Bool]:
    columns = rows.columns
    readings = Readings(
        point=rows.point,
        ts=columns.ts,
        seq=columns.seq,
        value=columns.number,
        record=columns.record,
        arrived=arrivals[columns.record],
    )
    wanted = (columns.quality != BAD) & np.isfinite(columns.number)
    return (readings, columns.hist) if wanted.all() else (readings.take(wanted), columns.hist[wanted])


def in_order(readings: Readings, runs: Segments, last_ts: Int64, last_seq: Int64) -> Bool:
    """Which readings are judged. `last_*`: the key up to which each run's point has been judged already.

    A reading is late when a later one of its point came in an earlier record: when the least record among
    those behind it in its run is less than its own.
    """
    count = len(readings.ts)
    if not count:
        return np.zeros(0, np.bool_)
    begun, starts = runs.begun, runs.starts[runs.begun]
    first_ts, first_seq = readings.ts[starts], readings.seq[starts]
    new = (first_ts > last_ts[begun]) | ((first_ts == last_ts[begun]) & (first_seq > last_seq[begun]))
    if new.all() and _came_in_order(readings.record, starts):
        return np.ones(count, np.bool_)  # nearly always, and so much cheaper
    run = runs.run
    after = (readings.ts > last_ts[run]) | ((readings.ts == last_ts[run]) & (readings.seq > last_seq[run]))
    # From the end backwards every run's records lie below those of the run behind it: none sees another's.
    span = int(readings.record.max()) + 1
    place = readings.record + run * span
    least: Int64 = np.minimum.accumulate(place[::-1])[::-1]
    judged: Bool = after & (place <= least)
    return judged


def _came_in_order(record: Int64, starts: Int64) -> bool:
    """Whether within no run a later record brought what comes earlier."""
    fell = np.zeros(len(record), np.bool_)
    np.less(record[1:], record[:-1], out=fell[1:])
    fell[starts] = False
    return not fell.any()
