"""Is a point where it usually is? A control chart that learns its own centre and width.

fast:  exponentially weighted mean over an hour; what is judged.
level: the same over a week; where the point usually is.
scale: the same of |mean - level|; how far it usually strays, its daily cycle and its weekend included.
score: |fast - level| / scale; hot above `limit`, cold below half of it.

Both are over the same week: a level that is quicker than the scale runs after a slow failure.

level and scale learn from deviations that are clipped at `clip` scales, so that a failure does not teach them
what is normal (robust exponential smoothing: Gelper, Fried, Croux, Journal of Forecasting 29 (2010) 285-300,
https://doi.org/10.1002/for.1125). In the first days nothing is clipped and nothing is said. What has stayed
out for `adopt` is the new normal: ISA-18.2 calls an alarm that stands longer than a day stale.

The weight of a step is dt / (tau + dt), a first-order lag, and not 1 - exp(-dt / tau): additions, products
and quotients are the same to the last bit on every machine, an exponential is not.
"""

from dataclasses import dataclass

import numpy as np

from processor.alarms.bins import Bins
from processor.columns import Float64, Int8, Int64

SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR

# A control chart's usual limits are three standard deviations; of a normal distribution the mean of
# |x - mean| is sqrt(2 / pi) = 0.798 of one, and 3 / 0.798 = 3.76.
THREE_SIGMA = 3.76

LEARNT = [
    ("at", np.int64),  # of the last bin judged
    ("elapsed", np.int64),  # µs that were learnt from; -1: nothing yet
    ("fast", np.float64),
    ("level", np.float64),
    ("scale", np.float64),
    ("out", np.int64),  # µs spent above the limit without a break
]
COLUMNS = [name for name, _ in LEARNT]


@dataclass(frozen=True)
class Chart:
    """Times in µs. Each figure has its reason in docs/decisions/alarms-from-readings.md."""

    limit: float = THREE_SIGMA
    clip: float = 3.0
    floor: float = 0.005  # of the level: no scale is less, as no transmitter is better
    fast: int = HOUR
    memory: int = 7 * DAY
    warm_up: int = 3 * DAY
    adopt: int = DAY
    longest_step: int = 6 * HOUR  # a longer silence counts as this much


def learn(
    state: dict[str, Int64 | Float64], bins: Bins, chart: Chart
) -> tuple[dict[str, Int64 | Float64], Int8, Float64]:
    """The state after each run's bins, and heat and score of each bin.

    state: columns as in LEARNT, one row a run. Runs are independent: their first bins are taken together,
    then their second ones, and so on.
    """
    lengths, starts = bins.runs.lengths, bins.runs.starts
    order = np.argsort(-lengths, kind="stable")  # those with a k-th bin stand in front
    deep = np.sort(lengths)
    columns = {name: state[name][order] for name in COLUMNS}
    heat = np.zeros(len(bins.at), np.int8)
    score = np.zeros(len(bins.at), np.float64)
    starts = starts[order]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for turn in range(int(deep[-1]) if len(deep) else 0):
            count = len(deep) - int(np.searchsorted(deep, turn, side="right"))
            place = starts[:count] + turn
            part = {name: column[:count] for name, column in columns.items()}
            heat[place], score[place] = _step(part, bins.at[place], bins.mean[place], chart)
    after = {name: state[name].copy() for name in COLUMNS}
    for name in COLUMNS:
        after[name][order] = columns[name]
    return after, heat, score


def _step(part: dict[str, Int64 | Float64], at: Int64, mean: Float64, chart: Chart) -> tuple[Int8, Float64]:
    """One bin of each run; writes into `part`."""
    new = part["elapsed"] < 0
    fast, level, scale = (np.where(new, first, part[name]) for name, first in _first(mean))
    dt = np.where(new, 0, np.minimum(at - np.where(new, at, part["at"]), chart.longest_step))
    elapsed = np.where(new, 0, part["elapsed"]) + dt
    learning = elapsed < chart.warm_up
    width = np.maximum(scale, chart.floor * np.abs(level))
    away = mean - level
    fast = fast + (mean - fast) * _weight(dt, chart.fast, elapsed)
    gone = np.abs(fast - level)
    score = np.where(gone > 0, gone / width, 0.0)
    out = np.where(~learning & (score > chart.limit), part["out"] + dt, 0)
    bound = np.where(learning, np.inf, chart.clip * width)
    away = np.clip(away, -bound, bound)
    level = level + away * _weight(dt, chart.memory, elapsed)
    scale = scale + (np.abs(away) - scale) * _weight(dt, chart.memory, elapsed)
    adopted = out >= chart.adopt
    part["level"][:] = np.where(adopted, fast, level)
    part["out"][:] = np.where(adopted, 0, out)
    part["fast"][:], part["scale"][:], part["at"][:], part["elapsed"][:] = fast, scale, at, elapsed
    hot = (score > chart.limit).astype(np.int8) - (score < chart.limit / 2).astype(np.int8)
    return np.where(learning, np.int8(-1), hot).astype(np.int8), score


def _first(mean: Float64) -> tuple[tuple[str, Float64], ...]:
    return ("fast", mean), ("level", mean), ("scale", np.zeros_like(mean))


def _weight(dt: Int64, tau: int, elapsed: Int64) -> Float64:
    """A plain mean while less than tau has been seen, so that the first value is not remembered for ever."""
    lag = np.minimum(tau, elapsed) + dt
    return np.where(lag > 0, dt / np.maximum(lag, 1), 0.0)
