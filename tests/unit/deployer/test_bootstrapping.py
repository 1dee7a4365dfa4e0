"""How many changes it takes to bootstrap."""

from collections.abc import Iterable

import pytest

from deployer import bootstrapping
from deployer.changes import StackPlan
from deployer.plan import Kind, Plan


class Plans:
    """Of one kind after another; how many were made."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._kinds = iter(kinds)
        self.made = 0

    def plan_bootstrap(self) -> Plan:
        self.made += 1
        return Plan("dev", "s", next(self._kinds), StackPlan("s"), "c", "s", "t")


@pytest.mark.parametrize("kinds", [[Kind.CREATE, Kind.UPDATE], [Kind.UPDATE]])
def test_a_new_stack_takes_two_and_one_that_stands_takes_one(kinds: list[Kind]) -> None:
    assert [made.kind for made in bootstrapping.plans(Plans([*kinds, Kind.UPDATE]))] == kinds


def test_the_second_is_not_made_before_the_first_is_carried_out() -> None:
    deployment = Plans([Kind.CREATE, Kind.UPDATE])

    next(bootstrapping.plans(deployment))

    assert deployment.made == 1
