"""Plans that nobody will apply any more, told from those that somebody still reads.

A plan is left over when its stack has moved since, or when it is a day older than the one just made; one that
nobody can ever apply, since it failed, found no changes or is obsolete, once its maker has surely read why.
The time is CloudFormation's own, so that no clock of ours must be right. Which plan is whose cannot be known:
a younger one stays, and so does one of another version of the seal.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from deployer import seal
from deployer.changeset import ChangeSets
from deployer.target import PREFIX

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import ChangeSetSummaryTypeDef

GRACE = timedelta(days=1)
# Who made one that failed waits for its nested ones to settle, and then asks for the cause.
READ = timedelta(minutes=10)
# An executed one is the stack's history, and one that is being executed or deleted is somebody's now.
IDLE = frozenset({"", "AVAILABLE", "UNAVAILABLE", "OBSOLETE"})
SETTLED = frozenset({"", "CREATE_COMPLETE", "FAILED"})  # one that is still being made is left to its maker


def leftovers(
    listed: "Sequence[ChangeSetSummaryTypeDef]", made: str, state: Mapping[str, str]
) -> "Iterator[ChangeSetSummaryTypeDef]":
    """Of a stack's change sets those of ours to remove: `made` is the id of ours just made, `state` the
    stack's as its seal tells it.
    """
    now = next((one.get("CreationTime") for one in listed if one["ChangeSetId"] == made), None)
    for one in listed:
        if one["ChangeSetId"] == made or not one["ChangeSetName"].startswith(PREFIX):
            continue
        if one.get("ExecutionStatus", "") not in IDLE or one.get("Status", "") not in SETTLED:
            continue
        born = one.get("CreationTime")
        if now is None or born is None or born > now:  # who planned after us may know the stack better
            continue
        then = seal.stack_of(one.get("Description", ""))
        moved = then is not None and then != seal.as_told(state)
        if moved or now - born > _grace(one):
            yield one


def _grace(one: "ChangeSetSummaryTypeDef") -> timedelta:
    if one.get("ExecutionStatus") == "OBSOLETE":  # executing it is refused, and so is reading it
        return timedelta(0)
    return READ if one.get("Status") == "FAILED" else GRACE


def remove(change_sets: ChangeSets, stack_name: str, made: str, state: Mapping[str, str]) -> None:
    """Housekeeping that nobody waits for: what cannot be removed, or another deployer removes now, stays."""
    with suppress(ClientError):
        for one in leftovers(change_sets.listed(stack_name), made, state):
            with suppress(ClientError):
                change_sets.begin_deletion(one["ChangeSetId"])
