"""Four weeks of two simulated spindles, as a recording: what docs/watching.md tries its rules on.

    python -m local.spindle > spindle.csv

Two shifts a day and a weekend; on the twenty-third day the cooling of m17 begins to clog, and in the night of
the third day after that somebody cleans it. The same figures every time.
"""

import math
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
STEP = timedelta(minutes=5)
DAYS = 28
CLOGS, CLEANED = 22.3, 24.9  # days since the start
RISE = 28.0  # degrees a day
HIGHEST = 34.0  # degrees more, where the machine would trip
POINTS = tuple(f"acme/lon1/press/line2/cell4/{machine}/spindle_temp" for machine in ("m17", "m18"))


def rows(seed: int = 1) -> Iterator[tuple[datetime, tuple[float, ...]]]:
    """A time, and each point's degrees."""
    chance = random.Random(seed)
    swings = [0.0 for _ in POINTS]
    for place in range(DAYS * round(timedelta(days=1) / STEP)):
        days = place * STEP / timedelta(days=1)
        swings = [
            0.97 * swing + chance.gauss(0, 0.45) for swing in swings
        ]  # noise with a memory, as heat has
        warm = 46.0 + _work(days)
        clogged = min(HIGHEST, RISE * (days - CLOGS)) if CLOGS <= days < CLEANED else 0.0
        values = (warm + clogged + swings[0], warm + 3.0 + swings[1])
        yield START + place * STEP, tuple(round(value + chance.gauss(0, 0.25), 2) for value in values)


def _work(days: float) -> float:
    """What the shifts, from six to ten in the evening, add; at the weekend the machine idles."""
    hour = days % 1 * 24
    shift = 1 / (1 + math.exp(-(hour - 6.5) * 2)) - 1 / (1 + math.exp(-(hour - 22) * 2))
    return 12.0 * shift * (0.25 if days % 7 >= 5 else 1.0)


def main() -> None:
    """To standard output."""
    sys.stdout.write(",".join(("time", *POINTS)) + "\n")
    for time, values in rows():
        sys.stdout.write(f"{time:%Y-%m-%dT%H:%M:%SZ}," + ",".join(f"{value:.2f}" for value in values) + "\n")


if __name__ == "__main__":
    main()
