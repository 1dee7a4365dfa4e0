"""`make run ARGS="--engine kcl"` under the deployed task's role: what of its policy does the engine use?"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.engine.home import Home

ROOT = Path(__file__).parents[2]
SERVICES = ("dynamodb:", "kinesis:", "cloudwatch:")


@pytest.fixture(scope="module")
def state(engine: Home, directory: Path) -> Iterator[Path]:
    """What a run has left: nothing lost, nothing doubled."""
    kept = directory / "run"
    asked = ["--for", "5", "--no-rehearsal", "--engine", "kcl", "--state", str(kept)]
    ran = subprocess.run(
        [sys.executable, "-m", "local", *asked, "--json", str(directory / "run.json")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    yield kept


def decided(log: Path) -> dict[str, set[tuple[str, str]]]:
    """Action → the resources it was asked on, each with the statement that allowed it, of the task's role."""
    found: dict[str, set[tuple[str, str]]] = {}
    for line in log.read_text().splitlines():
        _, marked, said = line.partition("decided: ")
        if marked and "TaskRole" in said.split()[0]:
            _, action, resource, by = said.split()
            allowed = found.setdefault(action, set())
            if not by.endswith("Deny"):  # a stream has a policy of its own, which says nothing
                allowed.add((resource, by))
    return found


def granted() -> dict[str, set[str]]:
    """Action → the statements that allow it, of the emitted policy."""

    class Loader(yaml.SafeLoader):
        """CloudFormation's short forms, as they stand."""

    Loader.add_multi_constructor("!", lambda loader, suffix, node: str(node.value))
    template: Any = yaml.load((ROOT / "templates/dev/processor.yaml").read_text(), Loader)  # noqa: S506
    (policy,) = template["Resources"]["TaskRole"]["Properties"]["Policies"]
    found: dict[str, set[str]] = {}
    for statement in policy["PolicyDocument"]["Statement"]:
        for action in statement["Action"]:
            if action.startswith(SERVICES):
                found.setdefault(action, set()).add(statement["Sid"])
    return found


def test_readings_get_through_under_the_deployed_policy(state: Path) -> None:
    audit = json.loads((state.parent / "run.json").read_text())

    assert (audit["lost"], audit["duplicated"]) == (0, 0)


def test_nothing_that_the_engine_asks_for_is_refused(state: Path) -> None:
    refused = [action for action, allowed in decided(state / "aws.log").items() if not allowed]

    assert refused == []


def test_each_statement_allows_what_the_engine_asks_for(state: Path) -> None:
    asked = {(action, by) for action, allowed in decided(state / "aws.log").items() for _, by in allowed}
    policy = {(action, by) for action, statements in granted().items() for by in statements}

    assert policy - asked == set()


def test_the_former_tables_are_asked_for_and_nothing_else_is_done_to_them(state: Path) -> None:
    former = {
        (action, resource.rpartition("-")[2])
        for action, allowed in decided(state / "aws.log").items()
        for resource, by in allowed
        if by == "SeeThatThereIsNoEarlierTable"
    }

    assert former == {
        ("dynamodb:DescribeTable", "CoordinatorState"),
        ("dynamodb:DescribeTable", "WorkerMetricStats"),
    }
