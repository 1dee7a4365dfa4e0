"""Twenty kills at random moments; `make soak` has two hundred."""

from local.engine.home import Home
from local.engine.kills import Plan, kills
from local.faults.world import World


def test_twenty_kills_lose_and_double_nothing(engine: Home, world: World) -> None:
    plan = Plan(wanted=20, seed=3, say=print)

    lines = list(kills(world, engine, plan))

    assert lines == []
    assert plan.counts.total() == 20
