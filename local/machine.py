"""One simulated machine tool: drift, noise, a day's cycle, wear that ends in a trip, and sensors that lie.

Everything follows from the seed and the time asked for, so two runs of one seed tell the same story.
"""

import math
import random
from dataclasses import dataclass
from enum import Enum

from local.reading import BAD, GOOD, UNCERTAIN, Reading, Value

UNITS = {
    "spindle_temp": "Cel",
    "coolant_temp": "Cel",
    "vibration": "mm/s",
    "hydraulic_pressure": "bar",
    "motor_current": "A",
    "parts": "{count}",
    "state": "",
    "running": "",
}
METRICS = len(UNITS)
DAY_SECONDS = 86_400
WEAR_CYCLE_SECONDS = 30.0  # a life in fast motion: a run of 30 s sees each bearing fail once
WEARING_SECONDS = 12.0
TRIPPED_SECONDS = 4.0
PART_SECONDS = 7.5
CLOCK_AHEAD_MS = 2 * 3600 * 1000  # beyond what any environment takes for a clock that is a little off


class Ailment(Enum):
    """What is wrong with a machine; the fleet has them in turn."""

    WEAR = "the bearing wears, heats and trips the machine"
    STUCK = "the vibration sensor repeats itself"
    DEAD = "the spindle's thermometer is no number"
    CLOCK = "the device's clock jumps ahead"
    NONE = "healthy"


@dataclass(frozen=True)
class Window:
    """A span of seconds that comes back every `every` seconds."""

    start: float
    length: float
    every: float

    def holds(self, seconds: float) -> bool:
        return self.start <= seconds % self.every < self.start + self.length


STUCK_WINDOW = Window(start=5, length=6, every=30)
DEAD_WINDOW = Window(start=2, length=3, every=30)
CLOCK_WINDOW = Window(start=10, length=0.5, every=300)


class Machine:
    """`scan(seconds, started_ms)` reads every sensor once, `seconds` after the run's start."""

    def __init__(self, index: int, seed: int) -> None:
        self.name = f"m{index + 1:03d}"
        line, cell = index // 10 + 1, index // 5 + 1
        self.device = f"example/site1/machining/line{line}/cell{cell}/{self.name}"
        self.gateway = f"gw-{line}"
        self.ailment = list(Ailment)[index % len(Ailment)]
        self._random = random.Random(seed * 1_000_003 + index)
        self._warmth = self._random.uniform(38, 46)
        self._drift = self._random.uniform(-0.02, 0.02)  # degrees a second, a shift's worth in minutes
        self._phase = self._random.uniform(0, WEAR_CYCLE_SECONDS - WEARING_SECONDS - TRIPPED_SECONDS)
        self._swing = 0.0
        self._seq = 0
        self._vibration = 1.2

    def scan(self, seconds: float, started_ms: int) -> list[Reading]:
        """One reading of every metric, with the device's own clock and counter."""
        at_ms = started_ms + round(seconds * 1000)
        stamp = at_ms
        if self.ailment is Ailment.CLOCK and CLOCK_WINDOW.holds(seconds):
            stamp += CLOCK_AHEAD_MS
        return [
            self._reading(name, stamp * 1000, value, q) for name, value, q in self._values(seconds, at_ms)
        ]

    def _reading(self, metric: str, micros: int, value: Value, q: int) -> Reading:
        self._seq += 1
        return Reading(f"{self.device}/{metric}", micros, value, q, UNITS[metric], self._seq)

    def _values(self, seconds: float, at_ms: int) -> list[tuple[str, Value, int]]:
        wear = self._wear(seconds)
        running = wear < 1
        state = "RUNNING" if wear == 0 else "WARNING" if running else "TRIPPED"
        day = math.sin(2 * math.pi * (at_ms / 1000 % DAY_SECONDS) / DAY_SECONDS - math.pi / 2)
        self._swing = 0.95 * self._swing + self._random.gauss(0, 0.12)  # noise with a memory, as heat has
        spindle = self._warmth + 2.5 * day + self._drift * seconds + 22 * wear + self._swing
        current = (11.5 + 1.5 * math.sin(seconds * 0.8) + 6 * wear) if running else 0.0
        parts = int(seconds / PART_SECONDS)
        vibration, vibration_q = self._vibrates(seconds, wear, running)
        spindle_dead = self.ailment is Ailment.DEAD and DEAD_WINDOW.holds(seconds)
        return [
            ("spindle_temp", math.nan if spindle_dead else round(spindle, 3), BAD if spindle_dead else GOOD),
            ("vibration", vibration, vibration_q),
            ("motor_current", round(current + self._random.gauss(0, 0.05), 3), GOOD),
            ("hydraulic_pressure", round(62 - 4 * wear + self._random.gauss(0, 0.3), 2), GOOD),
            ("coolant_temp", round(21 + 1.5 * day + 3 * wear + self._random.gauss(0, 0.05), 3), GOOD),
            ("parts", parts, GOOD),
            ("state", state, GOOD),
            ("running", running, GOOD),
        ]

    def _vibrates(self, seconds: float, wear: float, running: bool) -> tuple[float, int]:
        if self.ailment is Ailment.STUCK and STUCK_WINDOW.holds(seconds):
            return self._vibration, UNCERTAIN
        level = 1.2 + 6.5 * wear**2 if running else 0.05
        self._vibration = round(abs(level + self._random.gauss(0, 0.08)), 4)
        return self._vibration, GOOD

    def _wear(self, seconds: float) -> float:
        """0 = sound, up to 1 = tripped."""
        if self.ailment is not Ailment.WEAR:
            return 0.0
        age = (seconds + self._phase) % WEAR_CYCLE_SECONDS
        worn = age - (WEAR_CYCLE_SECONDS - WEARING_SECONDS - TRIPPED_SECONDS)
        return min(1.0, max(0.0, worn / WEARING_SECONDS))
