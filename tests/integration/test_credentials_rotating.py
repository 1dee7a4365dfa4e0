"""Both logins rotated every few seconds under load for 20 s: `make soak`'s five minutes in small."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from topology.needs import Need, load

ROOT = Path(__file__).parents[2]
NEEDS = load(ROOT / "docs" / "needs.yaml")
UNASKED = {("sns:Publish", "plantalarms")}  # no rule watches here; tests/integration/test_stack_operations.py


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the run found; the test fails with its words when something was not as it must be."""
    told = tmp_path_factory.mktemp("rotating") / "found.json"
    run = subprocess.run(
        [sys.executable, "-m", "local.rotating", "--for", "20", "--rate", "10000", "--json", str(told)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr[-4000:]
    assert "nobody noticed" in run.stdout
    said: dict[str, Any] = json.loads(told.read_text())
    return said


def test_nobody_notices_that_both_logins_rotate_all_the_while(found: dict[str, Any]) -> None:
    assert (found["lost"], found["duplicated"], found["trouble"], found["left_behind"]) == (0, 0, [], [])
    assert found["sent"] == 200_000
    assert all(count >= 3 for count in found["rotations"].values())
    assert len(found["rotations"]) == 2
    assert set(found["opened_sessions"]) == {"millrace_app", "millrace_app_clone"}


def test_no_password_verifier_or_token_is_anywhere(found: dict[str, Any]) -> None:
    assert found["leaks"] == []
    assert found["needles"] > 20
    assert found["searched"] > 50


@pytest.mark.parametrize(
    ("holder", "package"), [("Rotation/FunctionRole", "rotation"), ("Processor/TaskRole", "processor")]
)
def test_each_action_that_is_granted_is_called_and_none_that_is_not(
    found: dict[str, Any], holder: str, package: str
) -> None:
    role = holder.rpartition("/")[2]
    called = {
        (one["action"], _named(one["resource"]))
        for one in found["asked"]
        if f"-{role}-" in one["role"] and one["allowed"]
    }
    granted = {
        (action, _named(resource))
        for need in NEEDS[holder]
        if _of(need, package)
        for action in need.actions
        for resource in need.resources
    }
    assert called == granted - UNASKED


def _of(need: Need, package: str) -> bool:
    return need.by.partition("/")[0] == package


def _named(resource: str) -> str:
    """`Rotation/Application` and its ARN, `…-Application-0F3C…`, under one name."""
    if ":" not in resource:
        name = resource.rpartition("/")[2]
        return "master" if "MasterUserSecret" in name else name.lower()
    if "rds!" in resource:
        return "master"
    if ":elasticache:" in resource:
        return "latest" if ":replicationgroup:" in resource else "processor"
    names = re.findall(r"(application|migrator|readings)", resource.lower())
    return names[-1] if names else resource
