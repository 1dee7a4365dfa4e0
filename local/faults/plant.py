"""Readings, good and bad, and what must become of each: the oracle, written from the contract alone.

A reading's `number` makes its time, so each is told apart by point and time; numbers are whole, so sums are
exact in any order. A poison is a record with one fault, of which the reason is known.
"""

import gzip
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

METRICS = 5
HOURS = 140  # of a sixth metric, before the plant's time: what is usual takes days to be learnt
UNUSUAL = range(90, 110)
MINUTES_BACK = 90  # where this plant's time begins: over more than one hour's rollup, well within the bounds
STEP_MS = 37
DAY_MS = 86_400_000
HISTORY_DAYS = (11, 12)  # before today; more would make partitions and show nothing else
WHOLE = -1  # the index of a refusal that concerns the record

Row = tuple[str, int, float | bool | str | None, int]  # path, microseconds since 1970, value, quality class


@dataclass(frozen=True)
class Parcel:
    """One record: its bytes, its partition key, the rows that it must become, its refusals as index → reason.

    `latest`: those rows that may show as latest values. `mended`: index → the row that a refused reading must
    become when it is judged again by MENDED.
    """

    data: bytes
    key: str
    rows: tuple[Row, ...] = ()
    refused: tuple[tuple[int, str], ...] = ()
    latest: tuple[Row, ...] = ()
    mended: tuple[tuple[int, Row], ...] = ()


# Settings under which some of what is refused is not.
MENDED = {
    "OLDEST_READING_DAYS": "400",
    "NEWEST_READING_MINUTES": "600",
    "SITE_TIME_ZONE": "Etc/UTC",
    "BIND_DEVICES": "0",
}


@dataclass
class Plant:
    """Devices that send. `prefix` keeps one plant's points apart from another's; `stepped_ms` is by how much
    the devices' clock is wrong."""

    prefix: str
    chance: random.Random
    devices: int = 4
    began_ms: int = field(default_factory=lambda: time.time_ns() // 1_000_000 - MINUTES_BACK * 60_000)
    number: int = 0
    stepped_ms: int = 0
    hour: int = 0  # how many hourly readings it has sent

    def parcels(self, count: int) -> Iterator[Parcel]:
        """Good ones in every form, a producer's order: nearly by time, one device a record."""
        for _ in range(count):
            yield self.chance.choice(FORMS)(self)

    def poison(self) -> Parcel:
        """One that must be refused, as a whole or in part."""
        return self.chance.choice(POISONS)(self)

    def last_words(self) -> Iterator[Parcel]:
        """A newest reading of each point, by a clock that is right again: each latest value is known then."""
        self.stepped_ms = 0
        for device in range(self.devices):
            for metric in range(METRICS):
                reading, row = self.reading(device=device, metric=metric)
                yield self.good(device, json.dumps(reading).encode(), row)

    def reading(self, *, device: int, metric: int | None = None) -> tuple[dict[str, Any], Row]:
        """The next one, of the kind that its metric has."""
        self.number += 1
        chosen = self.chance.randrange(METRICS) if metric is None else metric
        path = f"{self.place(device)}/metric_{chosen}"
        ts = self.began_ms + self.stepped_ms + self.number * STEP_MS
        value: float | bool | str | None = self.number
        if chosen == 3:
            value = self.number % 2 == 0
        elif chosen == 4:
            value = f"state {self.number}"
        q, quality = self.chance.choice(QUALITIES)
        reading = {"path": path, "ts": ts, "value": value} | ({} if q is None else {"q": q})
        if self.chance.random() < 0.5:
            reading["seq"] = self.number
        return reading, (path, ts * 1000, value, quality)

    def step(self, milliseconds: int) -> None:
        """The devices' clock jumps. What was said at a time may be said again of it, with another value."""
        self.stepped_ms += milliseconds

    def device(self) -> int:
        """Any of them."""
        return self.chance.randrange(self.devices)

    def place(self, device: int) -> str:
        """The first six levels of its paths."""
        return f"{self.prefix}/press/line1/cell{device}/m{device}"

    def key(self, device: int) -> str:
        """A partition key: a device's place, which binds the record to it, or a gateway's, which does not."""
        return self.place(device) if device % 2 else f"gw-{device}"

    def good(self, device: int, data: bytes, *rows: Row, shown: bool = True) -> Parcel:
        """A record that becomes these rows."""
        return Parcel(data, self.key(device), rows, latest=rows if shown else ())


QUALITIES: tuple[tuple[int | str | None, int], ...] = (
    (None, 192),
    (192, 192),
    ("uncertain", 64),
    (0, 0),
    (0x80050000, 0),  # OPC UA's BadCommunicationError, its class in the top two bits
)


def _bare(plant: Plant) -> Parcel:
    device = plant.device()
    reading, row = plant.reading(device=device)
    return plant.good(device, json.dumps(reading).encode(), row)


def _several(plant: Plant, device: int) -> tuple[list[dict[str, Any]], list[Row]]:
    made = [plant.reading(device=device) for _ in range(plant.chance.randint(1, 12))]
    plant.chance.shuffle(made)  # a gateway that asks its devices in any order
    return [reading for reading, _ in made], [row for _, row in made]


def _envelope(plant: Plant) -> Parcel:
    device = plant.device()
    readings, rows = _several(plant, device)
    return plant.good(device, json.dumps({"v": 1, "src": "gw-1", "readings": readings}).encode(), *rows)


def _zipped(plant: Plant) -> Parcel:
    device = plant.device()
    readings, rows = _several(plant, device)
    return plant.good(device, gzip.compress(json.dumps({"readings": readings}).encode()), *rows)


def _event(plant: Plant) -> Parcel:
    device = plant.device()
    readings, rows = _several(plant, device)
    event = {"specversion": "1.0", "type": "readings", "source": "/gw", "id": "1"}
    return plant.good(device, json.dumps({**event, "data": {"readings": readings}}).encode(), *rows)


def _not_a_number(plant: Plant) -> Parcel:
    device = plant.device()
    reading, (path, ts, _, _) = plant.reading(device=device, metric=0)
    reading["value"] = plant.chance.choice((float("nan"), float("-inf"), "NaN"))
    return plant.good(device, json.dumps(reading).encode(), (path, ts, None, 0))


def _twice_at_once(plant: Plant) -> Parcel:
    """Two values at one time of one point, as where a clock steps back: two readings."""
    device = plant.device()
    reading, row = plant.reading(device=device, metric=1)
    reading.pop("seq", None)
    other = {**reading, "value": -reading["value"]}
    rows = (row, (row[0], row[1], -row[2], row[3]) if isinstance(row[2], int) else row)
    return plant.good(device, json.dumps({"readings": [reading, other]}).encode(), *rows)


def _history(plant: Plant) -> Parcel:
    device = plant.device()
    reading, (path, _, value, quality) = plant.reading(device=device, metric=2)
    reading["ts"] -= plant.chance.choice(HISTORY_DAYS) * DAY_MS
    reading["hist"] = True
    row = (path, reading["ts"] * 1000, value, quality)
    return plant.good(device, json.dumps(reading).encode(), row, shown=False)


def _hourly(plant: Plant) -> Parcel:
    """The next hour of days that are over, though no history, of one device."""
    if plant.hour == HOURS:
        return _bare(plant)
    plant.hour += 1
    ts = plant.began_ms - (HOURS - plant.hour) * 3_600_000
    value = plant.chance.randrange(10) + (100 if plant.hour in UNUSUAL else 0)
    path = f"{plant.place(1)}/hourly"
    data = json.dumps({"path": path, "ts": ts, "value": value}).encode()
    return plant.good(1, data, (path, ts * 1000, value, 192))


FORMS: tuple[Callable[[Plant], Parcel], ...] = (
    _bare,
    _bare,
    _envelope,
    _envelope,
    _zipped,
    _event,
    _not_a_number,
    _twice_at_once,
    _history,
    _hourly,
)


def _unreadable(plant: Plant) -> Parcel:
    data = plant.chance.choice(
        (b"", b"\x00\xff nonsense", b'{"path": "a', b"[]", b'{"readings": []}', gzip.compress(b"{}")[:-4])
    )
    return Parcel(data, plant.key(plant.device()), refused=((WHOLE, "undecodable"),))


def _spoilt(reason: str, **changed: Any) -> Callable[[Plant], Parcel]:
    """One bad reading amid good ones of its envelope."""

    def make(plant: Plant) -> Parcel:
        device = plant.device()
        readings, rows = _several(plant, device)
        bad, _ = plant.reading(device=device, metric=0)
        bad = {name: value for name, value in {**bad, **changed}.items() if value is not MISSING}
        place = plant.chance.randint(0, len(readings))
        readings.insert(place, bad)
        data = json.dumps({"readings": readings}).encode()
        return Parcel(data, plant.key(device), tuple(rows), ((place, reason),), tuple(rows))

    return make


def _untimely(reason: str, offset_ms: int) -> Callable[[Plant], Parcel]:
    """A device whose clock has stepped."""

    def make(plant: Plant) -> Parcel:
        device = plant.device()
        reading, (path, _, value, quality) = plant.reading(device=device)
        reading["ts"] = time.time_ns() // 1_000_000 + offset_ms
        return _mendable(plant.key(device), reading, reason, (path, reading["ts"] * 1000, value, quality))

    return make


def _naive(plant: Plant) -> Parcel:
    """A time without an offset, where the site has no zone."""
    device = plant.device()
    reading, row = plant.reading(device=device)
    moment = datetime.fromtimestamp(reading["ts"] / 1000, UTC)
    reading["ts"] = moment.replace(tzinfo=None).isoformat(timespec="milliseconds")
    return _mendable(plant.key(device), reading, "timestamp", row)


def _stranger(plant: Plant) -> Parcel:
    """A device that speaks for another one."""
    reading, row = plant.reading(device=0)
    return _mendable(plant.place(1), reading, "device", row)


def _mendable(key: str, reading: dict[str, Any], reason: str, row: Row) -> Parcel:
    return Parcel(json.dumps(reading).encode(), key, refused=((0, reason),), mended=((0, row),))


MISSING = object()
POISONS: tuple[Callable[[Plant], Parcel], ...] = (
    _unreadable,
    _unreadable,
    _spoilt("path", path="acme/m1"),
    _spoilt("malformed", value=MISSING),
    _spoilt("malformed", value=[1]),
    _spoilt("malformed", ts=1.5),
    _naive,
    _stranger,
    _spoilt("timestamp", ts="yesterday"),
    _spoilt("quality", q="SO-SO"),
    _spoilt("seq", seq=-1),
    _spoilt("unit", unit="x" * 65),
    _spoilt("value", value="a\0b"),
    _spoilt("value", value="x" * 4097),
    _untimely("too_old", -30 * DAY_MS),
    _untimely("too_new", 3_600_000),
)
