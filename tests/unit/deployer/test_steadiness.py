from pathlib import Path
from typing import Any

import pytest

from deployer import steadiness
from deployer.steadiness import NotSteady, Steadiness
from deployer.target import Target


@pytest.fixture
def target(aws: Any) -> Target:
    made: Target = aws.deployment(Path()).target
    made.poll = steadiness.LONGEST_MINUTES * 60
    return made


def service(aws: Any, running: int = 2, wanted: int = 2, *rollouts: str, **more: Any) -> None:
    deployments = [{"rolloutState": state} for state in rollouts or ("COMPLETED",)]
    told = {"status": "ACTIVE", "runningCount": running, "desiredCount": wanted, "deployments": deployments}
    aws.answers(
        "ecs", "describe_services", {"services": [{**told, **more}]}, cluster="cluster", services=["service"]
    )


@pytest.mark.parametrize(
    ("running", "rollouts", "steady", "state"),
    [
        (2, ["COMPLETED"], True, "2 of 2 running"),
        (1, ["COMPLETED"], False, "1 of 2 running"),
        (2, ["IN_PROGRESS"], False, "2 of 2 running, deployment IN_PROGRESS"),
        (2, ["IN_PROGRESS", "COMPLETED"], False, "2 of 2 running, deployment COMPLETED, IN_PROGRESS"),
        (2, ["FAILED"], False, "2 of 2 running, deployment FAILED"),
    ],
)
def test_steady_is_one_complete_deployment_with_all_its_tasks(  # noqa: PLR0917 -- a table's columns
    aws: Any, target: Target, running: int, rollouts: list[str], steady: bool, state: str
) -> None:
    service(aws, running, 2, *rollouts)

    assert steadiness.look(target, "cluster", "service") == Steadiness(steady, state)


@pytest.mark.parametrize("answer", [[], [{"status": "INACTIVE"}]])
def test_a_service_that_is_gone_is_not_steady(aws: Any, target: Target, answer: list[Any]) -> None:
    aws.answers("ecs", "describe_services", {"services": answer})

    assert not steadiness.look(target, "cluster", "service").steady


def test_a_service_that_wants_no_task_is_not_running(aws: Any, target: Target) -> None:
    service(aws, 0, 0)

    assert not steadiness.look(target, "cluster", "service").steady


def test_it_is_waited_for_and_then_its_own_words_are_told(aws: Any, target: Target) -> None:
    service(aws, 0)
    service(aws, 2)
    assert steadiness.wait(target, "cluster", "service").steady

    service(aws, 0)
    service(aws, 0, events=[{"message": "unable to place a task"}])
    with pytest.raises(NotSteady, match=r"0 of 2 running\); it says: unable to place a task\."):
        steadiness.wait(target, "cluster", "service")
