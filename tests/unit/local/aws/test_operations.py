"""Operations: their ids, their tokens, and DescribeEvents."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import Fault

Json = dict[str, Any]
Tree = Callable[..., Json]
Family = Callable[[str], dict[str, str]]


def begun(aws: Any, kind: str, token: str, **call: Any) -> None:
    getattr(aws.client("cloudformation"), kind)(ClientRequestToken=token, **call)


def test_each_operation_has_an_id_and_its_token_stands_on_every_event_of_the_tree(
    aws: Any, tree: Tree, family: Family
) -> None:
    planned = aws.plan("tokens", tree(1))
    begun(aws, "execute_change_set", "create-1", ChangeSetName=planned["ChangeSetId"])
    assert aws.settled("tokens") == "CREATE_COMPLETE"
    arns = family("tokens")
    updated = aws.plan("tokens", tree(2), "UPDATE")
    begun(aws, "execute_change_set", "update-2", ChangeSetName=updated["ChangeSetId"])
    assert aws.settled("tokens") == "UPDATE_COMPLETE"
    begun(aws, "delete_stack", "delete-3", StackName="tokens")
    assert aws.settled(arns["root"]) == "DELETE_COMPLETE"
    begun(aws, "delete_stack", "delete-3", StackName=arns["root"])  # a retry says nothing new

    for arn in arns.values():
        events = [e for e in aws.events(arn) if e["ResourceStatus"] != "REVIEW_IN_PROGRESS"]
        by_token: dict[str, set[str]] = {}
        for event in events:
            by_token.setdefault(event["ClientRequestToken"], set()).add(event["OperationId"])
        assert list(by_token) == ["create-1", "update-2", "delete-3"]
        assert [len(ids) for ids in by_token.values()] == [1, 1, 1]
        last = aws.stack(arn)["LastOperations"]
        assert [entry["OperationType"] for entry in last] == ["DELETE_STACK", "UPDATE_STACK", "CREATE_STACK"]
        assert {entry["OperationId"] for entry in last} == set.union(*by_token.values())


def test_the_failures_of_an_operation_are_found_by_its_id(
    aws: Any, tree: Tree, family: Family, inject: Callable[..., None]
) -> None:
    aws.deploy("finds", tree(1))
    inject(Fault(logical_id="Leaf", action="update", message="no such delay"))
    assert aws.execute(aws.plan("finds", tree(2), "UPDATE")) == "UPDATE_ROLLBACK_COMPLETE"
    inner, cloudformation = family("finds")["Inner"], aws.client("cloudformation")
    operation = next(e["OperationId"] for e in aws.events(inner) if e["ResourceStatus"] == "UPDATE_FAILED")

    (found,) = cloudformation.describe_events(OperationId=operation, Filters={"FailedEvents": True})[
        "OperationEvents"
    ]

    assert found["EventType"] == "PROVISIONING_ERROR"
    assert found["OperationType"] == "UPDATE_STACK"
    assert (found["LogicalResourceId"], found["ResourceStatusReason"]) == ("Leaf", "no such delay")
    own = [
        (e["ResourceStatus"], e["OperationStatus"])
        for e in cloudformation.describe_events(OperationId=operation)["OperationEvents"]
        if e["EventType"] == "STACK_EVENT"
    ]
    assert own[0] == ("UPDATE_ROLLBACK_COMPLETE", "FAILED")
    assert own[-1] == ("UPDATE_IN_PROGRESS", "IN_PROGRESS")
    of_stack = cloudformation.describe_events(StackName=inner)["OperationEvents"]
    assert len(of_stack) == len([e for e in aws.events(inner) if "OperationId" in e])


def test_a_request_sent_twice_is_done_once_and_its_token_is_no_other_requests(
    aws: Any, tree: Tree, inject: Callable[..., None]
) -> None:
    aws.deploy("retries", tree(1))
    planned = aws.plan("retries", tree(2), "UPDATE")["ChangeSetId"]
    cloudformation = aws.client("cloudformation")
    inject(Fault(logical_id="Twig", action="update", seconds=30))
    for _ in range(2):
        begun(aws, "execute_change_set", "once", ChangeSetName=planned)
    with pytest.raises(cloudformation.exceptions.TokenAlreadyExistsException):
        begun(aws, "cancel_update_stack", "once", StackName="retries")
    for _ in range(2):
        begun(aws, "cancel_update_stack", "stop", StackName="retries")

    assert aws.settled("retries") == "UPDATE_ROLLBACK_COMPLETE"
    begun(aws, "cancel_update_stack", "stop", StackName="retries")
    began = [e for e in aws.events("retries") if e["ResourceStatus"] == "UPDATE_IN_PROGRESS"]
    assert [e["LogicalResourceId"] for e in began].count("retries") == 1


def test_continuing_is_an_operation_of_its_own(aws: Any, tree: Tree, inject: Callable[..., None]) -> None:
    aws.deploy("operation-continued", tree(1))
    inject(
        Fault(logical_id="Last", action="update", message="no"),
        Fault(logical_id="Top", action="revert", message="no"),
    )
    assert aws.execute(aws.plan("operation-continued", tree(2), "UPDATE")) == "UPDATE_ROLLBACK_FAILED"
    inject()

    aws.client("cloudformation").continue_update_rollback(StackName="operation-continued")

    assert aws.settled("operation-continued") == "UPDATE_ROLLBACK_COMPLETE"
    assert aws.stack("operation-continued")["LastOperations"][0]["OperationType"] == "CONTINUE_ROLLBACK"


def test_events_are_paged_by_the_hundred(aws: Any) -> None:
    topics = {f"Topic{number}": {"Type": "AWS::SNS::Topic"} for number in range(55)}
    aws.deploy("pages", {"Resources": topics})

    pages = list(aws.client("cloudformation").get_paginator("describe_events").paginate(StackName="pages"))

    assert len(pages) == 2
    events = [event for page in pages for event in page["OperationEvents"]]
    assert len({event["EventId"] for event in events}) == len(events) == 112  # two each, and two of the stack


@pytest.mark.parametrize("listing", ["describe_events", "describe_stack_events"])
def test_a_next_page_goes_on_where_the_last_one_ended(aws: Any, listing: str) -> None:
    name = listing.replace("_", "-")
    topics = {f"Topic{number}": {"Type": "AWS::SNS::Topic"} for number in range(60)}
    aws.deploy(name, {"Resources": topics})
    describe = getattr(aws.client("cloudformation"), listing)
    key = "OperationEvents" if listing == "describe_events" else "StackEvents"
    first = describe(StackName=name)
    more = {"More": {"Type": "AWS::SNS::Topic"}}
    aws.deploy(name, {"Resources": {**topics, **more}}, "UPDATE")

    second = describe(StackName=name, NextToken=first["NextToken"])

    assert len(first[key]) == 100
    assert {e["EventId"] for e in first[key]}.isdisjoint(e["EventId"] for e in second[key])
    assert second[key][-1]["ResourceStatus"] in ("CREATE_IN_PROGRESS", "REVIEW_IN_PROGRESS")
    assert len(second[key]) in (22, 23)  # the review is no operation's


def test_without_saying_whose_there_are_no_events(aws: Any) -> None:
    with pytest.raises(ClientError, match="One of ChangeSetName, OperationId or StackName must be specified"):
        aws.client("cloudformation").describe_events()


def test_protection_is_the_roots_and_holds_its_deletion_up(aws: Any, tree: Tree, family: Family) -> None:
    aws.deploy("protected", tree(1))
    cloudformation = aws.client("cloudformation")
    with pytest.raises(ClientError, match="set on the root stack"):
        cloudformation.update_termination_protection(
            StackName=family("protected")["Outer"], EnableTerminationProtection=True
        )
    cloudformation.update_termination_protection(StackName="protected", EnableTerminationProtection=True)

    with pytest.raises(ClientError, match="TerminationProtection is enabled"):
        aws.delete("protected")
    assert aws.stack(family("protected")["Inner"])["EnableTerminationProtection"] is True


def test_a_stack_that_is_being_updated_is_not_deleted(
    aws: Any, tree: Tree, inject: Callable[..., None]
) -> None:
    aws.deploy("busy", tree(1))
    planned = aws.plan("busy", tree(2), "UPDATE")
    inject(Fault(logical_id="Leaf", action="update", seconds=30))
    cloudformation = aws.client("cloudformation")
    cloudformation.execute_change_set(ChangeSetName=planned["ChangeSetId"])

    with pytest.raises(ClientError, match="cannot be deleted while in status UPDATE_IN_PROGRESS"):
        cloudformation.delete_stack(StackName="busy")
    cloudformation.cancel_update_stack(StackName="busy")
    assert aws.settled("busy") == "UPDATE_ROLLBACK_COMPLETE"


def test_a_second_deletion_changes_nothing(aws: Any, tree: Tree, inject: Callable[..., None]) -> None:
    arn = aws.deploy("operation-deleted", tree(1))["StackId"]
    inject(Fault(logical_id="Last", action="delete", seconds=0.4))
    cloudformation = aws.client("cloudformation")
    for _ in range(2):
        cloudformation.delete_stack(StackName="operation-deleted")

    assert aws.settled(arn) == "DELETE_COMPLETE"
    begun = [e["LogicalResourceId"] for e in aws.events(arn) if e["ResourceStatus"] == "DELETE_IN_PROGRESS"]
    assert begun == ["operation-deleted", "Last", "Outer", "Top"]
