"""A process's own clock, steps and all: what CLOCK_FILE holds is added to the time of day, in seconds.

Python imports this at its start when the directory is on PYTHONPATH. https://docs.python.org/3/library/site.html
"""

import os
import time

_FILE = os.environ["CLOCK_FILE"]
_SECOND = 1_000_000_000
_time_ns = time.time_ns


def _stepped_ns() -> int:
    try:
        with open(_FILE) as file:  # noqa: PTH123 (pathlib would be imported by every process, here alone)
            step = float(file.read() or 0)
    except OSError:
        step = 0.0
    return _time_ns() + int(step * _SECOND)


time.time_ns = _stepped_ns
time.time = lambda: _stepped_ns() / _SECOND
