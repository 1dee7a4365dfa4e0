"""CancelUpdateStack through a tree of stacks: what runs stops, at every depth, and goes back.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CancelUpdateStack.html: only
from UPDATE_IN_PROGRESS. What is under way fails with "Resource update cancelled", as AWS's events show it.
"""

from collections.abc import Callable

from ministack.services import cloudformation
from ministack.services.cloudformation import handlers, helpers
from ministack.services.cloudformation import stacks as upstream

from local.aws.acts import Act, before
from local.aws.operations import retoken, root_of
from local.aws.patching import replace
from local.aws.stacks import Answer, Json, by_name

RUNNING = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS")


def install() -> None:
    before(check)
    replace(handlers._cancel_update_stack, _through_the_tree(handlers._cancel_update_stack))


def check(act: Act) -> None:
    """Raises ValueError when the update that this act belongs to has been cancelled."""
    stack = by_name(act.stack_name) or {}
    if stack.get("StackStatus") in RUNNING and root_of(stack).get("_stopping"):
        raise ValueError(f"Resource {'creation' if act.kind == 'create' else 'update'} cancelled")


def stop(top: Json, reason: str) -> None:
    """Have the running operation of a tree go back, giving `reason` as the root's."""
    top["_stopping"] = reason


def _through_the_tree(original: Callable[[Json], Answer]) -> Callable[[Json], Answer]:
    def cancel(params: Json) -> Answer:
        answer = original(params)
        stack = handlers._resolve_stack(helpers._p(params, "StackName"))
        if answer[0] != 200 or stack is None:
            return answer
        token = upstream.CLIENT_REQUEST_TOKEN.get()
        stop(root_of(stack), "User Initiated")
        if token:
            retoken(stack, token)
        for below in cloudformation._stacks.values():
            if below.get("RootId") == stack["StackId"] and below["StackStatus"] == "UPDATE_IN_PROGRESS":
                below["_cancel_requested"] = True
        return answer

    return cancel
