"""Whether a reading costs the same with ten devices as with a hundred thousand, and an hour as a minute.

Each figure is one process's. Of a backlog the first part is not counted for its time: in it the points are
made, once.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np

import processor
from bench.feed import PATHS, UNIT
from bench.load import Step, Task
from bench.measure import MILLION, Options, Row
from bench.servers import Servers, servers
from processor.storage.binary import Dates

DEVICES = (10, 100, 1_000, 10_000, 100_000)
LIMIT_MIB = 80
LONG = 5  # the backlog whose memory is watched is so many times as long as a run of the path
SHORT = 4  # and each of the curve's so many times shorter
PARTS = 4


def rows(options: Options) -> list[Row]:
    """Memory over a long backlog against the limit, then cost by devices against that of the fewest."""
    with servers() as running:
        running.make_tables(PATHS, UNIT, Dates(np.zeros(0, np.int64)))
        long = _steps(running, devices=400, readings=LONG * options.readings, steps=PARTS)
        made = [_memory(step) for step in long]
        costs = {}
        for devices in DEVICES:
            running.renew()
            # Two parts of the same length: the points are made in the first.
            readings = 2 * max(options.readings // SHORT, devices)
            costs[devices] = _steps(running, devices=devices, readings=readings, steps=2)
    fewest = costs[DEVICES[0]]
    return made + [_cost(devices, steps, fewest) for devices, steps in costs.items()]


def _memory(step: Step) -> Row:
    return Row(
        name=f"resident_after_{step.readings / MILLION:g}M",
        ours=step.resident,
        against="limit",
        theirs=LIMIT_MIB,
        unit="MiB",
        ratio=LIMIT_MIB / step.resident,
        goal=1,
        runs=1,
        ours_cpu=_cpu(step, step.readings),
        theirs_cpu=0.0,
        cpu_unit="s/million readings",
    )


def _cost(devices: int, steps: list[Step], fewest: list[Step]) -> Row:
    mine, other = _second(steps), _second(fewest)
    return Row(
        name=f"scale_{devices}_devices",
        ours=steps[-1].resident,
        against=f"{DEVICES[0]} devices",
        theirs=fewest[-1].resident,
        unit="MiB",
        ratio=other / mine,
        goal=None,
        runs=1,
        ours_cpu=mine,
        theirs_cpu=other,
        cpu_unit="s/million readings",
    )


def _second(steps: list[Step]) -> float:
    first, last = steps
    return (last.cpu - first.cpu) * MILLION / (last.readings - first.readings)


def _cpu(step: Step, readings: int) -> float:
    return step.cpu * MILLION / readings


def image_allocator(dockerfile: Path = Path(processor.__path__[0], "Dockerfile")) -> dict[str, str]:
    """What the processor's image tells glibc's malloc, by environment variable."""
    return dict(re.findall(r"\b(MALLOC_\w+)=(\d+)", dockerfile.read_text(encoding="utf-8")))


def _steps(running: Servers, *, devices: int, readings: int, steps: int) -> list[Step]:
    task = Task(
        credentials=running.credentials,
        ca_file=running.ca_file,
        cache_socket=str(running.redis.socket),
        cache_user=running.cache_user,
        cache_password=running.cache_password,
        devices=devices,
        readings=readings,
        steps=steps,
    )
    child = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=msgspec.json.encode(task),
        stdout=subprocess.PIPE,
        env={**os.environ, **image_allocator()},
        check=True,
    )
    running.check("SELECT count(*) FROM millrace.reading", readings)
    return [msgspec.json.decode(line, type=Step) for line in child.stdout.splitlines()]
