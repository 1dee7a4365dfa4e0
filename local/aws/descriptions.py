"""How a change set is told of: DescribeChangeSet and ListChangeSets, with all that botocore's model has."""

import time

from ministack.services import cloudformation
from ministack.services.cloudformation import changesets as upstream
from ministack.services.cloudformation import handlers, helpers

from local.aws.stacks import Answer, Json, as_xml

SHOWN = (
    "Action",
    "LogicalResourceId",
    "PhysicalResourceId",
    "ResourceType",
    "Replacement",
    "PolicyAction",
    "Scope",
)
VALUES = ("Path", "BeforeValue", "AfterValue", "AttributeChangeType")


def describe(params: Json) -> Answer:
    """DescribeChangeSet with all that botocore's model has for it, a hundred changes a page."""
    change_set, refusal = look_up(params)
    if change_set is None:
        return refusal
    listed = [] if pending(change_set) else change_set["Changes"]
    changes, next_token, problem = _page(listed, params, "DescribeChangeSet")
    if problem is not None:
        return problem
    with_values = says_yes(params, "IncludePropertyValues")
    secret = {name for name, value in change_set["_resolved_params"].items() if value.get("NoEcho")}
    said: Json = {
        **_summary(change_set),
        "Parameters": [
            {
                **entry,
                "ParameterValue": "****" if entry["ParameterKey"] in secret else entry["ParameterValue"],
            }
            for entry in change_set["Parameters"]
        ],
        "Capabilities": change_set["Capabilities"],
        "Tags": [{"Key": tag["Key"], "Value": tag["Value"]} for tag in change_set["Tags"]],
        "OnStackFailure": change_set.get("OnStackFailure") or None,
        "NotificationARNs": change_set.get("NotificationARNs"),
        "RollbackConfiguration": change_set.get("RollbackConfiguration"),
        "DeploymentMode": change_set.get("DeploymentMode") or None,
        "ImportExistingResources": bool(change_set.get("ImportExistingResources")),
        "Changes": [
            {"Type": "Resource", "ResourceChange": _shown(change["ResourceChange"], with_values)}
            for change in changes
        ],
    }
    return answered("DescribeChangeSet", as_xml(said) + next_token)


def _shown(resource: Json, with_values: bool) -> Json:
    said: Json = {key: resource[key] for key in SHOWN if key in resource}
    said["ChangeSetId"] = resource.get("ChangeSetId")
    said["Details"] = [
        {
            **{key: value for key, value in detail.items() if key != "Target"},
            "Target": {
                key: value for key, value in detail["Target"].items() if with_values or key not in VALUES
            },
        }
        for detail in resource.get("Details", [])
    ]
    if with_values:
        said |= {key: resource.get(key) for key in ("BeforeContext", "AfterContext")}
    return said


def list_change_sets(params: Json) -> Answer:
    """ListChangeSets by the stack's name or id, with each one's parent and root."""
    stack = handlers._resolve_stack(helpers._p(params, "StackName"))
    if stack is None:
        return refused(f"Stack [{helpers._p(params, 'StackName')}] does not exist")
    mine = [c for c in cloudformation._change_sets.values() if c["StackId"] == stack["StackId"]]
    page, next_token, problem = _page(mine, params, "ListChangeSets")
    if problem is not None:
        return problem
    return answered("ListChangeSets", as_xml({"Summaries": [_summary(c) for c in page]}) + next_token)


def _summary(change_set: Json) -> Json:
    keys = (
        "ChangeSetId",
        "ChangeSetName",
        "StackId",
        "StackName",
        "Status",
        "StatusReason",
        "ExecutionStatus",
        "CreationTime",
        "Description",
        "IncludeNestedStacks",
        "ParentChangeSetId",
        "RootChangeSetId",
    )
    said = {key: change_set.get(key) or None for key in keys}
    said["IncludeNestedStacks"] = bool(change_set.get("IncludeNestedStacks"))
    if pending(change_set):
        said |= {"Status": "CREATE_IN_PROGRESS", "ExecutionStatus": "UNAVAILABLE", "StatusReason": None}
    return said


def pending(change_set: Json) -> bool:
    """Whether a change set is still being made; it takes time only where a fault says so."""
    return bool(time.time() < change_set.get("_ready_at", 0))


def look_up(params: Json) -> tuple[Json | None, Answer]:
    name, stack_name = helpers._p(params, "ChangeSetName"), helpers._p(params, "StackName")
    stack = handlers._resolve_stack(stack_name) if stack_name else None
    change_set = upstream._find_change_set(name, stack["StackName"] if stack else stack_name)[1]
    return change_set, refused(f"ChangeSet [{name}] does not exist", "ChangeSetNotFound", 404)


def _page(items: list[Json], params: Json, action: str) -> tuple[list[Json], str, Answer | None]:
    page, next_token, problem = helpers._page(items, params, action)
    return page, next_token, problem


def says_yes(params: Json, name: str) -> bool:
    return str(helpers._p(params, name, "false")).lower() == "true"


def refused(message: str, code: str = "ValidationError", status: int = 400) -> Answer:
    answer: Answer = helpers._error(code, message, status)
    return answer


def answered(action: str, inner: str) -> Answer:
    answer: Answer = helpers._xml(200, f"{action}Response", f"<{action}Result>{inner}</{action}Result>")
    return answer
