"""Change sets over nested stacks: a child change set per nested stack that changes, driven from the root.

Semantics: API_CreateChangeSet, API_DescribeChangeSet, API_ExecuteChangeSet and API_DeleteChangeSet of
CloudFormation, "Change sets for nested stacks" in its user guide, and botocore's model for the shapes.
Errors whose wording no document gives are ours, and say so here: executing or deleting a child.
"""

import time
from collections.abc import Awaitable, Callable

from ministack.services import cloudformation
from ministack.services.cloudformation import changesets as upstream
from ministack.services.cloudformation import handlers, helpers
from ministack.services.cloudformation import stacks as upstream_stacks

from local.aws import triggers, validation
from local.aws.acts import FAULTS
from local.aws.descriptions import answered, describe, list_change_sets, look_up, pending, refused, says_yes
from local.aws.nesting import family, nest
from local.aws.patching import replace
from local.aws.preview import Options, Preview, preview
from local.aws.stacks import Answer, Json, as_xml, by_name

NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a change set."
)
NO_UPDATES = "No updates are to be performed."
CHANGE_SET = "AWS::CloudFormation::ChangeSet"  # no resource: what a fault names to mean a change set
STABLE = (
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
)
NEW = ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE")


def install() -> None:
    replace(upstream._create_change_set, _Creation(upstream._create_change_set))
    replace(upstream._describe_change_set, describe)
    replace(upstream._execute_change_set, _execution(upstream._execute_change_set))
    replace(upstream._delete_change_set, _deletion(upstream._delete_change_set))
    replace(upstream._list_change_sets, list_change_sets)
    replace(upstream._track_change_set_execution, _settling(upstream._track_change_set_execution))


class _Creation:
    """Upstream checks the request and makes the root's change set; its changes are then worked out anew."""

    def __init__(self, original: Callable[[Json], Answer]) -> None:
        self._original = original

    def __call__(self, params: Json) -> Answer:
        name, kind = helpers._p(params, "StackName"), helpers._p(params, "ChangeSetType", "UPDATE")
        existing = handlers._resolve_stack(name)
        if kind == "IMPORT" or says_yes(params, "ImportExistingResources"):
            return self._original(params)
        again = _same_request(existing, params)
        if again is not None:
            return _created(again)
        refusal = _refusal(existing, name, kind, helpers._p(params, "ChangeSetName"))
        if refusal:
            return refused(refusal)
        limited = triggers.refusal(triggers.requested(params))
        if limited is not None:
            return limited
        under_review = existing if existing and existing["StackStatus"] == "REVIEW_IN_PROGRESS" else None
        answer = self._original(params)
        if answer[0] != 200:
            if under_review is not None:
                cloudformation._stacks[under_review["StackName"]] = under_review
            return answer
        change_set = list(cloudformation._change_sets.values())[-1]
        if under_review is not None:
            _keep_stack(under_review, change_set)
        change_set["_client_token"] = helpers._p(params, "ClientToken")
        change_set["RollbackConfiguration"] = triggers.requested(params)
        change_set["NotificationARNs"] = helpers._extract_string_members(params, "NotificationARNs")
        change_set["RoleARN"] = helpers._p(params, "RoleARN")
        change_set["DeploymentMode"] = helpers._p(params, "DeploymentMode")
        _work_out(change_set, include_nested=says_yes(params, "IncludeNestedStacks"))
        _injected(change_set)
        return _created(change_set)


def _same_request(stack: Json | None, params: Json) -> Json | None:
    """A retry with the same ClientToken is the same change set."""
    token, name = helpers._p(params, "ClientToken"), helpers._p(params, "ChangeSetName")
    return next(
        (
            change_set
            for change_set in cloudformation._change_sets.values()
            if stack is not None
            and token
            and change_set["StackId"] == stack["StackId"]
            and change_set["ChangeSetName"] == name
            and change_set.get("_client_token") == token
        ),
        None,
    )


def _refusal(stack: Json | None, name: str, kind: str, change_set: str) -> str:
    status = stack["StackStatus"] if stack else ""
    if kind == "CREATE":
        if stack is None or status in NEW:
            return ""
        return f"Stack [{name}] already exists and cannot be created again with the changeSet [{change_set}]."
    if stack is None or status == "DELETE_COMPLETE":
        return f"Stack [{name}] does not exist"
    if status not in STABLE:
        return f"Stack:{stack['StackId']} is in {status} state and can not be updated."
    return ""


def _keep_stack(stack: Json, change_set: Json) -> None:
    """A second change set for a stack under review is for that very stack; upstream makes another."""
    replaced = cloudformation._stacks[stack["StackName"]]
    cloudformation._stack_events.pop(replaced["StackId"], None)
    cloudformation._stacks[stack["StackName"]] = stack
    change_set["StackId"] = stack["StackId"]


def _work_out(change_set: Json, *, include_nested: bool) -> None:
    stack = by_name(change_set["StackName"]) or {}
    change_set["IncludeNestedStacks"] = include_nested
    given = change_set["_tags_given"]
    tags = change_set["Tags"] if given else stack.get("Tags") or []
    retag = upstream_stacks._stack_tags_changed(stack, tags, given)
    updating = change_set["ChangeSetType"] == "UPDATE"
    options = Options(
        include_nested=include_nested, capabilities=change_set["Capabilities"], retag=updating and retag
    )
    try:
        with upstream_stacks._stack_region_context(stack, stack["StackId"]):
            found = preview(
                Preview(
                    stack,
                    change_set["_template"],
                    change_set["_template_body"],
                    change_set["_resolved_params"],
                    tags,
                ),
                options,
            )
    except ValueError as error:
        _fail(change_set, str(error))
        return
    change_set["Changes"] = found.changes
    if found.failed:
        nest(change_set, found, root=change_set)
        return
    if found.empty and not (updating and retag):
        same = (
            found.template == stack.get("_template")
            and _values(found.params) == _values(stack.get("_resolved_params") or {})
            and include_nested
        )
        _fail(change_set, NO_CHANGES if same or not include_nested else NO_UPDATES)
        return
    change_set.update(Status="CREATE_COMPLETE", ExecutionStatus="AVAILABLE", StatusReason="")
    nest(change_set, found, root=change_set)


def _injected(change_set: Json) -> None:
    """A delay or a failure that was asked for, of the root's change set."""
    due = FAULTS.due(
        resource_type=CHANGE_SET,
        logical_id=change_set["ChangeSetName"],
        stack=change_set["StackName"],
        action="create",
    )
    for fault in due:
        if fault.message:
            _fail(change_set, fault.message)
        for made in (change_set, *family(change_set)):
            made["_ready_at"] = time.time() + fault.seconds


def _fail(change_set: Json, reason: str) -> None:
    change_set.update(Status="FAILED", ExecutionStatus="UNAVAILABLE", StatusReason=reason, Changes=[])
    validation.conclude(change_set)


def _execution(original: Callable[[Json], Answer]) -> Callable[[Json], Answer]:
    def execute(params: Json) -> Answer:
        change_set, refusal = look_up(params)
        if change_set is None:
            return refusal
        if change_set.get("ParentChangeSetId"):
            return refused(
                f"ChangeSet [{change_set['ChangeSetId']}] belongs to {_root_of(change_set)}: execute that."
            )
        if pending(change_set):
            return refused(
                f"ChangeSet [{change_set['ChangeSetId']}] cannot be executed in its current status of "
                "[CREATE_IN_PROGRESS]",
                "InvalidChangeSetStatus",
            )
        stack = by_name(change_set["StackName"]) or {}
        on_failure = change_set.get("OnStackFailure", "")
        was = {
            key: stack.get(key) for key in ("_retain_except_on_create", "_disable_rollback", "_change_set_id")
        }
        # The children read these from the stack that they stand in; upstream passes them to the root alone.
        stack["_retain_except_on_create"] = says_yes(params, "RetainExceptOnCreate")
        stack["_disable_rollback"] = on_failure == "DO_NOTHING" or says_yes(params, "DisableRollback")
        stack["_change_set_id"] = change_set["ChangeSetId"]
        answer = original(params)
        if answer[0] != 200:
            stack.update(was)
            return answer
        stack["Description"] = change_set["_template"].get("Description", "")
        for key in ("RollbackConfiguration", "RoleARN", "NotificationARNs"):
            if change_set.get(key):
                stack[key] = change_set[key]  # saved with the stack, for what comes later too
        mine = family(change_set)
        for child in mine:
            child["ExecutionStatus"] = "EXECUTE_IN_PROGRESS"
            for other in list(cloudformation._change_sets.values()):
                if other["StackId"] == child["StackId"] and other not in mine:
                    cloudformation._change_sets.pop(other["ChangeSetId"], None)
        return answer

    return execute


def _settling(original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """A child that the execution never reached, or found unchanged, ends as its root does."""

    async def track(change_set: Json, stack: Json, deploy: Awaitable[None]) -> None:
        try:
            await original(change_set, stack, deploy)
        finally:
            for child in family(change_set):
                if child["ExecutionStatus"] == "EXECUTE_IN_PROGRESS":
                    child["ExecutionStatus"] = change_set["ExecutionStatus"]

    return track


def _deletion(original: Callable[[Json], Answer]) -> Callable[[Json], Answer]:
    def delete(params: Json) -> Answer:
        stack_name = helpers._p(params, "StackName")
        stack = handlers._resolve_stack(stack_name) if stack_name else None
        name = stack["StackName"] if stack else stack_name
        change_set = upstream._find_change_set(helpers._p(params, "ChangeSetName"), name)[1]
        if change_set is None:
            return original(params)
        if change_set.get("ParentChangeSetId"):
            return refused(
                f"ChangeSet [{change_set['ChangeSetId']}] belongs to {_root_of(change_set)}: delete that."
            )
        if change_set["ExecutionStatus"] == "EXECUTE_IN_PROGRESS":
            return refused(
                f"ChangeSet [{change_set['ChangeSetId']}] is being executed.", "InvalidChangeSetStatus"
            )
        for child in family(change_set):
            cloudformation._change_sets.pop(child["ChangeSetId"], None)
            below = by_name(child["StackName"])
            if below is not None and below["StackStatus"] == "REVIEW_IN_PROGRESS":
                below["StackStatus"] = "DELETE_COMPLETE"
        return original(params)

    return delete


def _root_of(change_set: Json) -> str:
    return str(change_set["RootChangeSetId"])


def _values(params: Json) -> Json:
    return {name: value["Value"] for name, value in params.items()}


def _created(change_set: Json) -> Answer:
    return answered(
        "CreateChangeSet", as_xml({"Id": change_set["ChangeSetId"], "StackId": change_set["StackId"]})
    )
