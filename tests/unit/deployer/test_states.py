import boto3
import pytest

from deployer import states
from deployer.states import Readiness

STATUSES = (
    boto3.Session()
    .client("cloudformation", region_name="eu-west-2")
    .meta.service_model.shape_for("StackStatus")
    .enum  # type: ignore[attr-defined]  # of a string shape
)


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_of_the_model_is_classified(status: str) -> None:
    """By name, or, while an operation is under way, by its ending: nothing falls to the last resort."""
    found = states.readiness(status)

    if found is Readiness.MOVING:
        assert status.endswith("_IN_PROGRESS")
    else:
        named = {
            Readiness.NOTHING: states.NOTHING,
            Readiness.RESTING: states.RESTING,
            Readiness.STUCK: states.STUCK,
        }
        assert status in named[found]


def test_no_status_is_classified_that_the_model_does_not_have() -> None:
    assert {*states.NOTHING, *states.RESTING, *states.STUCK} <= set(STATUSES)


def test_a_status_of_a_later_model_is_taken_by_its_ending() -> None:
    assert states.readiness("EXPORT_IN_PROGRESS") is Readiness.MOVING
    assert states.readiness("EXPORT_COMPLETE") is Readiness.RESTING
    assert states.readiness("EXPORT_ROLLBACK_FAILED") is Readiness.STUCK


@pytest.mark.parametrize(
    ("status", "stack", "command"),
    [
        ("UPDATE_ROLLBACK_FAILED", "millrace-dev", "python deploy.py recover dev"),
        ("ROLLBACK_COMPLETE", "millrace-dev-bootstrap", "python deploy.py recover dev --bootstrap"),
        ("UPDATE_IN_PROGRESS", "millrace-dev", "python deploy.py attach dev"),
        ("UPDATE_ROLLBACK_COMPLETE", "millrace-dev", "python deploy.py plan dev"),
        ("DELETE_COMPLETE", "millrace-dev-bootstrap", "python deploy.py bootstrap dev"),
    ],
)
def test_the_next_command_of_each_readiness(status: str, stack: str, command: str) -> None:
    assert states.next_command(status, "dev", stack) == command
