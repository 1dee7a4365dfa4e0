from deployer.causes import first_cause
from deployer.events import Progress

NESTED = "AWS::CloudFormation::Stack"


def told(path: str, status: str, reason: str = "", kind: str = "AWS::SQS::Queue") -> Progress:
    *stack, logical_id = path.split("/")
    return Progress(tuple(stack), logical_id, kind, status, reason, 1.0)


def about(path: str, status: str, reason: str = "") -> Progress:
    """What a stack says of itself; "" is the root."""
    stack = tuple(path.split("/")) if path else ()
    return Progress(
        stack, stack[-1] if stack else "millrace-dev", NESTED, status, reason, 1.0, about_stack=True
    )


def test_root_cause_first_through_nested_stacks_and_what_was_only_cancelled_is_counted() -> None:
    cause = first_cause(
        [
            about("", "UPDATE_IN_PROGRESS"),
            told("Outer/Inner/Table", "UPDATE_FAILED", "no such key"),
            told("Outer/Inner/Queue", "UPDATE_FAILED", "Resource update cancelled"),
            told("Outer/Other", "CREATE_FAILED", "Resource creation cancelled"),
            about("Outer/Inner", "UPDATE_FAILED", "The following resource(s) failed to update: [Table]."),
            told("Outer/Inner", "UPDATE_FAILED", "Embedded stack arn was not successfully updated", NESTED),
            told("Outer", "UPDATE_FAILED", "Embedded stack arn was not successfully updated", NESTED),
            about("", "UPDATE_ROLLBACK_IN_PROGRESS", "The following resource(s) failed to update: [Outer]."),
        ]
    )

    assert cause is not None
    assert str(cause) == "Outer/Inner/Table (AWS::SQS::Queue) UPDATE_FAILED: no such key"
    assert cause.cancelled == 2


def test_a_nested_stack_that_fails_by_itself_comes_before_a_later_leaf() -> None:
    cause = first_cause(
        [
            told("Outer", "CREATE_FAILED", "S3 error: access denied to the template", NESTED),
            told("Other/Queue", "CREATE_FAILED", "no quota"),
            told("Other", "CREATE_FAILED", "Embedded stack arn was not successfully created", NESTED),
        ]
    )

    assert cause is not None
    assert (cause.first.path, [other.path for other in cause.others]) == ("Outer", ["Other/Queue"])


def test_what_fails_in_the_roll_back_stands_apart() -> None:
    cause = first_cause(
        [
            about("", "UPDATE_IN_PROGRESS"),
            told("Outer/Table", "UPDATE_FAILED", "no such key"),
            about("Outer", "UPDATE_ROLLBACK_IN_PROGRESS"),
            told("Outer/Queue", "UPDATE_FAILED", "it is gone"),
            about("Outer", "UPDATE_ROLLBACK_FAILED"),
        ]
    )

    assert str(cause) == (
        "Outer/Table (AWS::SQS::Queue) UPDATE_FAILED: no such key\n"
        "in the roll-back: Outer/Queue (AWS::SQS::Queue) UPDATE_FAILED: it is gone"
    )


def test_of_a_roll_back_that_was_continued_its_own_failure_is_the_cause() -> None:
    cause = first_cause(
        [
            about("", "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated"),
            told("Queue", "UPDATE_FAILED", "it is gone"),
            about("", "UPDATE_ROLLBACK_FAILED", "The following resource(s) failed to update: [Queue]."),
        ]
    )

    assert str(cause) == "Queue (AWS::SQS::Queue) UPDATE_FAILED: it is gone"


def test_where_nothing_failed_the_roots_reason_to_go_back_is_the_cause() -> None:
    alarm = "Rollback alarm arn:aws:cloudwatch:eu-west-2:111122223333:alarm:late went to ALARM"
    cause = first_cause(
        [
            about("", "UPDATE_IN_PROGRESS"),
            told("Queue", "UPDATE_COMPLETE"),
            about("", "UPDATE_ROLLBACK_IN_PROGRESS", alarm),
            about("", "UPDATE_ROLLBACK_COMPLETE"),
        ]
    )

    assert str(cause) == f"millrace-dev ({NESTED}) UPDATE_ROLLBACK_IN_PROGRESS: {alarm}"


def test_what_a_clean_up_leaves_behind_undoes_nothing() -> None:
    cause = first_cause(
        [
            about("", "UPDATE_IN_PROGRESS"),
            about("", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
            told("Old", "DELETE_FAILED", "not empty"),
            about("", "UPDATE_COMPLETE"),
        ]
    )

    assert cause is not None
    assert (cause.first.path, cause.others, cause.going_back) == ("Old", (), ())


def test_a_failure_is_told_once_with_what_it_said_first() -> None:
    cause = first_cause([told("A", "CREATE_FAILED", "first"), told("A", "DELETE_FAILED", "second")])

    assert str(cause) == "A (AWS::SQS::Queue) CREATE_FAILED: first"


def test_a_nested_stack_that_tells_of_its_failure_after_the_root_turned_back_is_still_explained() -> None:
    cause = first_cause(
        [
            told("Outer/Table", "UPDATE_FAILED", "no such key"),
            about("", "UPDATE_ROLLBACK_IN_PROGRESS"),
            told("Outer", "UPDATE_FAILED", "Embedded stack arn was not successfully updated", NESTED),
        ]
    )

    assert str(cause) == "Outer/Table (AWS::SQS::Queue) UPDATE_FAILED: no such key"
