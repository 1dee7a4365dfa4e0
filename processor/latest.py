"""The latest value of each point, in Redis: fresh, rebuildable, never authoritative.

One hash for each device, `latest:<enterprise>/<site>/<area>/<line>/<cell>/<device>`; a field for each metric,
holding `<microseconds since 1970> <JSON>` with the JSON {"ts": ms, "value": …, "q": 192|64|0, "unit": …}.
A value goes only forward in time. Redis away costs freshness: what could not be written waits here, one value
a point, and goes with the first batch after Redis is back. What waits is bounded: beyond that the largest
values are dropped, long texts before numbers. Until its next reading such a point shows what it showed before
Redis went, with the time of then; so does one whose value waited when the process ended.
"""

import logging
import time
from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec
import numpy as np
from botocore.exceptions import BotoCoreError, ClientError
from redis import RedisError
from redis.exceptions import NoScriptError

from processor.columns import Columns, Kind, joined
from processor.names import Names
from processor.waiting import Value, Waiting

logger = logging.getLogger(__name__)

FIRST_REST = 1.0  # seconds without an attempt after a failure; doubled at each
LONGEST_REST = 30.0
LONGEST_WRITE = 2.0  # seconds a batch may spend here; what is left goes with the next one
LONGEST_HELD = 1.0  # seconds between two writes while batches wait
LONGEST_FINISH = 30.0  # seconds that whoever has no next batch waits for Redis
AT_ONCE = 2_000  # values a call: the server does nothing else meanwhile

# Only what Redis 6.2 and Valkey 8 have both. KEYS: the hashes. ARGV: a MessagePack array with, for each
# value, the hash's number, the field, the time, the JSON. As arguments of their own they would cost the
# client more than all else here (https://redis.io/docs/manual/programmability/lua-api/: cmsgpack). Only text
# and small numbers: the older server's library knows no binary. Times are text, since Lua would write a
# number this long in exponents; they compare as numbers: microseconds until 2255 are exact in Lua's doubles.
FORWARD_ONLY = """
local moved = 0
local given = cmsgpack.unpack(ARGV[1])
for i = 1, #given, 4 do
    local key, field, ts = KEYS[given[i]], given[i + 1], given[i + 2]
    local held = redis.call('HGET', key, field)
    local at = held and tonumber(string.match(held, '^%d+') or '')
    if not at or tonumber(ts) >= at then
        redis.call('HSET', key, field, ts .. ' ' .. given[i + 3])
        moved = moved + 1
    end
end
return moved
"""


class Document(msgspec.Struct, gc=False):
    """What is shown of a value; `ts` in milliseconds since 1970."""

    ts: float | int
    value: float | bool | str | None
    q: int
    unit: str | None


class Client(Protocol):
    """What is needed of redis.Redis."""

    def script_load(self, script: str) -> str: ...

    def evalsha(self, sha: str, numkeys: int, *keys_and_args: str | bytes) -> object: ...


class Latest:
    """Writes each batch's latest values. `clock` counts seconds; only differences matter."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._script = ""
        self._waiting = Waiting()
        self._dropped_before = 0  # when Redis went away
        self._rest = FIRST_REST
        self._closed_until = 0.0  # the circuit: no attempt before
        self._held: tuple[Columns, Names] | None = None  # not shown yet, as more came behind it
        self._shown_at = -LONGEST_HELD
        self.away: str | None = None  # why nothing is written; None when it is

    def show(self, newest: Columns, names: Names, *, more: bool = False) -> None:
        """A batch's newest values, once PostgreSQL has them. Raises nothing; takes seconds at the very most.

        `more`: other batches wait behind it. Of those values are shown once a second: nobody reads faster.
        """
        if self._held is not None and self._held[1] is not names:
            self._show(latest_values(*self._held))
            self._held = None
        if self._held is not None:
            newest = newest_of(joined([self._held[0], newest]))
        self._held = newest, names
        now = self._clock()
        if not more or now >= self._shown_at + LONGEST_HELD:
            self._shown_at, self._held = now, None
            self._show(latest_values(newest, names))

    def _show(self, fresh: list[tuple[str, Value]]) -> None:
        if self._waiting or self._clock() < self._closed_until:
            self._wait(fresh)
            fresh = self._waiting.take() if self._clock() >= self._closed_until else []
        if fresh:
            self._wait(self._try(fresh))
        if (gone := self._waiting.shed()) and self._waiting.dropped - gone == self._dropped_before:
            logger.warning("too much waits for the cache: the largest latest values are dropped")

    def finish(self, wait: Callable[[float], bool]) -> int:
        """Show what waits, where no batch will follow; how many values are not shown in the end.

        `wait(seconds)` sleeps and says whether to stop. Takes half a minute at the very most. Raises nothing.
        """
        end = self._clock() + LONGEST_FINISH
        while self._waiting and self._clock() < end:
            self._wait(self._try(self._waiting.take()))
            if self._waiting and wait(FIRST_REST):
                break
        return len(self._waiting) + self._waiting.dropped

    def _wait(self, values: Iterable[tuple[str, Value]]) -> None:
        for path, value in values:
            self._waiting.put(path, value)

    def _try(self, values: list[tuple[str, Value]]) -> list[tuple[str, Value]]:
        """Write them; those that are left."""
        began = self._clock()
        written = 0
        try:
            # Not all, when the server answers, but slowly.
            while written < len(values) and self._clock() - began <= LONGEST_WRITE:
                self._forward(values[written : written + AT_ONCE])
                written += AT_ONCE
        except (RedisError, OSError, BotoCoreError, ClientError) as error:  # the latter two from the token
            self._closed_until = self._clock() + self._rest
            self._rest = min(2 * self._rest, LONGEST_REST)
            if self.away is None:
                logger.warning("the cache is away: latest values wait", extra={"cause": str(error)})
            self.away = f"{type(error).__name__}: {error}"
        else:
            if self.away is not None:
                dropped = self._waiting.dropped - self._dropped_before
                logger.info("the cache is back", extra={"dropped": dropped})
            self._dropped_before = self._waiting.dropped
            self._rest, self.away = FIRST_REST, None
        return values[written:]

    def _forward(self, values: list[tuple[str, Value]]) -> None:
        keys: dict[str, int] = {}
        arguments: list[str | int] = []
        for path, value in values:
            device, metric = path.rsplit("/", 1)
            key = keys.setdefault(f"latest:{device}", len(keys) + 1)
            arguments += (key, metric, str(value.ts), value.document.decode())
        packed = msgspec.msgpack.encode(arguments)
        self._script = self._script or self._client.script_load(FORWARD_ONLY)
        try:
            self._client.evalsha(self._script, len(keys), *keys, packed)
        except NoScriptError:  # a fail-over or a restart has forgotten it
            self._script = self._client.script_load(FORWARD_ONLY)
            self._client.evalsha(self._script, len(keys), *keys, packed)


def newest_of(columns: Columns) -> Columns:
    """The last reading of each point by its own time, history left out."""
    live = np.flatnonzero(~columns.hist)
    in_time = live[np.argsort(columns.ts[live], kind="stable")]
    last = np.full(columns.slot.max(initial=-1) + 1, -1, np.int64)
    last[columns.slot[in_time]] = in_time  # of several assignments to one slot, the latest in time stays
    return columns.take(last[last >= 0])


def latest_values(shown: Columns, names: Names) -> list[tuple[str, Value]]:
    """As they stand in Redis."""
    paths, units, encode = names.paths, names.units, msgspec.json.Encoder().encode
    whole = (shown.ts % 1000 == 0).all()
    milliseconds: list[float] = (shown.ts // 1000 if whole else shown.ts / 1000).tolist()
    described = zip(
        shown.slot.tolist(),
        shown.ts.tolist(),
        milliseconds,
        _values(shown),
        shown.quality.tolist(),
        strict=True,
    )
    return [
        (paths[slot], Value(ts, encode(Document(ms, value, quality, units[slot]))))
        for slot, ts, ms, value, quality in described
    ]


def _values(columns: Columns) -> list[float | bool | str | None]:
    values: list[float | bool | str | None] = columns.number.tolist()
    for row in np.flatnonzero(columns.kind != Kind.NUMBER).tolist():
        kind = columns.kind[row]
        if kind == Kind.FLAG:
            values[row] = bool(columns.number[row])
        elif kind == Kind.TEXT and columns.text is not None:
            values[row] = columns.text[row]
        else:
            values[row] = None
    return values
