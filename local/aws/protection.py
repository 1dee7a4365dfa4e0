"""What holds the deletion of a stack up: the protection of its tree, and an update that is under way.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-protect-stacks.html: it is
set on the root and cannot be changed on a nested stack, and a nested stack of a protected root cannot be
deleted. That a stack "cannot be deleted while in status UPDATE_IN_PROGRESS" is AWS's word, which eksctl goes
by; a stack that is being deleted already takes another request as done.
"""

from collections.abc import Callable

from ministack.services import cloudformation
from ministack.services.cloudformation import handlers, helpers

from local.aws.descriptions import answered, refused
from local.aws.operations import root_of
from local.aws.patching import replace
from local.aws.stacks import Answer, Json

BUSY = (
    "ROLLBACK_IN_PROGRESS",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_IN_PROGRESS",
)


def install() -> None:
    replace(handlers._update_termination_protection, _for_the_tree(handlers._update_termination_protection))
    replace(handlers._delete_stack, _as_the_root(handlers._delete_stack))


def _for_the_tree(original: Callable[[Json], Answer]) -> Callable[[Json], Answer]:
    def update(params: Json) -> Answer:
        stack = handlers._resolve_stack(helpers._p(params, "StackName"))
        if stack is not None and stack.get("ParentId"):
            return refused(
                f"Stack [{stack['StackId']}] is nested: termination protection is set on the root stack "
                f"{stack['RootId']}."
            )
        answer = original(params)
        if answer[0] == 200 and stack is not None:
            for below in cloudformation._stacks.values():
                if below.get("RootId") == stack["StackId"]:
                    below["EnableTerminationProtection"] = stack["EnableTerminationProtection"]
        return answer

    return update


def _as_the_root(original: Callable[[Json], Answer]) -> Callable[[Json], Answer]:
    """Nested stacks that were made after the root was protected are protected by asking the root."""

    def delete(params: Json) -> Answer:
        stack = handlers._resolve_stack(helpers._p(params, "StackName"))
        if stack is not None and root_of(stack).get("EnableTerminationProtection"):
            stack["EnableTerminationProtection"] = True
        status = stack["StackStatus"] if stack is not None else ""
        if stack is not None and status in BUSY:
            return refused(f"Stack [{stack['StackId']}] cannot be deleted while in status {status}")
        if status == "DELETE_IN_PROGRESS":
            return answered("DeleteStack", "")
        return original(params)

    return delete
