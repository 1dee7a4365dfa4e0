"""Approval: asked for where somebody can answer, and never elsewhere."""

import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from deployer.acceptance import Path, missing, shown
from deployer.commands.showing import width
from deployer.deployment import Deployment
from deployer.errors import ApprovalNeeded, DeployerError, LetRun, Mistyped, NotApproved
from deployer.plan import Plan
from deployer.wrapping import wrapped


def need_terminal() -> None:
    """Never a prompt where nobody can answer. Raises ApprovalNeeded."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ApprovalNeeded


def approve() -> None:
    """Raises ApprovalNeeded, NotApproved."""
    need_terminal()
    if ask("Apply? Only `yes` does:") != "yes":
        raise NotApproved


def accept_losses(made: Plan, accepted: Collection[Path]) -> frozenset[Path]:
    """Each resource's name typed, for those that would lose data and are not accepted yet.

    Raises ApprovalNeeded, Mistyped.
    """
    paths = missing(made, accepted)
    if paths:
        need_terminal()
    for path in paths:
        name = shown(path)
        need_typed(f"{name} holds data that would be lost. Type {name} to accept that:", name)
    return frozenset(paths)


def need_typed(question: str, name: str) -> None:
    """Raises Mistyped, with what was typed."""
    if (typed := ask(question)) != name:
        raise Mistyped(typed=typed, wanted=name)


def ask(question: str) -> str:
    lines = wrapped(question, width(sys.stderr))
    print("\n".join(lines), end=" ", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


@contextmanager
def discarding(deployment: Deployment, made: Plan) -> Iterator[None]:
    """Without approval, or unread, what this command made goes again."""
    try:
        yield
        sys.stdout.flush()  # nobody executes what nobody could read
    except (DeployerError, KeyboardInterrupt, OSError):
        deployment.discard(made)
        raise


@contextmanager
def letting_run(environment: str) -> Iterator[None]:
    """Who stops looking learns that AWS does not stop."""
    try:
        yield
    except KeyboardInterrupt:
        raise LetRun(why="interrupted", environment=environment) from None
    except BrokenPipeError:
        raise LetRun(why="nobody reads the output", environment=environment) from None
