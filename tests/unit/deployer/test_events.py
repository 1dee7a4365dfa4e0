import io
from typing import Any

from deployer.diagnosis import first_cause
from deployer.events import Progress, Streamer
from deployer.progress import Board, Lines, line, screen


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


def test_the_lines_of_progress() -> None:
    assert line(progress("Outer/Queue", "CREATE_IN_PROGRESS", "Resource creation Initiated")) == (
        "    1.0s  Outer/Queue  AWS::SQS::Queue  CREATE_IN_PROGRESS"
    )
    assert line(progress("Queue", "CREATE_COMPLETE", elapsed=12.34, took=8.05)) == (
        "   12.3s  Queue  AWS::SQS::Queue  CREATE_COMPLETE  in 8.1s"
    )
    assert line(progress("Queue", "CREATE_FAILED", "Name taken")) == (
        "    1.0s  Queue  AWS::SQS::Queue  CREATE_FAILED  Name taken"
    )


def test_plain_lines_where_there_is_no_terminal() -> None:
    stream = io.StringIO()

    with screen(stream) as listener:
        listener(progress("Outer/Queue", "CREATE_COMPLETE"))
        listener(Progress(("Outer",), "Outer", NESTED, "CREATE_COMPLETE", "", 2.0, about_stack=True))

    assert isinstance(screen(stream), Lines)
    assert stream.getvalue() == "    1.0s  Outer/Queue  AWS::SQS::Queue  CREATE_COMPLETE\n"


def test_the_tree_on_a_terminal() -> None:
    board = Board()
    root = Progress((), "millrace-dev", NESTED, "UPDATE_IN_PROGRESS", "", 0.0, about_stack=True)
    for event in (
        root,
        progress("Keys", "UPDATE_IN_PROGRESS", kind=NESTED),
        progress("Keys/Data", "UPDATE_COMPLETE"),
        progress("Keys", "UPDATE_COMPLETE", kind=NESTED, elapsed=4.0),
        progress("Stream", "UPDATE_IN_PROGRESS", kind=NESTED),
        progress("Stream/Readings", "UPDATE_COMPLETE"),
        progress("Stream/Key", "DELETE_SKIPPED"),
        progress("Stream/Table", "UPDATE_FAILED", "Name taken"),
        progress("Address", "CREATE_IN_PROGRESS"),
    ):
        board.take(event)

    assert board.lines() == [
        "millrace-dev  UPDATE_IN_PROGRESS  0/1  0s",
        "├─ Address  AWS::SQS::Queue  CREATE_IN_PROGRESS",
        "├─ Keys  UPDATE_COMPLETE  1/1  4s",
        "└─ Stream  UPDATE_IN_PROGRESS  2/3  1s",
        "   └─ Table  AWS::SQS::Queue  UPDATE_FAILED  Name taken",
    ]
