"""The change sets of nested stacks: one for each stack that changes, below its parent's."""

import secrets
import string

from ministack.core import responses
from ministack.services import cloudformation

from local.aws import validation
from local.aws.preview import Preview
from local.aws.stacks import Json

NESTED_FAILED = "Nested change set {} was not successfully created: Currently in FAILED."


def nest(parent: Json, found: Preview, root: Json) -> None:
    """Give each nested stack that changes its change set, and name it in its parent's change.

    One that fails fails its parent's: the wording is as users of aws-cdk quote it.
    """
    by_logical_id = {
        change["ResourceChange"]["LogicalResourceId"]: change["ResourceChange"] for change in found.changes
    }
    failure = found.failure
    for logical_id, child in found.nested.items():
        change_set = _child(parent, logical_id, child, root)
        cloudformation._change_sets[change_set["ChangeSetId"]] = change_set
        by_logical_id[logical_id]["ChangeSetId"] = change_set["ChangeSetId"]
        nest(change_set, child, root)
        if change_set["Status"] == "FAILED" and not failure:
            failure = NESTED_FAILED.format(change_set["ChangeSetId"])
    if not parent.get("_disable_validation"):
        failure = validation.validate(parent, found) or failure
    if failure:
        parent.update(Status="FAILED", ExecutionStatus="UNAVAILABLE", StatusReason=failure)
    validation.conclude(parent)


def _child(parent: Json, logical_id: str, found: Preview, root: Json) -> Json:
    suffix = "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(12))
    name = f"{root['ChangeSetName'][:80]}-{logical_id[:30]}-{suffix}"
    prefix = root["ChangeSetId"].split(":changeSet/")[0]
    return {
        "ChangeSetId": f"{prefix}:changeSet/{name}/{responses.new_uuid()}",
        "ChangeSetName": name,
        "StackId": found.stack["StackId"],
        "StackName": found.stack["StackName"],
        "Status": "CREATE_COMPLETE",
        "ExecutionStatus": "AVAILABLE",
        "StatusReason": "",
        "CreationTime": responses.now_iso(),
        "Description": "",
        "ChangeSetType": "CREATE" if found.stack["StackStatus"] == "REVIEW_IN_PROGRESS" else "UPDATE",
        "Changes": found.changes,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": "****" if value["NoEcho"] else value["Value"]}
            for key, value in found.params.items()
        ],
        "Tags": found.tags,
        "Capabilities": root["Capabilities"],
        "OnStackFailure": root.get("OnStackFailure", ""),
        "IncludeNestedStacks": True,
        "ParentChangeSetId": parent["ChangeSetId"],
        "RootChangeSetId": root["ChangeSetId"],
        "_template": found.template,
        "_template_body": found.body,
        "_resolved_params": found.params,
        "_disable_validation": root.get("_disable_validation", False),
    }


def family(root: Json) -> list[Json]:
    """The change sets below a root's."""
    return [
        change_set
        for change_set in cloudformation._change_sets.values()
        if change_set.get("RootChangeSetId") == root["ChangeSetId"]
    ]
