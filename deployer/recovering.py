"""A recovery carried out, and followed to its end.

Everything begins at the root but one thing: what a nested stack is to keep is told to that nested stack,
since RetainResources names resources of one stack only. The root goes last, so that whatever stops us
leaves a root from which `recover` starts again.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from deployer import remnants, stack
from deployer.errors import DeployerError
from deployer.events import Listener
from deployer.operation import Operation
from deployer.recovery import Choice, Recovery, Way
from deployer.remnants import Remnant
from deployer.target import Target

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import DeleteStackInputTypeDef

DELETED = frozenset({"DELETE_COMPLETE"})
ROLLED_BACK = frozenset({"UPDATE_ROLLBACK_COMPLETE"})


class Unrecoverable(DeployerError):
    """{stack} is {status}, and CloudFormation has no call that goes on from it: mend what `python deploy.py
    recover {environment} --json` lists and ask AWS Support, or give it up with `python deploy.py destroy
    {environment}`"""


class ProtectedRemains(DeployerError):
    """{stack} is protected against deletion, though it was never complete: take that away with `aws
    cloudformation update-termination-protection --no-enable-termination-protection --region {region}
    --stack-name {stack}`, then run `python deploy.py recover {environment}`"""


def perform(target: Target, recovery: Recovery, choice: Choice, listener: Listener) -> tuple[Remnant, ...]:
    """Do it, and follow it to its end; what was kept and belongs to no stack any more.

    Raises Unrecoverable, ProtectedRemains, DeploymentFailed, LostSight.
    """
    target.check_account()
    if recovery.way is Way.CONTINUE:
        _continue(target, recovery, choice.skip, listener)
    elif recovery.way is Way.ROLL_BACK:
        _roll_back(target, recovery, listener)
    elif recovery.way is Way.DELETE:
        _delete(target, recovery, choice, listener)
        return _kept(target, recovery, choice)
    elif recovery.way is Way.NONE:
        raise Unrecoverable(stack=recovery.stack, status=recovery.status, environment=recovery.environment)
    return ()


def _kept(target: Target, recovery: Recovery, choice: Choice) -> tuple[Remnant, ...]:
    """What was named, and what the stacks tell of themselves now that they are deleted.

    A nested stack that stayed behind is asked by its own id: its parent may tell of nothing any more.
    """
    cloudformation = target.clients.cloudformation
    kept = {remnant.path: remnant for remnant in choice.retain}
    kept |= {each.path: each for each in remnants.of(cloudformation, recovery.stack_id) if each.kept}
    if choice.force:
        for remnant in recovery.blocking:
            summaries = remnants.statuses(cloudformation, remnant.stack_id)
            if summaries.get(remnant.logical_id) in {"DELETE_SKIPPED", "DELETE_FAILED"}:
                kept.setdefault(remnant.path, remnant)
    return tuple(kept.values())


def _continue(target: Target, recovery: Recovery, skip: Sequence[Remnant], listener: Listener) -> None:
    operation = Operation.of(target, recovery.stack, recovery.stack_id)
    target.clients.cloudformation.continue_update_rollback(
        StackName=recovery.stack_id,
        ResourcesToSkip=[remnant.skip_as for remnant in skip],
        ClientRequestToken=target.new_token(),
    )
    operation.follow(listener, ROLLED_BACK)


def _roll_back(target: Target, recovery: Recovery, listener: Listener) -> None:
    operation = Operation.of(target, recovery.stack, recovery.stack_id)
    target.clients.cloudformation.rollback_stack(
        StackName=recovery.stack_id, ClientRequestToken=target.new_token(), RetainExceptOnCreate=True
    )
    operation.follow(listener, ROLLED_BACK)


def _delete(target: Target, recovery: Recovery, choice: Choice, listener: Listener) -> None:
    cloudformation = target.clients.cloudformation
    present = stack.find(cloudformation, recovery.stack_id)
    if present is not None and present.protected:
        raise ProtectedRemains(
            stack=recovery.stack, region=target.environment.region, environment=recovery.environment
        )
    kept: dict[str, list[str]] = {}
    for remnant in sorted(choice.retain, key=lambda remnant: -remnant.path.count("/")):
        kept.setdefault(remnant.stack_id, []).append(remnant.logical_id)
    own = kept.pop(recovery.stack_id, [])
    for stack_id, logical_ids in kept.items():
        _delete_one(target, stack.name_of(stack_id), stack_id, logical_ids, listener)
    _delete_one(target, recovery.stack, recovery.stack_id, own, listener, force=choice.force)


def _delete_one(
    target: Target,
    name: str,
    stack_id: str,
    retain: Sequence[str],
    listener: Listener,
    *,
    force: bool = False,
) -> None:
    arguments: DeleteStackInputTypeDef = {"StackName": stack_id, "ClientRequestToken": target.new_token()}
    if retain:
        arguments["RetainResources"] = list(retain)
    if force:
        arguments["DeletionMode"] = "FORCE_DELETE_STACK"
    operation = Operation.of(target, name, stack_id)
    target.clients.cloudformation.delete_stack(**arguments)
    operation.follow(listener, DELETED)
