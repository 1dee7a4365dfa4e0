"""The detectors once more, for one point and reading by reading, as slowly as they can be said."""

import math
from dataclasses import dataclass, field

from processor.alarms.definition import (
    Clock,
    Definition,
    Deviation,
    Limit,
    Rate,
    Silence,
    Stuck,
    delays,
    microseconds,
)

HOUR = 3_600_000_000
DAY = 24 * HOUR

Change = tuple[bool, int, int]  # raised?, at, since


def clipped(number: float, bound: float) -> float:
    return min(max(number, -bound), bound)


@dataclass
class Plain:
    """One point under one rule."""

    definition: Definition
    key: tuple[int, int] | None = None
    hot: bool = False
    since: int | None = None
    raised: bool = False
    changes: list[Change] = field(default_factory=list)
    value: float = math.nan  # of the reading before
    same: int = 0  # since when it is that
    arrived: int | None = None  # the latest record with a reading
    least: tuple[int, int] | None = None  # which span, the least of arrival less time
    bin: tuple[int, int, float] | None = None  # which, n, sum
    closed: tuple[int, float] | None = None  # the bin before: its end and mean
    first: list[float] = field(default_factory=list)  # the bins that it began with
    learnt: int = 0  # when it was last
    elapsed: int = 0
    fast: float = 0.0
    level: float = 0.0
    scale: float = 0.0
    out: int = 0

    def record(self, readings: list[tuple[int, int, float]], arrived: int = 0) -> None:
        """(ts, seq, value) of one record, and when it reached the stream."""
        for ts, seq, value in sorted(readings, key=lambda reading: reading[:2]):
            if self.key is None or (ts, seq) > self.key:
                self._reading(arrived, ts, value)
                self.key = (ts, seq)

    def look(self, seen: int) -> None:
        """Whatever had arrived by then has been given."""
        if isinstance(self.definition, Silence) and self.arrived is not None and not self.raised:
            end = self.arrived + microseconds(self.definition.within)
            if end <= seen:
                self.hot, self.since, self.raised = True, self.arrived, True
                self.changes.append((True, end, self.arrived))

    def _reading(self, arrived: int, ts: int, value: float) -> None:
        rule = self.definition
        if isinstance(rule, Limit):
            self._step(ts, self._limit(rule, value))
        elif isinstance(rule, Stuck):
            goes_on = self.key is not None and ts - self.key[0] <= microseconds(rule.within)
            self.same = self.same if value == self.value and goes_on else ts
            self.value = value
            stuck = ts - self.same >= microseconds(rule.within)
            self._step(ts, 1 if stuck else -1, self.same if stuck else ts)
        elif isinstance(rule, Silence):
            self._heard(arrived, microseconds(rule.within))
        elif isinstance(rule, Clock):
            self._compared(rule, arrived, ts)
        else:
            self._binned(rule, ts, value)

    def _heard(self, arrived: int, within: int) -> None:
        if self.arrived is not None:
            arrived = max(arrived, self.arrived)
            if arrived - self.arrived > within:
                self._step(self.arrived + within, 1, self.arrived)
        self.arrived = arrived
        self._step(arrived, -1)

    def _compared(self, rule: Clock, arrived: int, ts: int) -> None:
        self.arrived = arrived if self.arrived is None else max(arrived, self.arrived)
        span, delay = microseconds(rule.span), arrived - ts
        place = self.arrived // span
        if self.least is not None and self.least[0] != place:
            ahead, behind, least = microseconds(rule.ahead), microseconds(rule.behind), self.least[1]
            wrong = least < -ahead or least > behind
            well = -ahead / 2 <= least <= behind / 2
            self._step((self.least[0] + 1) * span, 1 if wrong else -1 if well else 0)
            self.least = None
        self.least = (place, delay if self.least is None else min(self.least[1], delay))

    def _limit(self, rule: Limit, value: float) -> int:
        if (rule.high is not None and value > rule.high) or (rule.low is not None and value < rule.low):
            return 1
        back = (rule.high is None or value <= rule.high - rule.deadband) and (
            rule.low is None or value >= rule.low + rule.deadband
        )
        return -1 if back else 0

    def _binned(self, rule: Rate | Deviation, ts: int, value: float) -> None:
        width = microseconds(rule.span if isinstance(rule, Rate) else rule.bin)
        place = ts // width
        if self.bin is None:
            self.bin = (place, 1, value)
        elif self.bin[0] == place:
            self.bin = (place, self.bin[1] + 1, self.bin[2] + value)
        else:
            at, mean = (self.bin[0] + 1) * width, self.bin[2] / self.bin[1]
            self.bin = (place, 1, value)
            heat = self._rate(rule, at, mean) if isinstance(rule, Rate) else self._learn(rule.limit, at, mean)
            self.closed = (at, mean)
            self._step(at, heat)

    def _rate(self, rule: Rate, at: int, mean: float) -> int:
        if self.closed is None:
            return -1
        size = abs((mean - self.closed[1]) / ((at - self.closed[0]) / HOUR))
        return 1 if size > rule.most else -1 if size <= rule.most / 2 else 0

    def _learn(self, limit: float, at: int, mean: float) -> int:
        if abs(mean) > 1e30:
            return 0
        before, self.learnt = self.learnt, at
        if len(self.first) < 3:
            self.first.append(mean)
            self.fast = self.level = sorted(self.first)[len(self.first) // 2]
            return -1
        dt = min(at - before, 6 * HOUR)
        self.elapsed += dt
        learning = self.elapsed < 3 * DAY
        width = max(self.scale, 0.005 * abs(self.level))
        away = mean - self.level
        hour, week = (dt / (min(tau, self.elapsed) + dt) for tau in (HOUR, 7 * DAY))
        if width == 0:
            self.fast += (mean - self.fast) * hour
            self.level += away * week
            self.scale, self.out = abs(away), 0
            return -1
        self.fast += (self.level + clipped(away, 20 * width) - self.fast) * hour
        score = abs(self.fast - self.level) / width
        self.out = self.out + dt if not learning and score > limit else 0
        adopted = self.level + clipped(away, 1000 * width)
        taught = clipped(away, (20 if learning else 3) * width)
        self.level += taught * week
        self.scale += (abs(taught) - self.scale) * week
        if self.out >= DAY:
            self.level, self.out = adopted, 0
        if learning:
            return -1
        return 1 if score > limit else -1 if score < limit / 2 else 0

    def _step(self, at: int, heat: int, began: int | None = None) -> None:
        hot = self.hot if heat == 0 else heat > 0
        if hot != self.hot:
            self.hot, self.since = hot, at if began is None else began
        wait = delays(self.definition)
        if self.since is None or self.hot == self.raised:
            return
        if at - self.since >= (wait.on if self.hot else wait.off):
            self.raised = self.hot
            self.changes.append((self.raised, at, self.since))
