"""Is a point where it usually is? A control chart that learns its own centre and width.

fast:  exponentially weighted mean over an hour; what is judged.
level: the same over a week; where the point usually is.
scale: the same of |mean - level|; how far it usually strays, its daily cycle and its weekend included.
score: |fast - level| / scale; hot above `limit`, cold below half of it.

Both are over the same week: a level that is quicker than the scale runs after a slow failure.

level and scale learn from deviations that are clipped at `clip` scales, so that a failure does not teach them
what is normal (robust exponential smoothing: Gelper, Fried, Croux, Journal of Forecasting 29 (2010) 285-300,
https://doi.org/10.1002/for.1125). In the first days nothing is said. What has stayed out for `adopt` is the
new normal: ISA-18.2 calls an alarm that stands longer than a day stale.

Transmitters and drivers send nonsense now and then: 32767, 6553.5, the largest number there is. One such
value must not raise an alarm, nor blind the chart for weeks. So `fast` is clipped as well, far out, and so is
all that is learnt in the first days; the chart begins with the median of three bins; and what no plant
measures is passed over.

The weight of a step is dt / (tau + dt), a first-order lag, and not 1 - exp(-dt / tau): additions, products
and quotients are the same to the last bit on every machine, an exponential is not.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    ("elapsed", np.int64),  # µs that were learnt from; below 0: so many bins are wanted to begin
    ("fast", np.float64),
    ("level", np.float64),
    ("scale", np.float64),
    ("out", np.int64),  # µs spent above the limit without a break
]
COLUMNS = [name for name, _ in LEARNT]
WANTED = 3  # bins, to begin with their median: the first two are kept in `fast` and `level`
LARGEST = 1e30  # beyond are fillers, such as 3.4e38 and 9.97e36

Columns = dict[str, NDArray[Any]]  # as in LEARNT, one row a run


@dataclass(frozen=True)
class Chart:
    """Times in µs. Each figure has its reason in docs/decisions/alarms-from-readings.md."""

    limit: float = THREE_SIGMA
    clip: float = 3.0
    far: float = 20.0  # so one bin of five minutes moves `fast` by less than half the limit
    leap: float = 1000.0  # a new normal is no further from the old one
    floor: float = 0.005  # of the level: no scale is less, as no transmitter is better
    fast: int = HOUR
    memory: int = 7 * DAY
    warm_up: int = 3 * DAY
    adopt: int = DAY
    longest_step: int = 6 * HOUR  # a longer silence counts as this much


def learn(state: Columns, bins: Bins, chart: Chart) -> tuple[Columns, Int8, Float64]:
    """The state after each run's bins, and heat and score of each bin.

    Runs are independent: their first bins are taken together, then their second ones, and so on.
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


def _step(part: Columns, at: Int64, mean: Float64, chart: Chart) -> tuple[Int8, Float64]:
    """One bin of each run; writes into `part`."""
    begins = part["elapsed"] < 0
    after, heat, score = _judged(part, at, mean, chart)
    for name, column in _begun(part, at, mean).items():
        after[name] = np.where(begins, column, after[name])
    usable = np.abs(mean) <= LARGEST
    for name, column in after.items():
        part[name][:] = np.where(usable, column, part[name])
    heat = np.where(begins, np.int8(-1), heat)
    return np.where(usable, heat, np.int8(0)).astype(np.int8), np.where(usable & ~begins, score, 0.0)


def _begun(part: Columns, at: Int64, mean: Float64) -> Columns:
    """The first bins: two that are kept, and the third, which gives the median of the three."""
    elapsed, first, second = part["elapsed"], part["fast"], part["level"]
    low, high = np.minimum(first, second), np.maximum(first, second)
    median = np.maximum(low, np.minimum(high, mean))
    return {
        "elapsed": elapsed + 1,
        "fast": np.where(elapsed == -WANTED, mean, np.where(elapsed == -1, median, first)),
        "level": np.where(elapsed == -1, median, mean),
        "scale": np.zeros_like(mean),
        "at": at,
        "out": np.zeros_like(at),
    }


def _judged(part: Columns, at: Int64, mean: Float64, chart: Chart) -> tuple[Columns, Int8, Float64]:
    fast, level, scale = part["fast"], part["level"], part["scale"]
    dt = np.where(part["elapsed"] < 0, 0, np.minimum(at - part["at"], chart.longest_step))
    elapsed = part["elapsed"] + dt
    learning = elapsed < chart.warm_up
    width = np.maximum(scale, chart.floor * np.abs(level))
    away = mean - level
    # A point that has never been anything but zero has no width: how far it goes first is its width.
    still = width == 0
    near = np.where(still, away, np.clip(away, -chart.far * width, chart.far * width))
    fast = fast + (level + near - fast) * _weight(dt, chart.fast, elapsed)
    gone = np.abs(fast - level)
    score = np.where((gone > 0) & ~still, gone / width, 0.0)
    out = np.where(~learning & (score > chart.limit), part["out"] + dt, 0)
    bound = np.where(learning, chart.far, chart.clip) * width
    learnt = np.where(still, away, np.clip(away, -bound, bound))
    leap = level + np.clip(away, -chart.leap * width, chart.leap * width)
    level = level + learnt * _weight(dt, chart.memory, elapsed)
    grown = scale + (np.abs(learnt) - scale) * _weight(dt, chart.memory, elapsed)
    adopted = out >= chart.adopt
    after: Columns = {
        "at": at,
        "elapsed": elapsed,
        "fast": fast,
        "level": np.where(adopted, leap, level),
        "scale": np.where(still, np.abs(away), grown),
        "out": np.where(adopted, 0, out),
    }
    hot = (score > chart.limit).astype(np.int8) - (score < chart.limit / 2).astype(np.int8)
    return after, np.where(learning, np.int8(-1), hot).astype(np.int8), score


def _weight(dt: Int64, tau: int, elapsed: Int64) -> Float64:
    """A plain mean while less than tau has been seen, so that the first value is not remembered for ever."""
    lag = np.minimum(tau, elapsed) + dt
    return np.where(lag > 0, dt / np.maximum(lag, 1), 0.0)
