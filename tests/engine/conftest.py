"""The real engine for all tests here: installed, and a world of real servers for its children."""

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.engine import home
from local.engine.home import Home
from local.engine.trial import Trial
from local.faults.world import World, opened


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever lies here is the engine's."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.engine)


@pytest.fixture(scope="session")
def engine() -> Home:
    """Fails, saying what to do, where it is not installed."""
    return home.installed()


@pytest.fixture(scope="session")
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="engine-", ignore_cleanup_errors=True) as name:
        path = Path(name)
        path.chmod(0o755)  # PostgreSQL's user goes through it
        yield path


@pytest.fixture(scope="session")
def world(directory: Path) -> Iterator[World]:
    with opened(directory) as made:
        yield made


@pytest.fixture(scope="module")
def trial(engine: Home, world: World, request: pytest.FixtureRequest) -> Iterator[Trial]:
    """Two workers that read four shards, with nothing wrong yet."""
    number = 1000 + sum(map(ord, request.module.__name__))
    with Trial(world, engine, number, random.Random(1)) as made:
        made.load()
        made.settle()
        yield made
