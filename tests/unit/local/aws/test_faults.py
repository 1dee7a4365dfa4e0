"""Faults that are asked for, and that nothing happens without asking."""

import http.client
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import Fault
from local.aws.faults import PATH, Faults

Json = dict[str, Any]
QUEUE: Json = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}
ACT = {"resource_type": "AWS::SQS::Queue", "logical_id": "Queue", "stack": "s", "action": "create"}


def test_a_fault_is_over_after_its_times() -> None:
    faults = Faults()
    faults.replace([Fault(message="no", times=2), Fault(logical_id="Other", message="never")])

    assert [len(faults.due(**ACT)) for _ in range(3)] == [1, 1, 0]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(resource_type="AWS::SNS::*"),
        Fault(logical_id="Q"),
        Fault(stack="other-*"),
        Fault(action="delete"),
    ],
)
def test_a_fault_is_for_what_it_names(fault: Fault) -> None:
    faults = Faults()
    faults.replace([fault])
    assert faults.due(**ACT) == []


def test_an_unknown_action_is_refused() -> None:
    with pytest.raises(ValueError, match="'destroy' is none of create, update, delete, revert"):
        Fault(action="destroy")  # type: ignore[arg-type] # what a request may say


def test_a_resource_fails_once_with_the_message(aws: Any, inject: Callable[..., None]) -> None:
    inject(Fault(logical_id="Queue", action="create", message="the queue will not", times=1))

    assert aws.execute(aws.plan("fault-once", QUEUE)) == "ROLLBACK_COMPLETE"
    assert ("fault-once", "Queue", "the queue will not") in aws.failures("fault-once")
    assert aws.execute(aws.plan("fault-twice", QUEUE)) == "CREATE_COMPLETE"


def test_a_delay_leaves_the_other_services_answering(aws: Any, inject: Callable[..., None]) -> None:
    inject(Fault(logical_id="Queue", action="create", seconds=0.6))
    planned = aws.plan("fault-delay", QUEUE)
    begun = time.monotonic()
    aws.client("cloudformation").execute_change_set(ChangeSetName=planned["ChangeSetId"])

    assert aws.stack("fault-delay")["StackStatus"] == "CREATE_IN_PROGRESS"
    assert [e["LogicalResourceId"] for e in aws.events("fault-delay")][-1] == "Queue"
    assert time.monotonic() - begun < 0.6
    assert aws.settled("fault-delay") == "CREATE_COMPLETE"
    assert time.monotonic() - begun >= 0.6


def test_a_delete_that_fails_is_retained_or_forced(aws: Any, inject: Callable[..., None]) -> None:
    def failing(name: str) -> str:
        arn: str = aws.deploy(name, {"Resources": {"A": aws.nest(QUEUE)}})["StackId"]
        assert aws.delete(name) == "DELETE_FAILED"
        return arn

    inject(Fault(logical_id="Queue", action="delete", message="still in use"))
    cloudformation = aws.client("cloudformation")
    retained, forced = failing("fault-retain"), failing("fault-force")

    cloudformation.delete_stack(StackName=retained, RetainResources=["A"])
    assert aws.settled(retained) == "DELETE_COMPLETE"
    assert [
        e["LogicalResourceId"] for e in aws.events(retained) if e["ResourceStatus"] == "DELETE_SKIPPED"
    ] == ["A"]
    cloudformation.delete_stack(StackName=forced, DeletionMode="FORCE_DELETE_STACK")
    assert aws.settled(forced) == "DELETE_COMPLETE"


def test_a_rollback_that_fails_leaves_what_it_could_not_undo(aws: Any, inject: Callable[..., None]) -> None:
    inject(
        Fault(logical_id="Topic", action="create", message="no topic"),
        Fault(logical_id="Queue", action="revert", message="cannot go"),
    )
    topic = {"Type": "AWS::SNS::Topic", "DependsOn": "Queue"}
    template = {"Resources": {**QUEUE["Resources"], "Topic": topic}}

    assert aws.execute(aws.plan("fault-back", template)) == "ROLLBACK_FAILED"

    with pytest.raises(ClientError, match="is in ROLLBACK_FAILED state and can not be updated"):
        aws.plan("fault-back", template, "UPDATE")
    (held,) = aws.client("cloudformation").describe_stack_resources(StackName="fault-back")["StackResources"]
    assert (held["ResourceStatus"], held["ResourceStatusReason"]) == ("DELETE_FAILED", "cannot go")
    assert held["PhysicalResourceId"] in aws.client("sqs").list_queues()["QueueUrls"]
    inject()
    assert aws.delete("fault-back") == "DELETE_COMPLETE"
    assert held["PhysicalResourceId"] not in aws.client("sqs").list_queues().get("QueueUrls", [])


def test_a_change_set_takes_its_time_to_be_made(aws: Any, inject: Callable[..., None]) -> None:
    inject(Fault(resource_type="AWS::CloudFormation::ChangeSet", seconds=0.5))
    planned = aws.plan("fault-pending", {"Resources": {"A": aws.nest(QUEUE)}})

    assert (planned["Status"], planned["ExecutionStatus"]) == ("CREATE_IN_PROGRESS", "UNAVAILABLE")
    assert planned["Changes"] == []
    with pytest.raises(ClientError, match="CREATE_IN_PROGRESS"):
        aws.execute(planned)
    aws.awaited(lambda: aws.change_set(planned["ChangeSetId"])["Status"] == "CREATE_COMPLETE")
    assert aws.execute(planned) == "CREATE_COMPLETE"


def test_a_change_set_fails_as_asked(aws: Any, inject: Callable[..., None]) -> None:
    inject(Fault(resource_type="AWS::CloudFormation::ChangeSet", message="an internal failure", times=1))
    first, second = (aws.plan("fault-set", QUEUE) for _ in range(2))

    assert (first["Status"], first["StatusReason"]) == ("FAILED", "an internal failure")
    assert second["Status"] == "CREATE_COMPLETE"


def test_what_is_no_list_of_faults_is_refused(aws: Any) -> None:
    address = aws.endpoint_url.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=5)
    connection.request("PUT", PATH, b'[{"colour": "red"}]')

    answer = connection.getresponse()

    assert (answer.status, b"colour" in answer.read()) == (400, True)
    connection.close()
