"""What docs/engine-times.md measures often, once: is each within its bound?"""

from pathlib import Path

import pytest

from local.engine import home, page, times
from local.engine.home import Home
from local.engine.measure import Engine, Times, measure

# Each takes half a minute, in which shards are evened out again.
HAPPENS = ("leader told to end", "worker lost", "leader lost", "idle child killed")


@pytest.fixture(scope="module")
def measured(engine: Home, directory: Path) -> Times:
    return measure(
        engine, directory, Engine("once", home.OURS, times.OURS), 1, lambda found, line: print(line)
    )


@pytest.mark.parametrize("event", HAPPENS)
def test_a_shard_is_read_again_in_time(measured: Times, event: str) -> None:
    assert max(measured.seconds[event]) <= page.GOALS[event]
