"""Telling of silences while they last: what is due is looked up in the table, by the owner of a shard.

The table knows each device, also one that this owner has never heard: each row of alarm_state says in which
shard of which stream the device spoke last, and when the first of its points becomes silent. A shard that is
over, after the stream was divided anew, has no owner: a device of it may speak next in any shard, so any
owner tells, and only once all shards have been read that far.
"""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from psycopg import Connection

from processor.alarms.definition import DefinitionError, Silence, read
from processor.alarms.judge import Judgement
from processor.alarms.memory import Packed, unpacked
from processor.alarms.rules import LAST
from processor.alarms.silence import lapse, soonest
from processor.alarms.tables import write_events
from processor.alarms.watch import Key, Outcome, Told, Watched
from processor.queries import load_queries
from processor.source.position import Known

logger = logging.getLogger(__name__)
_QUERIES = load_queries()

# Of what has been read, so much is not taken for seen: our clock, the stamps of arrival, and the time until a
# record that was put can be got. A minute of either is far more than they have.
MARGIN_SECONDS = 60.0
# A stream keeps a record for 8760 hours at most, and one look takes less than a day:
# https://docs.aws.amazon.com/kinesis/latest/APIReference/API_IncreaseStreamRetentionPeriod.html
LONGEST_DAYS = 366
MOST_ROWS = 10_000  # of alarm_state in one transaction; the next look takes the next ones


@dataclass(frozen=True)
class Look:
    """How far has been read, in seconds since 1970: the owner's shard, the whole stream (None: unknown).

    asked: when the stream was asked, by time.monotonic.
    """

    shard: float
    stream: float | None
    asked: float

    def as_of(self, now: float) -> "Look":
        """By another's clock, the database's, too: who has a wrong one must not find everybody silent.

        now: seconds since 1970. The earlier counts.
        """
        asked = now - (time.monotonic() - self.asked)
        stream = None if self.stream is None else min(self.stream, asked)
        return replace(self, shard=min(self.shard, asked), stream=stream)


@dataclass(frozen=True)
class _Kept:
    """A row as it is to be written. `over`: its version is, and all of it is told."""

    row: Packed
    over: bool


def stream_seen(known: Mapping[str, Known], listed: Iterable[str], mine: str, seen: float) -> float | None:
    """Until when whatever reached a stream is stored, in seconds since 1970; None: not known of each shard.

    listed: the stream's shards, the closed ones, too. mine: one that was read up to `seen`.
    """
    known = {**known, mine: replace(known.get(mine, Known()), seen_at=seen)}
    open_ = [one for one in (known.get(name, Known()) for name in listed) if not one.ended]
    read_to = [one.read_to for one in open_]
    return None if None in read_to else min((at for at in read_to if at is not None), default=None)


def orphaned(connection: Connection[Any], stream: str, seen: float) -> bool:
    """Whether anything of shards that are over may be silent by then."""
    silences, shards = _silences(connection), dict.fromkeys(_left(connection, stream), seen)
    if not silences or not shards:
        return False
    return bool(connection.execute(_QUERIES["a_lapsed_state"], _given(silences, stream, shards)).fetchall())


def tell(connection: Connection[Any], stream: str, shard: str, look: Look) -> Outcome:
    """Raise what is silent by now, in the caller's transaction, which holds the shard."""
    silences = _silences(connection)
    left = [] if look.stream is None else _left(connection, stream)
    found = _due(connection, silences, stream, {**dict.fromkeys(left, look.stream or 0.0), shard: look.shard})
    outcome, kept = Outcome(), list[_Kept]()
    for row, watched, seen in found:
        if isinstance(watched.definition, Silence):
            try:
                after = _lapse(outcome, row, watched, watched.definition, seen)
            except ValueError as error:  # the others must be told, and it must not be met at each look
                logger.error("a silence cannot be told", extra={"device": row.device, "cause": str(error)})
                after = replace(row, due=None)
            kept.append(_Kept(after, over=watched.until <= seen))
    if kept:
        _keep(connection, kept)
        write_events(connection, outcome.told)
    return outcome


def _silences(connection: Connection[Any]) -> dict[Key, Watched]:
    """The versions that look for silence; a later release's is left out, as by those who judge."""
    found: dict[Key, Watched] = {}
    given = {"last": LAST, "days": LONGEST_DAYS}
    for rule, version, text, until in connection.execute(_QUERIES["silence_versions"], given):
        with suppress(DefinitionError):
            found[rule, version] = Watched(rule, version, "", read(text), 0, until)
    return found


def _left(connection: Connection[Any], stream: str) -> list[str]:
    return [shard for (shard,) in connection.execute(_QUERIES["shards_left"], {"stream": stream})]


def _due(
    connection: Connection[Any], silences: Mapping[Key, Watched], stream: str, shards: Mapping[str, float]
) -> list[tuple[Packed, Watched, int]]:
    """Of shards: what is due by how far each has been read. All in one, for they are locked in one order."""
    if not silences:
        return []
    given = _given(silences, stream, shards) | {"most": MOST_ROWS}
    with connection.cursor(binary=True) as cursor:
        rows = [(Packed(*row), seen) for *row, seen in cursor.execute(_QUERIES["lapsed_states"], given)]
    return [(row, silences[row.rule, row.version], seen) for row, seen in rows]


def _given(silences: Mapping[Key, Watched], stream: str, shards: Mapping[str, float]) -> dict[str, object]:
    """shards: each one's name, and how far it has been read."""
    return {
        "rules": [rule for rule, _ in silences],
        "versions": [version for _, version in silences],
        "until": [one.until for one in silences.values()],
        "stream": stream,
        "shards": list(shards),
        "seen": [round((seen - MARGIN_SECONDS) * 1e6) for seen in shards.values()],
    }


def _lapse(outcome: Outcome, row: Packed, watched: Watched, definition: Silence, seen: int) -> Packed:
    """The row as it is then; what is said of it, and the row if that has changed, go to the outcome."""
    subjects, states = unpacked(definition, row)
    lapsed = lapse(definition, states, seen, watched.until)
    (due,) = soonest(definition, lapsed.states, np.zeros(1, np.int64))
    due = None if due is None or due >= watched.until else due  # what comes after its end it does not tell
    after = replace(row, states=lapsed.states.tobytes(), due=due)
    if not len(lapsed.place):
        return after
    judgement = Judgement(
        states=lapsed.states,
        run=lapsed.place,
        raised=np.ones(len(lapsed.place), np.bool_),
        at=lapsed.at,
        since=lapsed.since,
        value=lapsed.value,
        figure=lapsed.figure,
        late=0,
    )
    points = subjects[lapsed.place] // 2
    outcome.told.append(Told(watched, judgement, points, np.zeros(len(points), np.bool_)))
    outcome.rows.append(after)
    return after


def _keep(connection: Connection[Any], kept: Sequence[_Kept]) -> None:
    rows = [one.row for one in kept]
    given = {
        "devices": [row.device for row in rows],
        "rules": [row.rule for row in rows],
        "versions": [row.version for row in rows],
        "states": [row.states for row in rows],
        "due": [row.due for row in rows],
        "over": [one.over for one in kept],
    }
    connection.execute(_QUERIES["keep_lapsed_states"], given)
