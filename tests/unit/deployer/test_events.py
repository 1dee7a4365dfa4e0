from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployer.causes import first_cause
from deployer.events import Progress, Streamer, in_time

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def follow(aws: Any) -> Streamer:
    return Streamer(aws.cloudformation, aws.stack_id("millrace-dev"))


def test_nested_stacks_are_found_and_followed_to_their_leaves(aws: Any) -> None:
    streamer = follow(aws)
    aws.tells("millrace-dev", aws.about("millrace-dev", "CREATE_COMPLETE", -100))
    streamer.mark()
    aws.tells(
        "millrace-dev",
        aws.about("millrace-dev", "UPDATE_IN_PROGRESS", 0),
        aws.about("Outer", "CREATE_IN_PROGRESS", 1, parent="millrace-dev"),
    )
    aws.tells("Outer", aws.about("Inner", "CREATE_IN_PROGRESS", 2, parent="Outer"))
    aws.tells("Inner", aws.event("Inner", "Queue", "CREATE_IN_PROGRESS", 3))

    seen = streamer.fetch()

    assert [(event.path, event.elapsed) for event in seen] == [
        ("millrace-dev", 0.0),
        ("Outer", 1.0),
        ("Outer/Inner", 2.0),
        ("Outer/Inner/Queue", 3.0),
    ]
    assert streamer.root_status == "UPDATE_IN_PROGRESS"


def test_events_are_told_once_and_with_the_time_they_took(aws: Any) -> None:
    streamer = follow(aws)
    aws.tells("millrace-dev")
    streamer.mark()
    begun = [
        aws.about("millrace-dev", "CREATE_IN_PROGRESS", 0),
        aws.event("millrace-dev", "Queue", "CREATE_IN_PROGRESS", 2),
    ]
    aws.tells("millrace-dev", *begun)
    aws.tells("millrace-dev", *begun, aws.event("millrace-dev", "Queue", "CREATE_COMPLETE", 9.5))

    assert len(streamer.fetch()) == 2
    (done,) = streamer.fetch()
    assert (done.logical_id, done.elapsed, done.took) == ("Queue", 9.5, 7.5)


def test_an_older_nested_stacks_past_is_left_out(aws: Any) -> None:
    streamer = follow(aws)
    aws.tells("millrace-dev")
    streamer.mark()
    aws.tells(
        "millrace-dev",
        aws.about("millrace-dev", "UPDATE_IN_PROGRESS", 0),
        aws.about("Outer", "UPDATE_IN_PROGRESS", 1, parent="millrace-dev"),
    )
    aws.tells(
        "Outer",
        aws.event("Outer", "Queue", "CREATE_FAILED", -50, reason="long ago"),
        aws.about("Outer", "UPDATE_IN_PROGRESS", 1),
    )

    assert [event.status for event in streamer.fetch()] == 3 * ["UPDATE_IN_PROGRESS"]


def test_pages_are_read_back_to_what_was_seen(aws: Any) -> None:
    streamer = follow(aws)
    aws.tells("millrace-dev")
    streamer.mark()
    aws.tells("millrace-dev", aws.event("millrace-dev", "B", "CREATE_COMPLETE", 2), token="older")
    aws.tells("millrace-dev", aws.event("millrace-dev", "A", "CREATE_COMPLETE", 1), NextToken="older")

    assert [event.logical_id for event in streamer.fetch()] == ["A", "B"]


def test_a_nested_stack_that_ended_is_asked_once_more_and_again_at_the_end(aws: Any) -> None:
    streamer = follow(aws)
    aws.tells("millrace-dev")
    streamer.mark()
    root = [
        aws.about("millrace-dev", "CREATE_IN_PROGRESS", 0),
        aws.about("Outer", "CREATE_IN_PROGRESS", 1, parent="millrace-dev"),
        aws.about("Outer", "CREATE_COMPLETE", 3, parent="millrace-dev"),
    ]
    aws.tells("millrace-dev", *root)
    queue = aws.event("Outer", "Queue", "CREATE_COMPLETE", 2)
    aws.tells("Outer", queue)
    aws.tells("millrace-dev", *root)
    aws.tells("millrace-dev", *root)
    cleaned = aws.event("Outer", "Old", "DELETE_COMPLETE", 4)
    aws.tells("Outer", queue, cleaned)

    assert [event.path for event in streamer.fetch()][-2:] == ["Outer/Queue", "Outer"]
    assert streamer.fetch() == []
    assert [event.path for event in streamer.finish()] == ["Outer/Old"]


def test_at_one_instant_a_stack_ends_after_what_is_in_it(aws: Any) -> None:
    streamer = follow(aws)
    aws.tells("millrace-dev")
    streamer.mark()
    aws.tells(
        "millrace-dev",
        aws.about("millrace-dev", "CREATE_IN_PROGRESS", 0),
        aws.about("Outer", "CREATE_IN_PROGRESS", 1, parent="millrace-dev"),
        aws.about("Outer", "CREATE_COMPLETE", 1, parent="millrace-dev"),
        aws.about("millrace-dev", "CREATE_COMPLETE", 1),
    )
    aws.tells(
        "Outer", aws.event("Outer", "Queue", "CREATE_COMPLETE", 1), aws.about("Outer", "CREATE_COMPLETE", 1)
    )

    assert [(event.path, event.about_stack) for event in streamer.fetch()][-4:] == [
        ("Outer/Queue", False),
        ("Outer", True),
        ("Outer", False),
        ("millrace-dev", True),
    ]


def test_at_one_instant_a_failure_in_a_grandchild_comes_before_what_is_around_it_turns_back(aws: Any) -> None:
    streamer = follow(aws)
    aws.tells("millrace-dev")
    streamer.mark()
    aws.tells(
        "millrace-dev",
        aws.about("millrace-dev", "UPDATE_IN_PROGRESS", 0),
        aws.about("Outer", "UPDATE_IN_PROGRESS", 0, parent="millrace-dev"),
        aws.about("Outer", "UPDATE_FAILED", 2, parent="millrace-dev", reason="was not successfully updated"),
        aws.about("millrace-dev", "UPDATE_ROLLBACK_IN_PROGRESS", 2),
    )
    aws.tells(
        "Outer",
        aws.about("Inner", "UPDATE_IN_PROGRESS", 0, parent="Outer"),
        aws.about("Inner", "UPDATE_FAILED", 1, parent="Outer", reason="was not successfully updated"),
        aws.about("Outer", "UPDATE_ROLLBACK_IN_PROGRESS", 1),
        aws.about("Inner", "UPDATE_IN_PROGRESS", 1, parent="Outer"),
    )
    aws.tells(
        "Inner",
        aws.event("Inner", "Grant", "CREATE_FAILED", 1, reason="no role"),
        aws.about("Inner", "UPDATE_ROLLBACK_IN_PROGRESS", 1),
    )

    seen = streamer.fetch()

    assert [(event.path, event.status) for event in seen if event.elapsed == 1] == [
        ("Outer/Inner/Grant", "CREATE_FAILED"),
        ("Outer/Inner", "UPDATE_ROLLBACK_IN_PROGRESS"),
        ("Outer/Inner", "UPDATE_FAILED"),
        ("Outer", "UPDATE_ROLLBACK_IN_PROGRESS"),
        ("Outer/Inner", "UPDATE_IN_PROGRESS"),
    ]
    assert str(first_cause(seen)) == "Outer/Inner/Grant (AWS::SQS::Queue) CREATE_FAILED: no role"


def test_a_stack_that_is_announced_and_not_there_yet_is_no_error(aws: Any) -> None:
    streamer = follow(aws)
    aws.refuses("describe_stack_events", "ValidationError", "Stack [x] does not exist")
    streamer.mark()
    aws.tells(
        "millrace-dev",
        aws.about("millrace-dev", "CREATE_IN_PROGRESS", 0),
        aws.about("Outer", "CREATE_IN_PROGRESS", 1, parent="millrace-dev"),
    )
    aws.refuses("describe_stack_events", "ValidationError", "Stack [Outer] does not exist")

    assert len(streamer.fetch()) == 2


NESTED = "AWS::CloudFormation::Stack"


def progress(
    path: str, status: str, reason: str = "", kind: str = "AWS::SQS::Queue", **more: Any
) -> Progress:
    *stack, logical_id = path.split("/")
    return Progress(tuple(stack), logical_id, kind, status, reason, more.pop("elapsed", 1.0), **more)


def test_the_first_cause_is_in_the_grandchild() -> None:
    cause = first_cause(
        [
            progress("Network/Vpc", "CREATE_COMPLETE"),
            progress("Outer/Inner/Queue", "CREATE_FAILED", "Resource creation cancelled"),
            progress("Outer/Inner/Table", "CREATE_FAILED", "Rate exceeded"),
            progress("Outer/Inner/Topic", "CREATE_FAILED", "Invalid name"),
            progress("Outer/Inner", "CREATE_FAILED", "The following resource(s) failed: [Table]", NESTED),
            progress("Outer", "CREATE_FAILED", "Embedded stack was not successfully created", NESTED),
        ]
    )

    assert str(cause) == (
        "Outer/Inner/Table (AWS::SQS::Queue) CREATE_FAILED: Rate exceeded\n"
        "also: Outer/Inner/Topic (AWS::SQS::Queue) CREATE_FAILED: Invalid name"
    )


def test_a_nested_stack_is_the_cause_only_when_nothing_in_it_says_why() -> None:
    cause = first_cause(
        [
            progress("Outer", "CREATE_FAILED", "Embedded stack was not created", NESTED),
            progress("Outer/Inner", "CREATE_FAILED", "Template URL is not readable", NESTED),
        ]
    )

    assert str(cause) == (
        "Outer/Inner (AWS::CloudFormation::Stack) CREATE_FAILED: Template URL is not readable"
    )


def test_without_a_failure_there_is_no_cause() -> None:
    assert first_cause([progress("Queue", "CREATE_COMPLETE")]) is None


def test_a_call_that_fails_half_way_loses_no_event(aws: Any) -> None:
    streamer = follow(aws)
    aws.tells("millrace-dev")
    streamer.mark()
    root = [
        aws.about("millrace-dev", "CREATE_IN_PROGRESS", 0),
        aws.about("Outer", "CREATE_IN_PROGRESS", 1, parent="millrace-dev"),
    ]
    aws.tells("millrace-dev", *root)
    aws.refuses("describe_stack_events", "Throttling", "Rate exceeded")
    aws.tells("millrace-dev", *root)
    aws.tells("Outer", aws.event("Outer", "Queue", "CREATE_IN_PROGRESS", 2))

    with pytest.raises(ClientError):
        streamer.fetch()

    assert [event.path for event in streamer.fetch()] == ["millrace-dev", "Outer", "Outer/Queue"]


def test_an_operation_that_runs_already_is_told_from_its_beginning(aws: Any) -> None:
    streamer = Streamer(aws.cloudformation, aws.stack_id("millrace-dev"), EPOCH)
    aws.tells(
        "millrace-dev",
        aws.about("millrace-dev", "UPDATE_COMPLETE", -100),
        {**aws.about("millrace-dev", "UPDATE_IN_PROGRESS", 0), "ClientRequestToken": "theirs"},
        aws.event("millrace-dev", "Queue", "UPDATE_IN_PROGRESS", 2),
    )

    assert [(event.path, event.elapsed) for event in streamer.fetch()] == [("millrace-dev", 0), ("Queue", 2)]
    assert streamer.token == "theirs"


def test_what_the_pages_tell_of_earlier_operations_is_what_is_expected(aws: Any) -> None:
    streamer = follow(aws)
    aws.tells(
        "millrace-dev",
        aws.event("millrace-dev", "Queue", "UPDATE_IN_PROGRESS", -100),
        aws.event("millrace-dev", "Queue", "UPDATE_COMPLETE", -88),
    )
    streamer.mark()
    aws.tells(
        "millrace-dev",
        aws.about("millrace-dev", "UPDATE_IN_PROGRESS", 0),
        aws.event("millrace-dev", "Queue", "UPDATE_IN_PROGRESS", 1),
        aws.about("Outer", "UPDATE_IN_PROGRESS", 1, parent="millrace-dev"),
    )
    aws.tells(
        "Outer",
        aws.event("Outer", "Table", "CREATE_IN_PROGRESS", -500),
        aws.event("Outer", "Table", "CREATE_COMPLETE", -200),
        aws.event("Outer", "Table", "UPDATE_IN_PROGRESS", -100),
        aws.event("Outer", "Table", "UPDATE_COMPLETE", -70),
        aws.event("Outer", "Table", "UPDATE_IN_PROGRESS", 2),
    )

    expected = {event.path: event.expected for event in streamer.fetch()}

    assert expected == {"millrace-dev": None, "Queue": 12, "Outer": None, "Outer/Table": 30}


def test_what_is_made_and_taken_back_takes_its_time_twice(aws: Any) -> None:
    streamer = Streamer(aws.cloudformation, aws.stack_id("millrace-dev"), EPOCH)
    aws.tells(
        "millrace-dev",
        aws.about("millrace-dev", "CREATE_IN_PROGRESS", 0),
        aws.event("millrace-dev", "Queue", "CREATE_IN_PROGRESS", 10),
        aws.event("millrace-dev", "Queue", "CREATE_COMPLETE", 15),
        aws.event("millrace-dev", "Queue", "DELETE_IN_PROGRESS", 100),
        aws.event("millrace-dev", "Queue", "DELETE_COMPLETE", 103),
    )

    assert [event.took for event in streamer.fetch()] == [None, None, 5, None, 3]


def test_of_one_millisecond_a_nested_stack_s_events_come_before_what_they_cause() -> None:
    root = Progress((), "millrace-dev", NESTED, "ROLLBACK_IN_PROGRESS", "", 1.0, about_stack=True)
    child = Progress(("Outer",), "Grant", "AWS::IAM::Policy", "CREATE_FAILED", "no such role", 1.0)
    begun = Progress((), "millrace-dev", NESTED, "CREATE_IN_PROGRESS", "", 0.0, about_stack=True)

    assert in_time([begun, root, child]) == [begun, child, root]
