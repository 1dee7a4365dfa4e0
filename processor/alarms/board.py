"""Standing alarms in Redis, for dashboards: fresh, rebuildable, never authoritative.

One hash for each site, `alarms:<enterprise>/<site>`; a field for each alarm, its number, holding JSON
{"number", "rule", "path", "unit", "since": ms, "raised_at": ms, "value", "figure", "acknowledged_at": ms or
null, "acknowledged_by"}, ms since 1970. `alarms:written` has for each site as of when this is so, so that a
dashboard sees whether somebody still looks. All of a site is written, in one step, from PostgreSQL: what was
flushed, or missed while Redis was away, is there again some seconds later.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError
from redis import RedisError
from redis.exceptions import NoScriptError

from processor.alarms.present import Shown
from processor.latest import FIRST_REST, LONGEST_REST, Client

logger = logging.getLogger(__name__)

AS_OF = "alarms:written"
AGAIN_SECONDS = 10.0  # after which a site is written though nothing changed: so long a flush may be felt

# Only what Redis 6.2 and Valkey 8 have both, and the cache's user may do: commands of hashes. A hash without
# fields is gone. KEYS: the site's hash, and AS_OF. ARGV: a MessagePack array of fields and JSON in turns, the
# site, the time. Text only, as in latest.py.
REPLACE = """
local given = cmsgpack.unpack(ARGV[1])
local stays = {}
for i = 1, #given, 2 do
    stays[given[i]] = true
    redis.call('HSET', KEYS[1], given[i], given[i + 1])
end
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    if not stays[field] then
        redis.call('HDEL', KEYS[1], field)
    end
end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
return #given / 2
"""


class Board:
    """Writes what stands. `clock` counts seconds; only differences matter."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._script = ""
        self._rest = FIRST_REST
        self._closed_until = 0.0  # the circuit: no attempt before
        self._shown: dict[str, tuple[float, list[Shown]]] = {}  # by site, when and what
        self.away: str | None = None

    def show(self, present: dict[str, list[Shown]], now: datetime) -> None:
        """Each site's alarms in the place of those that it had. Raises nothing; takes seconds at the most.

        What was shown just now is not written again.
        """
        if self._clock() < self._closed_until:
            return
        try:
            for site, alarms in present.items():
                at, shown = self._shown.get(site, (-AGAIN_SECONDS, []))
                if alarms != shown or self._clock() >= at + AGAIN_SECONDS:
                    self._replace(site, alarms, now)
                    self._shown[site] = self._clock(), alarms
        except (RedisError, OSError, BotoCoreError, ClientError) as error:  # the latter two from the token
            self._closed_until = self._clock() + self._rest
            self._rest = min(2 * self._rest, LONGEST_REST)
            if self.away is None:
                logger.warning("the cache is away: standing alarms wait", extra={"cause": str(error)})
            self.away = f"{type(error).__name__}: {error}"
        else:
            self._rest, self.away = FIRST_REST, None

    def _replace(self, site: str, alarms: list[Shown], now: datetime) -> None:
        fields = [text for alarm in alarms for text in (str(alarm.number), document(alarm))]
        given = (f"alarms:{site}", AS_OF, msgspec.msgpack.encode(fields), site, str(_milliseconds(now)))
        self._script = self._script or self._client.script_load(REPLACE)
        try:
            self._client.evalsha(self._script, 2, *given)
        except NoScriptError:  # a fail-over or a restart has forgotten it
            self._script = self._client.script_load(REPLACE)
            self._client.evalsha(self._script, 2, *given)


def document(alarm: Shown) -> str:
    """As it stands in Redis."""
    shown: dict[str, Any] = {
        "number": alarm.number,
        "rule": alarm.rule,
        "path": alarm.path,
        "unit": alarm.unit,
        "since": _milliseconds(alarm.since),
        "raised_at": _milliseconds(alarm.raised_at),
        "value": alarm.value,
        "figure": alarm.figure,
        "acknowledged_at": None if alarm.acknowledged_at is None else _milliseconds(alarm.acknowledged_at),
        "acknowledged_by": alarm.acknowledged_by,
    }
    return msgspec.json.encode(shown).decode()


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
