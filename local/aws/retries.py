"""A request that is sent again, with the token that it was sent with the first time, is the same request.

Source: botocore's model (ExecuteChangeSet's, DeleteStack's, ContinueUpdateRollback's and CancelUpdateStack's
ClientRequestToken: "specify this token if you plan to retry requests"; TokenAlreadyExistsException). A token
that another request of the stack has had is refused.
"""

from collections.abc import Callable

from ministack.services.cloudformation import changesets, handlers, helpers

from local.aws.descriptions import answered, look_up, refused
from local.aws.patching import replace
from local.aws.stacks import Answer, Json, by_name


def install() -> None:
    for action, original in (
        ("ExecuteChangeSet", changesets._execute_change_set),
        ("DeleteStack", handlers._delete_stack),
        ("ContinueUpdateRollback", handlers._continue_update_rollback),
        ("CancelUpdateStack", handlers._cancel_update_stack),
    ):
        replace(original, _once(action, original))


def _once(action: str, original: Callable[[Json], Answer]) -> Callable[[Json], Answer]:
    def once(params: Json) -> Answer:
        token = helpers._p(params, "ClientRequestToken")
        stack, about = _target(action, params)
        if not token or stack is None:
            return original(params)
        taken = stack.setdefault("_tokens", {})
        if taken.get(token) == about:
            return answered(action, "")
        if token in taken:
            return refused(f"Token {token} already exists", "TokenAlreadyExistsException")
        answer = original(params)
        if answer[0] == 200:
            taken[token] = about
        return answer

    return once


def _target(action: str, params: Json) -> tuple[Json | None, str]:
    """The stack that a request is for, and what it asks, as text."""
    if action == "ExecuteChangeSet":
        change_set, _ = look_up(params)
        if change_set is None:
            return None, ""
        return by_name(change_set["StackName"]), f"{action} {change_set['ChangeSetId']}"
    return handlers._resolve_stack(helpers._p(params, "StackName")), action
