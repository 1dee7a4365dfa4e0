"""Which losses of data somebody accepted, resource by resource."""

from collections.abc import Collection, Iterable

from deployer.changes import Action, Change, Replacement
from deployer.errors import DataLossNotAccepted
from deployer.holding import HOLDING_DATA
from deployer.naming import meant
from deployer.plan import Plan

OPTION = "--accept-data-loss"

Path = tuple[str, ...]  # the logical ids of the nested stacks that lead to a resource, and its own


def endangered(plan: Plan) -> tuple[Path, ...]:
    return tuple((*path, change.logical_id) for path, change in plan.at_risk)


def accept(plan: Plan, names: Iterable[str]) -> frozenset[Path]:
    """The endangered resources that are meant: by path (`Stream/Readings`), or by a logical id that is one's.

    Raises NoSuchName, Ambiguous.
    """
    by_name = {shown(path): path for path in endangered(plan)}
    return frozenset(by_name[name] for name in meant(OPTION, names, list(by_name)))


def missing(plan: Plan, accepted: Collection[Path]) -> tuple[Path, ...]:
    """The endangered resources whose loss nobody accepted yet."""
    return tuple(path for path in endangered(plan) if path not in accepted)


def refuse_missing(plan: Plan, accepted: Collection[Path]) -> None:
    """Raises DataLossNotAccepted."""
    if paths := [shown(path) for path in missing(plan, accepted)]:
        raise DataLossNotAccepted(
            stack=plan.stack_name,
            paths=", ".join(paths),
            options=" ".join(f"{OPTION} {path}" for path in paths),
        )


def released(plan: Plan, accepted: Collection[Path]) -> frozenset[Path]:
    """What no stack policy may stand in the way of: accepted losses, and what leaves without any.

    What the preview cannot know stays protected: turns out to be a replacement what nobody could review, the
    policy refuses it, and the operation rolls back.
    """
    risky = endangered(plan)
    harmless = {
        (*path, change.logical_id)
        for path, change in plan.stacks.walk()
        if _leaves(change) and (*path, change.logical_id) not in risky
    }
    return frozenset(accepted) | harmless


def shown(path: Path) -> str:
    return "/".join(path)


def _leaves(change: Change) -> bool:
    """Certainly removed or replaced, so that a policy against that would stop it."""
    if change.type not in HOLDING_DATA or change.unresolved:
        return False
    return change.action is Action.REMOVE or change.replacement is not Replacement.NEVER
