from typing import Any

import pytest

from deployer import stack, states
from deployer.errors import Busy, Stuck
from deployer.plan import Kind
from deployer.stack import Stack


def kind(status: str | None, reason: str = "", name: str = "millrace-dev") -> Kind:
    present = None if status is None else Stack(name, "id", status, reason)
    return stack.kind_of_change(present, name, "dev")


@pytest.mark.parametrize("status", [None, "REVIEW_IN_PROGRESS", "DELETE_COMPLETE"])
def test_what_is_not_there_is_created(status: str | None) -> None:
    assert kind(status) is Kind.CREATE


@pytest.mark.parametrize(
    "status",
    ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_FAILED", "IMPORT_COMPLETE"],
)
def test_what_rests_is_updated(status: str) -> None:
    assert kind(status) is Kind.UPDATE


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"])
def test_a_failed_creation_is_refused_with_the_next_command(status: str) -> None:
    with pytest.raises(Stuck) as refusal:
        kind(status, "no quota")

    assert str(refusal.value) == (
        f"millrace-dev is {status} (no quota) and takes no change: its first creation failed, and what is "
        "left must go before it is made again. See why with `python deploy.py diagnose dev`, mend it with "
        "`python deploy.py recover dev`"
    )


@pytest.mark.parametrize("status", sorted(states.STUCK))
def test_every_dead_end_names_its_way_out(status: str) -> None:
    with pytest.raises(Stuck, match=r"mend it with `python deploy\.py recover dev`$"):
        kind(status)


def test_a_stuck_bootstrap_is_recovered_by_its_own_name() -> None:
    with pytest.raises(Stuck, match=r"`python deploy\.py recover dev --bootstrap`$"):
        kind("ROLLBACK_COMPLETE", name="millrace-dev-bootstrap")


@pytest.mark.parametrize(
    "status", ["CREATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "DELETE_IN_PROGRESS"]
)
def test_another_operation_is_not_disturbed(status: str) -> None:
    with pytest.raises(Busy, match=r"another operation is under way.*deploy\.py attach dev.*--wait"):
        kind(status)


def test_a_stack_is_read_with_its_outputs_and_parameters(aws: Any) -> None:
    aws.stack(outputs={"VpcId": "vpc-1"}, parameters={"ImageDigest": "d"}, EnableTerminationProtection=True)

    found = stack.find(aws.cloudformation, "millrace-dev")

    assert found == Stack(
        "millrace-dev",
        aws.stack_id("millrace-dev"),
        "UPDATE_COMPLETE",
        outputs={"VpcId": "vpc-1"},
        parameters={"ImageDigest": "d"},
        protected=True,
    )


def test_a_stack_that_is_not_there_is_none(aws: Any) -> None:
    aws.no_stack()

    assert stack.find(aws.cloudformation, "millrace-dev") is None


def resource(aws: Any, logical_id: str, status: str, kind: str = "AWS::SQS::Queue") -> dict[str, Any]:
    return {
        "LogicalResourceId": logical_id,
        "PhysicalResourceId": aws.stack_id(logical_id),
        "ResourceType": kind,
        "ResourceStatus": status,
        "LastUpdatedTimestamp": 0,
    }


def test_the_tree_shows_each_nested_stack_and_what_is_unsettled(aws: Any) -> None:
    nested = "AWS::CloudFormation::Stack"
    aws.says(
        "list_stack_resources",
        {
            "StackResourceSummaries": [
                resource(aws, "Outer", "UPDATE_COMPLETE", nested),
                resource(aws, "Gone", "DELETE_COMPLETE"),
                resource(aws, "LetGo", "DELETE_SKIPPED"),
            ],
            "NextToken": "more",
        },
    )
    aws.says("list_stack_resources", {"StackResourceSummaries": [resource(aws, "Own", "CREATE_COMPLETE")]})
    aws.stack("Outer", "UPDATE_ROLLBACK_FAILED", StackStatusReason="Table is stuck")
    queue, table = resource(aws, "Queue", "UPDATE_COMPLETE"), resource(aws, "Table", "UPDATE_FAILED")
    table["ResourceStatusReason"] = "it has no key"
    aws.says("list_stack_resources", {"StackResourceSummaries": [queue, table]})

    tree = stack.tree(aws.cloudformation, Stack("millrace-dev", "id", "UPDATE_COMPLETE"))

    assert tree.render().splitlines() == [
        "millrace-dev  UPDATE_COMPLETE  1 resource",
        "└─ Outer  UPDATE_ROLLBACK_FAILED  2 resources  Table is stuck",
        "   └─ Table  UPDATE_FAILED  it has no key",
    ]
