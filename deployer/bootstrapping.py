"""What it takes to bootstrap an environment: one change, or for a new stack two (foundation)."""

from collections.abc import Iterator
from typing import Protocol

from deployer.plan import Kind, Plan


class Bootstraps(Protocol):
    def plan_bootstrap(self) -> Plan: ...


def plans(deployment: Bootstraps) -> Iterator[Plan]:
    """Each is made when it is asked for, and whoever asks has carried out the one before.

    Killed between the two, the first finds a stack that stands and is the second.
    """
    made = deployment.plan_bootstrap()
    yield made
    if begins(made):
        yield deployment.plan_bootstrap()


def begins(made: Plan) -> bool:
    """Whether it is the first of two."""
    return made.kind is Kind.CREATE
