"""What docs/engine-times.md measures often, once: is each within its bound?"""

from pathlib import Path

import pytest

from local.engine import home, page, times
from local.engine.home import Home
from local.engine.measure import Engine, measure

# Each takes half a minute, in which shards are evened out again.
HAPPENS = ("leader told to end", "worker lost", "leader lost", "idle child killed")


@pytest.fixture(scope="module")
def measured(engine: Home, directory: Path) -> dict[str, float]:
    seconds: dict[str, float] = {}
    measure(engine, directory, Engine("once", home.OURS, times.OURS, HAPPENS), 1, seconds.__setitem__)
    return seconds


@pytest.mark.parametrize("event", HAPPENS)
def test_a_shard_is_read_again_in_time(measured: dict[str, float], event: str) -> None:
    assert measured[event] <= page.GOALS[event]
