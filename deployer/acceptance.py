"""Which losses of data somebody accepted, resource by resource."""

from collections.abc import Collection, Iterable

from deployer.changes import Action, Change, Replacement
from deployer.errors import DeployerError, UsageError
from deployer.holding import HOLDING_DATA
from deployer.plan import Plan

Path = tuple[str, ...]  # the logical ids of the nested stacks that lead to a resource, and its own


class NotEndangered(UsageError):
    """--accept-data-loss {name}: the plan does not endanger such a resource; it endangers {endangered}.
    Nothing was changed"""


class Ambiguous(UsageError):
    """--accept-data-loss {name} could be any of {several}: name one in full. Nothing was changed"""


class DataLossNotAccepted(DeployerError):
    """{stack} would lose data, and nobody accepted that for {paths}: read the plan; to go on all the same,
    run the command again with {options}. Nothing was changed"""


def endangered(plan: Plan) -> tuple[Path, ...]:
    return tuple((*path, change.logical_id) for path, change in plan.at_risk)


def accept(plan: Plan, names: Iterable[str]) -> frozenset[Path]:
    """The endangered resources that are meant: by path (`Stream/Readings`), or by a logical id that is one's.

    Raises NotEndangered, Ambiguous.
    """
    by_name = {shown(path): path for path in endangered(plan)}
    accepted = set()
    for name in names:
        meant = [by_name[name]] if name in by_name else [one for one in by_name.values() if one[-1] == name]
        if not meant:
            raise NotEndangered(name=name, endangered=", ".join(by_name) or "nothing")
        if len(meant) > 1:
            raise Ambiguous(name=name, several=", ".join(map(shown, meant)))
        accepted.add(meant[0])
    return frozenset(accepted)


def missing(plan: Plan, accepted: Collection[Path]) -> tuple[Path, ...]:
    """The endangered resources whose loss nobody accepted yet."""
    return tuple(path for path in endangered(plan) if path not in accepted)


def refuse_missing(plan: Plan, accepted: Collection[Path]) -> None:
    """Raises DataLossNotAccepted."""
    if paths := [shown(path) for path in missing(plan, accepted)]:
        raise DataLossNotAccepted(
            stack=plan.stack_name,
            paths=", ".join(paths),
            options=" ".join(f"--accept-data-loss {path}" for path in paths),
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
