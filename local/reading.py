"""A reading and an envelope as a plant's gateway sends them."""

import math
from datetime import UTC, datetime, timedelta

import msgspec

GOOD, UNCERTAIN, BAD = 192, 64, 0  # OPC quality classes
MOST_READINGS = 500  # an envelope's bound

Value = float | int | bool | str | None

_START = datetime(1970, 1, 1, tzinfo=UTC)


class Reading(msgspec.Struct, gc=False):
    """One value of one point. `micros` is its time since 1970, `seq` its device's counter, if it has one."""

    path: str  # enterprise/site/area/line/cell/device/metric
    micros: int
    value: Value
    q: int = GOOD
    unit: str = ""
    seq: int | None = None
    hist: bool = False


class Envelope(msgspec.Struct, gc=False):
    """What one device sends at once: 1 to 500 readings."""

    device: str  # enterprise/site/area/line/cell/device: the partition key
    gateway: str
    readings: list[Reading]

    def body(self, sent_ms: int) -> bytes:
        """The Kinesis record's data."""
        readings = [
            _Wire(r.path, _time(r.micros), _value(r.value), r.q, r.unit, r.seq, r.hist) for r in self.readings
        ]
        return _encode({"v": 1, "src": self.gateway, "sent": sent_ms, "readings": readings})


class _Wire(msgspec.Struct, omit_defaults=True, gc=False):
    path: str
    ts: int | str
    value: Value
    q: int = GOOD
    unit: str = ""
    seq: int | None = None
    hist: bool = False


def _time(micros: int) -> int | str:
    """Epoch milliseconds; RFC 3339 where that would cut digits."""
    if micros % 1000 == 0:
        return micros // 1000
    return (_START + timedelta(microseconds=micros)).isoformat(timespec="microseconds")


def _value(value: Value) -> Value:
    """JSON has no NaN, so a number that is none is quoted, which the contract allows."""
    if not isinstance(value, float) or math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


_encode = msgspec.json.Encoder().encode
