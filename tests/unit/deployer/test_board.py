from typing import Any

from deployer.board import Board
from deployer.events import Progress

NESTED = "AWS::CloudFormation::Stack"
DATABASE = "AWS::RDS::DBInstance"
ATTACHMENT = "AWS::SecretsManager::SecretTargetAttachment"


def about(path: str, status: str, elapsed: float = 0.0, **more: Any) -> Progress:
    """What a parent says of its nested stack; of the root, what it says of itself."""
    if path == "millrace-dev":
        return Progress((), path, NESTED, status, "", elapsed, about_stack=True, **more)
    return progress(path, status, elapsed, NESTED, **more)


def progress(
    path: str, status: str, elapsed: float = 1.0, kind: str = "AWS::SQS::Queue", **more: Any
) -> Progress:
    *stack, logical_id = path.split("/")
    return Progress(tuple(stack), logical_id, kind, status, more.pop("reason", ""), elapsed, **more)


def board(*events: Progress) -> Board:
    made = Board()
    for event in events:
        made.take(event)
    return made


UPDATE = (
    about("millrace-dev", "UPDATE_IN_PROGRESS"),
    about("Keys", "UPDATE_IN_PROGRESS", 1),
    progress("Keys/Data", "UPDATE_IN_PROGRESS", 2, "AWS::KMS::Key"),
    progress("Keys/Data", "UPDATE_COMPLETE", 5, "AWS::KMS::Key", took=3.0),
    about("Keys", "UPDATE_COMPLETE", 6, took=5.0),
    about("Database", "UPDATE_IN_PROGRESS", 6),
    progress("Database/Parameters", "UPDATE_IN_PROGRESS", 7, "AWS::RDS::DBParameterGroup"),
    progress("Database/Parameters", "UPDATE_COMPLETE", 9, "AWS::RDS::DBParameterGroup", took=2.0),
    progress("Database/Database", "UPDATE_IN_PROGRESS", 10, DATABASE, expected=400.0),
    progress("Database/Attached", "CREATE_IN_PROGRESS", 12, ATTACHMENT),
)


def test_the_live_tree_has_a_time_per_resource_and_what_is_left_at_120_columns() -> None:
    assert board(*UPDATE).lines(170, 120) == [
        "millrace-dev  UPDATE_IN_PROGRESS  2/4  2m50s, about 4 min left, as last time",
        "├─ Keys  UPDATE_COMPLETE  1/1  5s",
        "│  └─ Data  AWS::KMS::Key  UPDATE_COMPLETE  3s",
        "└─ Database  UPDATE_IN_PROGRESS  1/3  2m44s",
        "   ├─ Parameters  AWS::RDS::DBParameterGroup  UPDATE_COMPLETE  2s",
        "   ├─ Database  AWS::RDS::DBInstance  UPDATE_IN_PROGRESS  2m40s, about 4 min left",
        "   └─ Attached  AWS::SecretsManager::SecretTargetAttachment  CREATE_IN_PROGRESS  2m38s",
    ]


def test_at_80_columns_a_long_line_loses_its_type_and_keeps_its_time() -> None:
    assert board(*UPDATE).lines(170, 80)[-3:] == [
        "   ├─ Parameters  AWS::RDS::DBParameterGroup  UPDATE_COMPLETE  2s",
        "   ├─ Database  UPDATE_IN_PROGRESS  2m40s, about 4 min left",
        "   └─ Attached  CREATE_IN_PROGRESS  2m38s",
    ]


def test_time_goes_on_between_events_and_beyond_the_last_times() -> None:
    made = board(*UPDATE)

    assert (
        made.lines(10)[5] == "   ├─ Database  AWS::RDS::DBInstance  UPDATE_IN_PROGRESS  0s, about 7 min left"
    )
    assert (
        made.lines(470)[5]
        == "   ├─ Database  AWS::RDS::DBInstance  UPDATE_IN_PROGRESS  7m40s, 6m40s last time"
    )
    assert made.lines(470)[0] == "millrace-dev  UPDATE_IN_PROGRESS  2/4  7m50s"


def test_what_ended_keeps_its_total() -> None:
    made = board(
        *UPDATE,
        progress("Database/Database", "UPDATE_COMPLETE", 300, DATABASE, took=290.0),
        progress("Database/Attached", "CREATE_COMPLETE", 301, ATTACHMENT, took=289.0),
        about("Database", "UPDATE_COMPLETE", 302, took=296.0),
        about("millrace-dev", "UPDATE_COMPLETE", 303, took=303.0),
    )

    assert made.lines(999) == [
        "millrace-dev  UPDATE_COMPLETE  4/4  5m03s",
        "├─ Keys  UPDATE_COMPLETE  1/1  5s",
        "│  └─ Data  AWS::KMS::Key  UPDATE_COMPLETE  3s",
        "└─ Database  UPDATE_COMPLETE  3/3  4m56s",
        "   ├─ Parameters  AWS::RDS::DBParameterGroup  UPDATE_COMPLETE  2s",
        "   ├─ Database  AWS::RDS::DBInstance  UPDATE_COMPLETE  4m50s",
        "   └─ Attached  AWS::SecretsManager::SecretTargetAttachment  CREATE_COMPLETE  4m49s",
    ]


FAILED = (
    *UPDATE,
    progress(
        "Database/Database", "UPDATE_FAILED", 60, DATABASE, took=50.0, reason="No db.r7g.large in eu-west-2c"
    ),
    progress("Database/Attached", "CREATE_FAILED", 60, ATTACHMENT, reason="Resource creation cancelled"),
    about("Database", "UPDATE_FAILED", 61, took=55.0),
    about("millrace-dev", "UPDATE_ROLLBACK_IN_PROGRESS", 62),
    about("Database", "UPDATE_IN_PROGRESS", 63),
    progress("Database/Database", "UPDATE_IN_PROGRESS", 64, DATABASE, expected=400.0),
)


def test_a_roll_back_is_shown_as_one_and_the_failure_stays_on_top_with_its_reason() -> None:
    assert board(*FAILED).lines(75, 80) == [
        "failed: Database/Database  AWS::RDS::DBInstance  UPDATE_FAILED after 50s",
        "  No db.r7g.large in eu-west-2c",
        "rolling back for 13s, about 6 min left, as last time",
        "millrace-dev  UPDATE_ROLLBACK_IN_PROGRESS  2/4  1m15s",
        "├─ Keys  UPDATE_COMPLETE  1/1  5s",
        "│  └─ Data  AWS::KMS::Key  UPDATE_COMPLETE  3s",
        "└─ Database  UPDATE_IN_PROGRESS  1/3  12s",
        "   ├─ Parameters  AWS::RDS::DBParameterGroup  UPDATE_COMPLETE  2s",
        "   └─ Database  AWS::RDS::DBInstance  UPDATE_IN_PROGRESS  11s, about 6 min left",
    ]


def test_what_the_roll_back_cannot_put_back_stands_on_top_too() -> None:
    stuck = (
        *FAILED,
        progress("Keys/Data", "UPDATE_FAILED", 70, "AWS::KMS::Key", reason="it is gone"),
        about("millrace-dev", "UPDATE_ROLLBACK_FAILED", 71),
    )

    assert board(*stuck).lines(75, 80)[:4] == [
        "failed: Database/Database  AWS::RDS::DBInstance  UPDATE_FAILED after 50s",
        "  No db.r7g.large in eu-west-2c",
        "in the roll-back: Keys/Data  AWS::KMS::Key  UPDATE_FAILED",
        "  it is gone",
    ]


def test_the_line_of_a_failure_keeps_its_state_and_both_ends_of_its_path() -> None:
    failed = progress("Observability/CacheReplicationLag001", "CREATE_FAILED", 1, took=1.0, reason="no")

    first = board(about("millrace-dev", "CREATE_IN_PROGRESS"), failed).lines(2, 50)[0]

    assert first == "failed: Observabi…onLag001  CREATE_FAILED after 1s"


def test_a_long_reason_is_wrapped_and_other_failures_are_counted() -> None:
    failures = [
        progress(f"Stream/Queue{number}", "CREATE_FAILED", number, reason="Rate exceeded")
        for number in range(1, 5)
    ]
    first = progress("Stream/Readings", "CREATE_FAILED", 0.5, reason="word " * 200)

    lines = board(about("millrace-dev", "CREATE_IN_PROGRESS"), first, *failures).lines(9, 80)

    assert lines == [
        "failed: Stream/Readings  AWS::SQS::Queue  CREATE_FAILED",
        "  " + " ".join(["word"] * 15),
        "  " + " ".join(["word"] * 15),
        "  " + " ".join(["word"] * 15),
        "  " + " ".join(["word"] * 15) + " …",
        "also: Stream/Queue1  AWS::SQS::Queue  CREATE_FAILED",
        "  Rate exceeded",
        "also: Stream/Queue2  AWS::SQS::Queue  CREATE_FAILED",
        "  Rate exceeded",
        "and 2 more failed",
        "millrace-dev  CREATE_IN_PROGRESS  0/5  9s",
        "└─ Stream  0/5",
    ]


def test_where_rows_are_few_what_is_done_gives_way_first() -> None:
    made = board(*UPDATE)

    assert made.lines(170, height=6) == [
        "millrace-dev  UPDATE_IN_PROGRESS  2/4  2m50s, about 4 min left, as last time",
        "├─ Keys  UPDATE_COMPLETE  1/1  5s",
        "└─ Database  UPDATE_IN_PROGRESS  1/3  2m44s",
        "   ├─ Parameters  AWS::RDS::DBParameterGroup  UPDATE_COMPLETE  2s",
        "   ├─ Database  AWS::RDS::DBInstance  UPDATE_IN_PROGRESS  2m40s, about 4 min left",
        "   └─ Attached  AWS::SecretsManager::SecretTargetAttachment  CREATE_IN_PROGRESS  2m38s",
    ]
    assert made.lines(170, height=5) == [
        "millrace-dev  UPDATE_IN_PROGRESS  2/4  2m50s, about 4 min left, as last time",
        "├─ Keys  UPDATE_COMPLETE  1/1  5s",
        "└─ Database  UPDATE_IN_PROGRESS  1/3  2m44s",
        "   ├─ Database  AWS::RDS::DBInstance  UPDATE_IN_PROGRESS  2m40s, about 4 min left",
        "   └─ Attached  AWS::SecretsManager::SecretTargetAttachment  CREATE_IN_PROGRESS  2m38s",
    ]


def test_then_done_stacks_become_a_count_and_then_what_runs_is_cut() -> None:
    stacks = [about(f"Done{number}", "UPDATE_COMPLETE", 5, took=1.0) for number in range(7)]
    queues = [progress(f"Queues/Queue{number}", "CREATE_IN_PROGRESS", 9) for number in range(20)]
    made = board(
        about("millrace-dev", "UPDATE_IN_PROGRESS"),
        *stacks,
        about("Queues", "UPDATE_IN_PROGRESS", 8),
        *queues,
    )

    assert made.lines(10, height=8) == [
        "millrace-dev  UPDATE_IN_PROGRESS  0/20  10s",
        "├─ Queues  UPDATE_IN_PROGRESS  0/20  2s",
        "│  ├─ Queue0  AWS::SQS::Queue  CREATE_IN_PROGRESS  1s",
        "│  ├─ Queue1  AWS::SQS::Queue  CREATE_IN_PROGRESS  1s",
        "│  ├─ Queue2  AWS::SQS::Queue  CREATE_IN_PROGRESS  1s",
        "│  └─ Queue3  AWS::SQS::Queue  CREATE_IN_PROGRESS  1s",
        "└─ and 7 stacks done, 16 more resources under way",
    ]
    assert made.lines(10, height=3) == [
        "millrace-dev  UPDATE_IN_PROGRESS  0/20  10s",
        "├─ Queues  UPDATE_IN_PROGRESS  0/20  2s",
        "└─ and 7 stacks done, 20 more resources under way",
    ]
    assert made.lines(10, height=2)[-1] == "└─ and 7 stacks done, 20 more resources under way"


def test_the_failures_stay_when_nothing_else_fits() -> None:
    assert board(*FAILED).lines(75, 80, height=2) == [
        "failed: Database/Database  AWS::RDS::DBInstance  UPDATE_FAILED after 50s",
        "  No db.r7g.large in eu-west-2c",
        "rolling back for 13s, about 6 min left, as last time",
        "millrace-dev  UPDATE_ROLLBACK_IN_PROGRESS  2/4  1m15s",
    ]


def test_a_cancellation_is_shown_as_one_and_what_it_cut_off_as_no_failure() -> None:
    made = board(
        about("millrace-dev", "UPDATE_IN_PROGRESS", token="ours"),
        about("Database", "UPDATE_IN_PROGRESS", 1),
        progress("Database/Database", "UPDATE_IN_PROGRESS", 2, DATABASE),
        progress("Database/Database", "UPDATE_FAILED", 9, DATABASE, reason="Resource update cancelled"),
        about("Database", "UPDATE_FAILED", 9, reason="Embedded stack was not successfully updated"),
        about("millrace-dev", "UPDATE_ROLLBACK_IN_PROGRESS", 10, token="cancels"),
    )

    assert made.lines(14) == [
        "cancelled, rolling back for 4s",
        "millrace-dev  UPDATE_ROLLBACK_IN_PROGRESS  0/1  14s",
        "└─ Database  UPDATE_FAILED  0/1  8s",
    ]


def test_what_an_update_replaced_goes_and_what_stays_keeps_its_line() -> None:
    made = board(
        about("millrace-dev", "UPDATE_IN_PROGRESS"),
        progress("Task", "UPDATE_IN_PROGRESS", 1),
        progress("Task", "UPDATE_COMPLETE", 13, took=12.0),
        about("millrace-dev", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", 14),
        progress("Task", "DELETE_IN_PROGRESS", 15),
    )

    assert made.lines(18) == [
        "millrace-dev  UPDATE_COMPLETE_CLEANUP_IN_PROGRESS  1/2  18s",
        "├─ Task  AWS::SQS::Queue  UPDATE_COMPLETE  12s",
        "└─ Task (replaced)  AWS::SQS::Queue  DELETE_IN_PROGRESS  3s",
    ]
    made.take(progress("Task", "DELETE_COMPLETE", 20, took=5.0))
    assert made.lines(21)[1:] == [
        "├─ Task  AWS::SQS::Queue  UPDATE_COMPLETE  12s",
        "└─ Task (replaced)  AWS::SQS::Queue  DELETE_COMPLETE  5s",
    ]
