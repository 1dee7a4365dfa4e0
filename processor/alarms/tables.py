"""The outcome of a batch in the tables: states and events, in the transaction that stores its readings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from psycopg import Connection, OperationalError

from processor.alarms.memory import Packed
from processor.alarms.order import changes
from processor.alarms.watch import Key, Outcome, Told
from processor.columns import Bool, Float64, Int64
from processor.queries import load_queries
from processor.storage.binary import Doubles, Integers, Timestamps

_QUERIES = load_queries()
_AT_ONCE = 1_000  # devices, whose states are asked for: some MB
_STANDS = 2**62  # µs, for what is not cleared


class Moved(OperationalError):
    """Devices spoke in another shard meanwhile: the session ends, and the next one asks for them anew."""


def take(connection: Connection[Any], devices: Sequence[str], stream: str, shard: str) -> None:
    """In the caller's transaction: from now on only who has this shard may write their states."""
    given = {"devices": list(devices), "stream": stream, "shard": shard}
    connection.execute(_QUERIES["take_alarm_states"], given)


def states_of(connection: Connection[Any], devices: Sequence[str], keys: Sequence[Key]) -> list[Packed]:
    """What is remembered of these devices, under these versions of rules."""
    found: list[Packed] = []
    versions = {"rules": [rule for rule, _ in keys], "versions": [version for _, version in keys]}
    with connection.cursor(binary=True) as cursor:
        for start in range(0, len(devices), _AT_ONCE):
            given = versions | {"devices": list(devices[start : start + _AT_ONCE])}
            found += [Packed(*row) for row in cursor.execute(_QUERIES["alarm_states"], given)]
    return found


def write(connection: Connection[Any], outcome: Outcome, stream: str, shard: str) -> None:
    """In the caller's transaction: nothing is committed here. stream, shard: in which the devices spoke.

    Raises Moved when another shard has taken some of them since they were asked for.
    """
    rows = outcome.rows
    if rows:
        given = {
            "devices": [row.device for row in rows],
            "rules": [row.rule for row in rows],
            "versions": [row.version for row in rows],
            "subjects": [row.subjects for row in rows],
            "states": [row.states for row in rows],
            "due": [row.due for row in rows],
            "stream": stream,
            "shard": shard,
        }
        kept = connection.execute(_QUERIES["keep_alarm_states"], given).rowcount
        if kept < len(rows):
            raise Moved(
                f"{len(rows) - kept} states of devices that speak in shard {shard} were taken by another one:"
                " they are asked for anew; a device that keeps one partition key keeps its shard"
            )
    write_events(connection, outcome.told)


def write_events(connection: Connection[Any], told: Sequence[Told]) -> None:
    """Changes alone, in the caller's transaction."""
    if told:
        _write_events(connection, _Changes.of(told))


@dataclass(frozen=True)
class _Changes:
    """Of a batch, under all rules, each subject's in the order of time. `run`: of one subject and rule."""

    run: Int64
    rule: Int64
    version: Int64
    point: Int64
    history: Bool
    raised: Bool
    at: Int64
    since: Int64
    value: Float64
    figure: Float64

    @classmethod
    def of(cls, told: Sequence[Told]) -> "_Changes":
        """Of all of these."""
        runs, before = [], 0
        for one in told:
            runs.append(one.judgement.run + before)
            before += len(one.judgement.states)
        counts = [len(one.judgement) for one in told]
        return cls(
            run=np.concatenate(runs),
            rule=np.repeat([one.watched.rule for one in told], counts),
            version=np.repeat([one.watched.version for one in told], counts),
            point=np.concatenate([one.point for one in told]),
            history=np.concatenate([one.history for one in told]),
            raised=np.concatenate([one.judgement.raised for one in told]),
            at=np.concatenate([one.judgement.at for one in told]),
            since=np.concatenate([one.judgement.since for one in told]),
            value=np.concatenate([one.judgement.value for one in told]),
            figure=np.concatenate([one.judgement.figure for one in told]),
        )

    def given(self, rows: Int64 | Bool) -> dict[str, object]:
        """What both statements need of these."""
        return {
            "rule": Integers(self.rule[rows]),
            "version": Integers(self.version[rows]),
            "point": Integers(self.point[rows]),
            "history": self.history[rows].tolist(),
        }


def _write_events(connection: Connection[Any], told: _Changes) -> None:
    """First what stood is cleared, then what is raised is added, with its end where that is known already."""
    first = changes(told.run)
    stood = first & ~told.raised
    if stood.any():
        given = told.given(stood) | {"at": Timestamps(told.at[stood])}
        connection.execute(_QUERIES["clear_alarms"], given)
    raised = np.flatnonzero(told.raised)
    if not len(raised):
        return
    # Of one subject raised and cleared take turns, so what follows a raise and is its subject's has ended it.
    after = np.minimum(raised + 1, len(told.run) - 1)
    ended = (after > raised) & (told.run[after] == told.run[raised])
    ends = np.where(ended, told.at[after], _STANDS)
    # Raised anew within one moment it is one alarm, whose last word counts.
    anew = np.zeros(len(raised), np.bool_)
    anew[1:] = (told.run[raised][1:] == told.run[raised][:-1]) & (
        told.since[raised][1:] == told.since[raised][:-1]
    )
    ends = ends[np.append(np.flatnonzero(~anew)[1:], len(raised)) - 1]
    begun = raised[~anew]
    given = told.given(begun) | {
        "since": Timestamps(told.since[begun]),
        "at": Timestamps(told.at[begun]),
        "ended": Timestamps(ends),
        "stands": (ends == _STANDS).tolist(),
        "value": Doubles(told.value[begun]),
        "figure": Doubles(told.figure[begun]),
    }
    connection.execute(_QUERIES["raise_alarms"], given)
