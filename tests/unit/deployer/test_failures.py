"""Answers constructed from the model."""

from typing import Any

from deployer import failures
from deployer.causes import first_cause

NESTED = "AWS::CloudFormation::Stack"


def stamped(event: dict[str, Any], token: str = "", operation: str = "", **more: Any) -> dict[str, Any]:
    more |= {"ClientRequestToken": token} if token else {}
    return {**event, **more, **({"OperationId": operation} if operation else {})}


def failed_update(aws: Any, second: float, token: str, operation: str = "") -> list[dict[str, Any]]:
    events = [
        aws.about("millrace-dev", "UPDATE_IN_PROGRESS", second),
        aws.about("Outer", "UPDATE_IN_PROGRESS", second + 1, parent="millrace-dev"),
        aws.about(
            "Outer", "UPDATE_FAILED", second + 5, parent="millrace-dev", reason="Embedded stack failed"
        ),
        aws.about("millrace-dev", "UPDATE_ROLLBACK_IN_PROGRESS", second + 6),
        aws.about("millrace-dev", "UPDATE_ROLLBACK_COMPLETE", second + 9),
    ]
    return [stamped(event, token, operation) for event in events]


def good_update(aws: Any, second: float, token: str) -> list[dict[str, Any]]:
    statuses = ("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE")
    return [
        stamped(aws.about("millrace-dev", status, second + offset), token)
        for offset, status in enumerate(statuses)
    ]


def operation_event(aws: Any, stack: str, logical_id: str, second: float, **more: Any) -> dict[str, Any]:
    event = aws.event(stack, logical_id, "UPDATE_FAILED", second, reason=more.pop("reason", "no such key"))
    del event["StackName"]
    return {**event, "EventType": "PROVISIONING_ERROR", **more}


def last(aws: Any, operation: str | None = None) -> failures.Episode | None:
    return failures.last(aws.cloudformation, aws.stack_id("millrace-dev"), operation)


def test_the_last_failed_operation_is_found_behind_one_that_went_well(aws: Any) -> None:
    aws.tells("millrace-dev", *failed_update(aws, 0, "first"), *good_update(aws, 100, "second"))
    aws.tells("Outer")
    aws.says("describe_events", {"OperationEvents": [operation_event(aws, "Outer", "Queue", 3)]})

    found = last(aws)

    assert found is not None
    assert (found.token, (found.ended - found.began).total_seconds()) == ("first", 9)
    assert [event.path for event in found.events if event.failed] == ["Outer/Queue", "Outer"]


def test_an_update_that_was_rolled_back_at_the_second_try_is_told_and_neither_try(aws: Any) -> None:
    update = [*failed_update(aws, 0, "update")[:-1], aws.about("millrace-dev", "UPDATE_ROLLBACK_FAILED", 9)]
    tries = [
        stamped(aws.about("millrace-dev", f"UPDATE_ROLLBACK_{status}", second), token)
        for second, status, token in (
            (20, "IN_PROGRESS", "first"),
            (22, "FAILED", "first"),
            (30, "IN_PROGRESS", "second"),
            (32, "COMPLETE", "second"),
        )
    ]
    aws.tells("millrace-dev", *update, *tries)
    aws.tells("Outer")
    aws.says("describe_events", {"OperationEvents": [operation_event(aws, "Outer", "Queue", 3)]})

    found = last(aws)

    assert found is not None
    assert found.token == "update"
    assert [event.path for event in found.events if event.failed][:2] == ["Outer/Queue", "Outer"]


def test_an_operation_is_found_by_its_token_though_it_went_well(aws: Any) -> None:
    aws.tells("millrace-dev", *failed_update(aws, 0, "first"), *good_update(aws, 100, "second"))

    found = last(aws, "second")

    assert found is not None
    assert (found.token, found.failed) == ("second", False)


def test_an_operation_that_nobody_knows_is_none(aws: Any) -> None:
    aws.tells("millrace-dev", *good_update(aws, 0, "first"))

    assert last(aws, "another") is None


def test_by_its_id_what_only_describe_events_tells_is_found_too(aws: Any) -> None:
    aws.tells("millrace-dev", *failed_update(aws, 0, "t", "op-1"))
    hook = {
        "EventId": "h",
        "StackId": aws.stack_id("millrace-dev"),
        "EventType": "HOOK_INVOCATION_ERROR",
        "LogicalResourceId": "Bucket",
        "ResourceType": "AWS::S3::Bucket",
        "HookStatusReason": "no encryption",
        "Timestamp": aws.event("x", "x", "x", 2)["Timestamp"],
    }
    aws.says(
        "describe_events", {"OperationEvents": [hook]}, OperationId="op-1", Filters={"FailedEvents": True}
    )
    aws.tells("Outer")
    child = {"StackName": aws.stack_id("Outer"), "Filters": {"FailedEvents": True}}
    going_back = operation_event(aws, "Outer", "Topic", 7, OperationType="ROLLBACK")
    events = [
        going_back,
        operation_event(aws, "Outer", "Queue", 3),
        operation_event(aws, "Outer", "Old", -50),
    ]
    aws.says("describe_events", {"OperationEvents": events}, **child)

    found = last(aws, "op-1")

    assert found is not None
    assert [(event.path, event.status, event.going_back) for event in found.events if event.failed] == [
        ("Bucket", "HOOK_FAILED", False),
        ("Outer/Queue", "UPDATE_FAILED", False),
        ("Outer", "UPDATE_FAILED", False),
        ("Outer/Topic", "UPDATE_FAILED", True),
    ]


def test_where_there_is_no_describe_events_stack_events_are_read(aws: Any) -> None:
    aws.tells("millrace-dev", *failed_update(aws, 0, "t"))
    aws.tells(
        "Outer",
        aws.event("Outer", "Queue", "UPDATE_FAILED", -50, reason="long ago"),
        aws.about("Outer", "UPDATE_IN_PROGRESS", 1),
        aws.event("Outer", "Queue", "UPDATE_FAILED", 3, reason="no such key"),
    )
    aws.refuses("describe_events", "InvalidAction")

    found = last(aws)

    assert found is not None
    assert [event.reason for event in found.events if event.failed] == [
        "no such key",
        "Embedded stack failed",
    ]


def test_a_nested_stack_that_was_never_made_is_no_error(aws: Any) -> None:
    aws.tells("millrace-dev", *failed_update(aws, 0, "t"))
    aws.refuses("describe_stack_events", "ValidationError", "Stack [Outer] does not exist")

    found = last(aws)

    assert found is not None
    assert [event.path for event in found.events if event.failed] == ["Outer"]


def test_an_operation_that_begins_on_the_next_page_is_read_to_its_beginning(aws: Any) -> None:
    first, *later = failed_update(aws, 0, "t")
    aws.tells("millrace-dev", *later, token="older")
    aws.tells("millrace-dev", first, NextToken="older")
    aws.tells("Outer")
    aws.says("describe_events", {"OperationEvents": [operation_event(aws, "Outer", "Queue", 3)]})

    found = last(aws)

    assert found is not None
    assert found.events[0].status == "UPDATE_IN_PROGRESS"


def test_a_roll_back_that_somebody_asked_for_is_an_operation_of_its_own(aws: Any) -> None:
    events = [
        *failed_update(aws, 0, "first")[:-1],
        stamped(aws.about("millrace-dev", "UPDATE_ROLLBACK_FAILED", 9), "first"),
        stamped(aws.about("millrace-dev", "UPDATE_ROLLBACK_IN_PROGRESS", 20), "second"),
        stamped(aws.event("millrace-dev", "Queue", "UPDATE_FAILED", 21, reason="it is gone"), "second"),
        stamped(aws.about("millrace-dev", "UPDATE_ROLLBACK_FAILED", 22), "second"),
    ]
    aws.tells("millrace-dev", *events)

    found = last(aws)

    assert found is not None
    assert (found.token, [event.path for event in found.events]) == (
        "second",
        ["millrace-dev", "Queue", "millrace-dev"],
    )


def test_when_a_nested_stack_turned_back_is_told_by_its_own_events_only(aws: Any) -> None:
    aws.tells("millrace-dev", *failed_update(aws, 0, "t"))
    aws.tells(
        "Outer",
        aws.event("Outer", "Queue", "UPDATE_FAILED", 2, reason="no such key"),
        aws.about("Outer", "UPDATE_ROLLBACK_IN_PROGRESS", 3),
        aws.event("Outer", "Topic", "UPDATE_FAILED", 3, reason="it is gone"),
    )
    told = [operation_event(aws, "Outer", name, second) for name, second in (("Topic", 3), ("Queue", 2))]
    aws.says("describe_events", {"OperationEvents": told})

    found = last(aws)

    assert found is not None
    cause = first_cause(found.events)
    assert cause is not None
    assert (cause.first.logical_id, [event.logical_id for event in cause.going_back]) == ("Queue", ["Topic"])


def test_what_a_failure_leaves_out_an_earlier_event_of_it_has(aws: Any) -> None:
    aws.tells("millrace-dev", *failed_update(aws, 0, "t"))
    begun = aws.event("Outer", "Queue", "UPDATE_IN_PROGRESS", 2, physical="queue-1")
    aws.tells(
        "Outer",
        {**begun, "ResourceProperties": '{"QueueName": "orders"}'},
        aws.event("Outer", "Queue", "UPDATE_FAILED", 3, reason="no such key"),
    )
    aws.says("describe_events", {"OperationEvents": []})

    found = last(aws)

    assert found is not None
    (failure,) = [event for event in found.events if event.failed and not event.is_container]
    assert (failure.physical_id, failure.properties) == ("queue-1", '{"QueueName": "orders"}')
