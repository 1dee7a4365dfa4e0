"""An update that is cancelled while a resource three levels down waits."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import Fault


def test_a_cancelled_update_goes_back_at_every_depth(
    aws: Any, inject: Callable[..., None], tree: Callable[..., Any], family: Callable[[str], dict[str, str]]
) -> None:
    aws.deploy("cancelled", tree(1))
    arns = family("cancelled")
    inject(Fault(logical_id="Twig", action="update", seconds=30))
    planned = aws.plan("cancelled", tree(2), "UPDATE")
    cloudformation = aws.client("cloudformation")
    cloudformation.execute_change_set(ChangeSetName=planned["ChangeSetId"], ClientRequestToken="update-1")
    aws.awaited(lambda: any(e["LogicalResourceId"] == "Twig" for e in aws.events(arns["Inner"])[-1:]))

    cloudformation.cancel_update_stack(StackName="cancelled", ClientRequestToken="cancel-1")

    assert aws.settled("cancelled") == "UPDATE_ROLLBACK_COMPLETE"
    assert {aws.stack(arn)["StackStatus"] for arn in arns.values()} == {"UPDATE_ROLLBACK_COMPLETE"}
    (failed,) = [e for e in aws.events(arns["Inner"]) if e["ResourceStatus"] == "UPDATE_FAILED"]
    assert (failed["LogicalResourceId"], failed["ResourceStatusReason"]) == (
        "Twig",
        "Resource update cancelled",
    )
    back = [e for e in aws.events("cancelled") if e["ResourceStatus"] == "UPDATE_ROLLBACK_IN_PROGRESS"]
    assert [(e["ResourceStatusReason"], e["ClientRequestToken"]) for e in back] == [
        ("User Initiated", "cancel-1")
    ]
    url = aws.resources("cancelled")["Top"]
    found = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["DelaySeconds"])
    assert found["Attributes"]["DelaySeconds"] == "1"
    inject()
    assert aws.deploy("cancelled", tree(3), "UPDATE")["StackStatus"] == "UPDATE_COMPLETE"


def test_only_a_running_update_can_be_cancelled(aws: Any, tree: Callable[..., Any]) -> None:
    aws.deploy("not-running", tree(1))

    with pytest.raises(ClientError, match="cannot be called from current stack status"):
        aws.client("cloudformation").cancel_update_stack(StackName="not-running")
