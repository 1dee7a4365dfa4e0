"""The latest values as an application reads them: from the cache, over TLS."""

import json
from collections.abc import Sequence
from typing import cast

from redis import Redis, RedisError

from local.reading import GOOD, UNCERTAIN
from local.screen import Latest

SHOWN_METRICS = ("spindle_temp", "vibration", "motor_current", "hydraulic_pressure", "state")


class LatestValues:
    """The latest values of some devices."""

    def __init__(self, cache: Redis, devices: Sequence[str]) -> None:
        self._cache = cache
        self._devices = devices

    def read(self, now: float) -> list[Latest]:
        """What the cache holds at `now`, epoch seconds. Empty while it is away: it is never authoritative."""
        try:
            found = [(device, self._values(device)) for device in self._devices]
        except (RedisError, OSError):
            return []
        return [
            _value(device, metric, text, now)
            for device, texts in found
            for metric, text in zip(SHOWN_METRICS, texts, strict=True)
            if text is not None
        ]

    def _values(self, device: str) -> list[str | None]:
        return cast("list[str | None]", self._cache.hmget(f"latest:{device}", list(SHOWN_METRICS)))


def _value(device: str, metric: str, text: str, now: float) -> Latest:
    """From `<microseconds> <JSON>`, as processor/latest.py writes it."""
    micros, _, document = text.partition(" ")
    said = json.loads(document)
    value = said["value"]
    shown = "no value" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)
    quality = "good" if said["q"] == GOOD else "uncertain" if said["q"] == UNCERTAIN else "bad"
    return Latest(device, metric, shown, quality, max(0.0, now - int(micros) / 1e6))
