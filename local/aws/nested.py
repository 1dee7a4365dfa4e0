"""Nested stacks: deployed by the same engine as the root, so that they roll back and report as it does.

Upstream deploys a child with a second, smaller engine of its own, which forgets the attributes of
what an update leaves alone, keeps no policies on deletion and does not roll back. Statuses, reasons
and event texts follow AWS's user guide, "Working with nested stacks", and the texts that AWS's
users quote ("Embedded stack … was not successfully created").
"""

import copy
import secrets
import string

from ministack.core import responses
from ministack.services import cloudformation
from ministack.services.cloudformation import engine, handlers, helpers, provisioners
from ministack.services.cloudformation import stacks as upstream

from local.aws.continuing import go_on, not_updated, stay
from local.aws.stacks import STACK, Json, by_id, by_name, failed_resources, run_on_loop


def install() -> None:
    provisioners._RESOURCE_HANDLERS[STACK] = {
        "create": create,
        "update": update,
        "update_with_logical_id": True,
        "delete": delete,
    }


def new_child(parent: Json, logical_id: str, status: str) -> Json:
    """Register an empty child of `parent`, named as AWS names them."""
    suffix = "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(12))
    name = f"{parent['StackName']}-{logical_id}-{suffix}"[-128:]
    region, account = responses.get_region(), responses.get_account_id()
    now = responses.now_iso()
    child: Json = {
        "StackName": name,
        "StackId": f"arn:aws:cloudformation:{region}:{account}:stack/{name}/{responses.new_uuid()}",
        "StackStatus": status,
        "StackStatusReason": "",
        "CreationTime": now,
        "LastUpdatedTime": now,
        "Description": "",
        "Parameters": [],
        "Tags": [],
        "Outputs": [],
        "DisableRollback": False,
        "ParentId": parent["StackId"],
        "RootId": parent.get("RootId") or parent["StackId"],
        "_logical_id": logical_id,
        "_region": region,
        "_resources": {},
        "_template": {},
        "_template_body": "",
        "_resolved_params": {},
        "_conditions": {},
    }
    cloudformation._stacks[name] = child
    cloudformation._stack_events[child["StackId"]] = []
    upstream._add_event(child["StackId"], name, name, STACK, status, "", child["StackId"])
    return child


def children(parent: Json, logical_id: str) -> list[Json]:
    """The stacks that `parent` holds, or has held, under a logical id."""
    return [
        stack
        for stack in cloudformation._stacks.values()
        if stack.get("ParentId") == parent["StackId"] and stack.get("_logical_id") == logical_id
    ]


def read_template(url: str, capabilities: list[str]) -> tuple[str, Json]:
    """A child's template, as text and parsed. Raises ValueError when it cannot be had or is not allowed."""
    body, problem = helpers._resolve_template({"TemplateURL": [url]})
    if problem is not None or not body:
        raise ValueError(f"TemplateURL {url} must reference a valid S3 object to which you have access.")
    template: Json = engine._parse_template(body)
    missing = handlers._missing_capabilities(set(capabilities), handlers._required_iam_capabilities(template))
    if missing and handlers._capabilities_enforced():
        raise ValueError(handlers._insufficient_capabilities_message(missing))
    return body, template


def provided_parameters(props: Json) -> list[Json]:
    """The Parameters of a nested stack resource as the engine takes them."""
    given = props.get("Parameters") or {}
    if not isinstance(given, dict) or any(isinstance(value, list | dict) for value in given.values()):
        raise ValueError(
            "Value of property Parameters must be an object with String (or simple type) properties"
        )
    return [{"Key": key, "Value": _text(value)} for key, value in given.items()]


def passed_tags(parent: Json, parent_tags: list[Json], logical_id: str, props: Json) -> list[Json]:
    """The tags that a child gets from its resource and from its parent."""
    tagged = provisioners._with_stack_tags(
        STACK, props, parent_tags, parent["StackName"], parent["StackId"], logical_id
    )
    return own_tags(tagged)


def own_tags(props: Json) -> list[Json]:
    """The tags a child passes on; the aws: ones are made anew at each level."""
    tags = provisioners._tag_map(props.get("Tags"))
    return [{"Key": key, "Value": value} for key, value in tags.items() if not key.startswith("aws:")]


def create(logical_id: str, props: Json, stack_name: str) -> tuple[str, Json]:
    """Deploy a child; the change set may have registered it already. Raises ValueError when it fails."""
    parent = _required(stack_name)
    waiting = [c for c in children(parent, logical_id) if c["StackStatus"] == "REVIEW_IN_PROGRESS"]
    child = waiting[0] if waiting else new_child(parent, logical_id, "CREATE_IN_PROGRESS")
    if waiting:
        child["StackStatus"] = "CREATE_IN_PROGRESS"
        _own_event(child, "CREATE_IN_PROGRESS")
    upstream._add_event(
        parent["StackId"],
        stack_name,
        logical_id,
        STACK,
        "CREATE_IN_PROGRESS",
        "Resource creation Initiated",
        child["StackId"],
    )
    _deploy(child, parent, props, previous=None)
    if child["StackStatus"] != "CREATE_COMPLETE":
        raise ValueError(
            f"Embedded stack {child['StackId']} was not successfully created: "
            f"{failed_resources(child['StackId']) or child['StackStatusReason']}"
        )
    return child["StackId"], _attributes(child)


def update(
    physical_id: str, old_props: Json, new_props: Json, stack_name: str, logical_id: str | None = None
) -> tuple[str, Json]:
    """Update a child in place; one that would not change is left alone. Raises ValueError when it fails."""
    parent = _required(stack_name)
    child = by_id(physical_id)
    if child is None:
        return create(logical_id or physical_id, new_props, stack_name)
    _, template = read_template(new_props["TemplateURL"], parent.get("Capabilities") or [])
    params = engine._resolve_parameters(template, provided_parameters(new_props), child["_resolved_params"])
    same = template == child["_template"] and params == child["_resolved_params"]
    if child["StackStatus"] == "UPDATE_ROLLBACK_FAILED":
        same = False  # it has its old template again, and not all of its old resources
    if same and provisioners._tag_map(own_tags(new_props)) == provisioners._tag_map(child["Tags"]):
        return physical_id, _attributes(child)
    rolling_back = parent["StackStatus"] == "UPDATE_ROLLBACK_IN_PROGRESS"
    if rolling_back and child["StackStatus"] == "UPDATE_ROLLBACK_FAILED" and "_taken_back" not in child:
        go_on(child, parent)
        return physical_id, _attributes(child)
    if not rolling_back:
        child.pop("_skipping", None)
    previous = copy.deepcopy(child)
    child["StackStatus"] = "UPDATE_ROLLBACK_IN_PROGRESS" if rolling_back else "UPDATE_IN_PROGRESS"
    child["LastUpdatedTime"] = responses.now_iso()
    _own_event(child, child["StackStatus"])
    _deploy(child, parent, new_props, previous, going_back=rolling_back)
    if rolling_back and child["StackStatus"] == "UPDATE_FAILED":
        stay(child)
    if child["StackStatus"] != "UPDATE_COMPLETE":
        raise ValueError(not_updated(child))
    if rolling_back:
        child.pop("_taken_back", None)
        child.pop("_rollback_failed", None)
        child["StackStatus"] = "UPDATE_ROLLBACK_COMPLETE"
        cloudformation._stack_events[physical_id][-1]["ResourceStatus"] = "UPDATE_ROLLBACK_COMPLETE"
    return physical_id, _attributes(child)


def delete(physical_id: str, props: Json) -> None:
    """Delete a child with all it holds, dependents first. Raises ValueError when something remains."""
    child = by_id(physical_id)
    if child is None or child["StackStatus"] == "DELETE_COMPLETE":
        return
    parent = by_id(child["ParentId"]) or {}
    if parent.get("StackStatus") == "ROLLBACK_IN_PROGRESS":
        _let_go(child, even_retained=bool(parent.get("_retain_except_on_create")))
    run_on_loop(upstream._delete_stack_async(child["StackName"], physical_id))
    if child["StackStatus"] != "DELETE_COMPLETE":
        raise ValueError(
            f"Embedded stack {physical_id} was not successfully deleted: {child['StackStatusReason']}"
        )


def _deploy(
    child: Json, parent: Json, props: Json, previous: Json | None, *, going_back: bool = False
) -> None:
    capabilities = parent.get("Capabilities") or []
    child["Capabilities"] = list(capabilities)
    child["_disable_rollback"] = bool(parent.get("_disable_rollback"))
    child["_retain_except_on_create"] = bool(parent.get("_retain_except_on_create"))
    try:
        body, template = read_template(props.get("TemplateURL") or "", capabilities)
        params = engine._resolve_parameters(template, provided_parameters(props), child["_resolved_params"])
        engine.validate_template_support(
            template, engine._evaluate_conditions(template, params), params=params
        )
    except ValueError as error:
        child["StackStatus"] = "CREATE_FAILED" if previous is None else previous["StackStatus"]
        child["StackStatusReason"] = str(error)
        _own_event(child, "CREATE_FAILED" if previous is None else "UPDATE_FAILED", str(error))
        raise
    child["Description"] = template.get("Description", "")
    child["Tags"] = own_tags(props)
    child["Parameters"] = [
        {"ParameterKey": key, "ParameterValue": value["Value"], "NoEcho": value["NoEcho"]}
        for key, value in params.items()
    ]
    child["_template_body"] = body
    child["_conditions"] = engine._evaluate_conditions(template, params)
    if previous is None:
        child["_template"], child["_resolved_params"] = template, params
    run_on_loop(
        upstream._deploy_stack_async(
            child["StackName"],
            child["StackId"],
            template,
            params,
            child["_disable_rollback"] or going_back,  # what goes back has nowhere further to go
            child["Tags"],
            is_update=previous is not None,
            previous_stack=previous,
            retain_except_on_create=child["_retain_except_on_create"],
        )
    )
    _settle_change_set(child)


def _settle_change_set(child: Json) -> None:
    done = child["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
    for change_set in cloudformation._change_sets.values():
        if (
            change_set["StackId"] == child["StackId"]
            and change_set["ExecutionStatus"] == "EXECUTE_IN_PROGRESS"
        ):
            change_set["ExecutionStatus"] = "EXECUTE_COMPLETE" if done else "EXECUTE_FAILED"


def _let_go(child: Json, *, even_retained: bool) -> None:
    """What a failed first creation made is deleted where its policy, or the caller, excepts creation."""
    template = copy.deepcopy(child["_template"])
    for resource in template.get("Resources", {}).values():
        policy = resource.get("DeletionPolicy")
        if policy == "RetainExceptOnCreate" or (policy == "Retain" and even_retained):
            resource["DeletionPolicy"] = "Delete"
    child["_template"] = template


def _own_event(child: Json, status: str, reason: str = "") -> None:
    name, stack_id = child["StackName"], child["StackId"]
    upstream._add_event(stack_id, name, name, STACK, status, reason, stack_id)


def _attributes(child: Json) -> Json:
    return {f"Outputs.{output['OutputKey']}": output["OutputValue"] for output in child["Outputs"]}


def _required(stack_name: str) -> Json:
    stack = by_name(stack_name)
    if stack is None:
        raise ValueError(f"Stack [{stack_name}] does not exist")
    return stack


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
