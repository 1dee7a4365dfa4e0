"""The way out of every state in which a stack takes no change: looked at first, then gone to its end.

Everything begins at the root but one thing: what a nested stack is to keep is told to that nested stack,
since RetainResources names resources of one stack only. The root goes last, so that whatever stops us
leaves a root from which `recover` starts again.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from deployer import remnants, stack, states
from deployer.causes import CANCELLED
from deployer.drawing import cut
from deployer.errors import Busy, DeployerError, MissingStack, UsageError
from deployer.events import Listener
from deployer.operation import Operation
from deployer.remnants import Remnant
from deployer.stack import Stack
from deployer.states import NEVER_CREATED, Standing
from deployer.target import Target

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import DeleteStackInputTypeDef

DELETED = frozenset({"DELETE_COMPLETE"})
ROLLED_BACK = frozenset({"UPDATE_ROLLBACK_COMPLETE"})


class Unrecoverable(DeployerError):
    """{stack} is {status}, and CloudFormation has no call that goes on from it: mend what `python deploy.py
    recover {environment} --json` lists and ask AWS Support, or give it up with `python deploy.py destroy
    {environment}`"""


class NotBlocking(UsageError):
    """{option} names {path!r}, which blocks nothing in {stack}; what does: {blocking}"""


class WrongOption(UsageError):
    """{option} is for a stack that is {wanted}; {stack} is {status}: run `python deploy.py recover
    {environment}` without it"""


class ProtectedRemains(DeployerError):
    """{stack} is protected against deletion, though it was never complete: take that away with `aws
    cloudformation update-termination-protection --no-enable-termination-protection --region {region}
    --stack-name {stack}`, then run `python deploy.py recover {environment}`"""


class Way(StrEnum):
    """What `recover` does, as CloudFormation calls it."""

    NOTHING = "nothing to do"
    DELETE = "DeleteStack"
    CONTINUE = "ContinueUpdateRollback"
    ROLL_BACK = "RollbackStack"
    NONE = "none"  # it is stuck, and there is no call for that


@dataclass(frozen=True)
class Recovery:
    """A stack as it stands, and what `recover` would do about it."""

    environment: str
    stack: str
    stack_id: str
    status: str
    reason: str
    way: Way
    blocking: tuple[Remnant, ...] = ()  # what could not be put back, or not be deleted
    left: tuple[Remnant, ...] = ()  # what else still stands, and goes with the stack
    orphans: tuple[Remnant, ...] = ()  # what was kept, and belongs to no stack any more

    def render(self, width: int = 100) -> str:
        meaning = states.STUCK.get(self.status) or "an update failed, and was left as it was"
        lines = [f"{self.stack} is {self.status}: {meaning}"]
        if self.reason:
            lines.append(f"  {self.reason}")
        for title, several in (
            ("what blocks:", self.blocking),
            ("what is left, and would be deleted or kept by its DeletionPolicy:", self.left),
            ("kept, and in no stack any more; delete it or import it:", self.orphans),
        ):
            if several:
                lines += [title, *(cut(f"  {remnant}", width) for remnant in several)]
        return "\n".join([*lines, *self._told()])

    def _told(self) -> Iterator[str]:
        again = states.command("recover", self.environment, self.stack)
        if self.way is Way.DELETE and self.status == "DELETE_FAILED":
            yield "recovering deletes it again, so mend what blocks first. What cannot be mended:"
            yield f"  {again} --retain PATH   keeps that resource, and deletes the rest"
            yield f"  {again} --force         keeps whatever cannot be deleted; the last resort"
        elif self.way is Way.DELETE:
            yield f"recovering deletes the stack; then create it with {self.plan}"
        elif self.way is Way.CONTINUE:
            yield "recovering continues the roll-back, so mend what blocks first. What cannot be mended:"
            yield f"  {again} --skip PATH   leaves that resource as it is, out of step with its template"
        elif self.way is Way.ROLL_BACK:
            yield f"recovering rolls it back to where it was complete; or go on with {self.plan}"

    @property
    def plan(self) -> str:
        return f"`{states.next_command('DELETE_COMPLETE', self.environment, self.stack)}`"


@dataclass(frozen=True)
class Choice:
    """What the person named: all of it blocks, and CloudFormation takes it in this state."""

    skip: tuple[Remnant, ...] = ()
    retain: tuple[Remnant, ...] = ()
    force: bool = False


def look(target: Target, stack_name: str) -> Recovery:
    """Raises MissingStack, and Busy while an operation is under way."""
    target.check_account()
    environment = target.environment.name
    present = stack.find(target.clients.cloudformation, stack_name)
    if present is None:
        verb = "bootstrap" if stack_name.endswith(states.BOOTSTRAP) else "apply"
        region = target.environment.region
        raise MissingStack(stack=stack_name, region=region, command=verb, environment=environment)
    if present.is_moving:
        raise Busy(stack=stack_name, status=present.status, environment=environment)
    way = _way(present)
    found = remnants.of(target.clients.cloudformation, present.id) if way is not Way.NOTHING else ()
    blocking = tuple(remnant for remnant in found if _blocks(remnant, way))
    goes = way is Way.DELETE
    return Recovery(
        environment=environment,
        stack=stack_name,
        stack_id=present.id,
        status=present.status,
        reason=present.reason,
        way=way,
        blocking=blocking,
        left=tuple(each for each in found if goes and each.stands and each not in blocking),
        orphans=tuple(each for each in found if each.kept),
    )


def choose(recovery: Recovery, skip: Sequence[str], retain: Sequence[str], *, force: bool) -> Choice:
    """The resources that these paths name. Raises WrongOption, NotBlocking."""
    for option, given, wanted in (
        ("--skip", bool(skip), "UPDATE_ROLLBACK_FAILED"),
        ("--retain", bool(retain), "DELETE_FAILED"),
        ("--force", force, "DELETE_FAILED"),
    ):
        if given and recovery.status != wanted:
            raise WrongOption(
                option=option,
                wanted=wanted,
                stack=recovery.stack,
                status=recovery.status,
                environment=recovery.environment,
            )
    return Choice(_named(recovery, "--skip", skip), _named(recovery, "--retain", retain), force)


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
        found = remnants.of(target.clients.cloudformation, recovery.stack_id)
        return tuple(remnant for remnant in found if remnant.kept)
    elif recovery.way is Way.NONE:
        raise Unrecoverable(stack=recovery.stack, status=recovery.status, environment=recovery.environment)
    return ()


def _way(present: Stack) -> Way:
    if present.status in NEVER_CREATED or present.status == "DELETE_FAILED":
        return Way.DELETE
    if present.status == "UPDATE_ROLLBACK_FAILED":
        return Way.CONTINUE
    if present.status == "UPDATE_FAILED":
        return Way.ROLL_BACK
    return Way.NONE if states.standing(present.status) is Standing.STUCK else Way.NOTHING


def _blocks(remnant: Remnant, way: Way) -> bool:
    """Of a roll-back only what failed in it: what was cancelled before it may not be skipped.

    A nested stack may be skipped when it is gone or could not go:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html
    """
    if way is Way.CONTINUE:
        cancelled = any(words in remnant.reason for words in CANCELLED)
        if remnant.is_container and not remnant.nested_status.startswith("DELETE"):
            return False
        return remnant.status == "UPDATE_FAILED" and not cancelled
    return remnant.status.endswith("_FAILED") and remnant.status != "CREATE_FAILED"


def _named(recovery: Recovery, option: str, paths: Iterable[str]) -> tuple[Remnant, ...]:
    by_path = {remnant.path: remnant for remnant in recovery.blocking}
    for path in paths:
        if path not in by_path:
            blocking = ", ".join(by_path) or "nothing"
            raise NotBlocking(option=option, path=path, stack=recovery.stack, blocking=blocking)
    return tuple(by_path[path] for path in dict.fromkeys(paths))


def _continue(target: Target, recovery: Recovery, skip: Sequence[Remnant], listener: Listener) -> None:
    operation = _operation(target, recovery.stack, recovery.stack_id)
    target.clients.cloudformation.continue_update_rollback(
        StackName=recovery.stack_id,
        ResourcesToSkip=[remnant.skip_as for remnant in skip],
        ClientRequestToken=target.new_token(),
    )
    operation.follow(listener, ROLLED_BACK)


def _roll_back(target: Target, recovery: Recovery, listener: Listener) -> None:
    operation = _operation(target, recovery.stack, recovery.stack_id)
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
    operation = _operation(target, name, stack_id)
    target.clients.cloudformation.delete_stack(**arguments)
    operation.follow(listener, DELETED)


def _operation(target: Target, name: str, stack_id: str) -> Operation:
    return Operation(
        target.clients.cloudformation,
        name,
        stack_id,
        target.environment,
        clock=target.clock,
        poll=target.poll,
    )
