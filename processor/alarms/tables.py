"""The outcome of a batch in the tables: states and events, in the transaction that stores its readings."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from psycopg import Connection

from processor.alarms.memory import Packed
from processor.alarms.watch import Outcome, Told
from processor.columns import Bool
from processor.queries import load_queries
from processor.storage.binary import Doubles, Integers, Timestamps

_QUERIES = load_queries()


def states_of(connection: Connection[Any], devices: Sequence[str]) -> list[Packed]:
    """What is remembered of these devices, under all versions of all rules."""
    found = connection.execute(_QUERIES["alarm_states"], {"devices": list(devices)})
    return [Packed(*row) for row in found]


def write(connection: Connection[Any], outcome: Outcome) -> None:
    """In the caller's transaction: nothing is committed here."""
    rows = outcome.rows
    if not rows:
        return
    given = {
        "devices": [row.device for row in rows],
        "rules": [row.rule for row in rows],
        "versions": [row.version for row in rows],
        "subjects": [row.subjects for row in rows],
        "states": [row.states for row in rows],
    }
    connection.execute(_QUERIES["keep_alarm_states"], given)
    for told in outcome.told:
        raised = told.judgement.raised
        if raised.any():
            connection.execute(_QUERIES["raise_alarms"], _raised(told, raised))
        if not raised.all():
            connection.execute(_QUERIES["clear_alarms"], _cleared(told, ~raised))


def _raised(told: Told, which: Bool) -> dict[str, object]:
    judgement = told.judgement
    return {
        **_cleared(told, which),
        "since": Timestamps(judgement.since[which]),
        "value": Doubles(judgement.value[which]),
        "figure": Doubles(judgement.figure[which]),
    }


def _cleared(told: Told, which: Bool) -> dict[str, object]:
    return {
        "rule": told.watched.rule,
        "version": told.watched.version,
        "point": Integers(told.point[which].astype(np.int32)),
        "at": Timestamps(told.judgement.at[which]),
        "history": (told.history[which] == 1).tolist(),
    }
