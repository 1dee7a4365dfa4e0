"""Every AWS call has one statement that allows it, and every statement a call that needs it."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from topology import needs, pairing
from topology.actions import DIFFERENT, actions
from topology.calls import calls
from topology.policies import policies
from topology.rendering import Renderer
from topology.tree import load_directory

REPOSITORY = Path(__file__).parents[2]
NEEDS = needs.load(REPOSITORY / "docs" / "needs.yaml")
# Package → who has the rights that it calls with.
HOLDERS = {"deployer": "Deployer", "processor": "Processor/TaskRole", "rotation": "Rotation/FunctionRole"}
APART = {"Deployer"}  # the operator's own credentials: docs/deployer-policy.json says what they need

Authorization = dict[str, dict[str, dict[str, object]]]


@pytest.fixture(scope="module")
def reference() -> Authorization:
    """The service authorization reference, as cfn-lint carries it."""
    text = files("cfnlint.data.AdditionalSpecs").joinpath("Policies.json").read_text()
    found: Authorization = json.loads(text)
    return found


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_statements_and_needs_are_one_to_one(environment: str) -> None:
    tree = load_directory(REPOSITORY / "templates" / environment)
    renderer = Renderer(tree)
    of_roles = {holder: listed for holder, listed in NEEDS.items() if holder not in APART}
    wanted = list(needs.wanted(of_roles, tree, renderer, environment))
    allowed = list(pairing.allowed(policies(tree, renderer), renderer))
    assert len(wanted) > 40
    assert list(pairing.problems(wanted, allowed)) == []


@pytest.mark.parametrize("package", HOLDERS)
def test_a_package_needs_what_it_calls_and_nothing_else(package: str) -> None:
    called = actions(calls(REPOSITORY / package, REPOSITORY))
    needed = {
        action
        for holder, listed in NEEDS.items()
        for need in listed
        for action in need.actions
        if need.by == package and holder == HOLDERS[package]
    }
    assert {action: str(where[0]) for action, where in called.items() if action not in needed} == {}
    assert sorted(needed - called.keys()) == []


def test_a_package_has_one_holder() -> None:
    here = {need.by: holder for holder, listed in NEEDS.items() for need in listed if need.by in HOLDERS}
    assert here == HOLDERS
    packages = {need.by for listed in NEEDS.values() for need in listed if needs.PACKAGE.match(need.by)}
    assert packages == set(HOLDERS)


def test_what_the_deployer_needs_is_said_once() -> None:
    """One statement of its policy for each action."""
    pairs = [(action, need) for need in NEEDS["Deployer"] for action in need.actions]
    assert len(pairs) == len(dict(pairs)) > 10


def deployers_statements(action: str) -> list[dict[str, Any]]:
    policy = json.loads((REPOSITORY / "docs" / "deployer-policy.json").read_text())
    return [one for one in policy["Statement"] if action in one["Action"]]


def test_the_deployer_changes_the_root_and_what_it_nests_and_only_reads_bootstrap() -> None:
    def reached(action: str) -> set[str]:
        stacks = {
            "root": "millrace-prod/1a2b-3c4d",
            "nested": "millrace-prod-Stream-1ABCDEF/1a2b-3c4d",
            "bootstrap": "millrace-prod-bootstrap/1a2b-3c4d",
        }
        (statement,) = deployers_statements(f"cloudformation:{action}")
        prefix = "arn:aws:cloudformation:eu-west-2:111122223333:stack"
        return {
            name
            for name, stack in stacks.items()
            if any(pairing.covers(pattern, f"{prefix}/{stack}") for pattern in statement["Resource"])
        }

    assert reached("DescribeStacks") == {"root", "nested", "bootstrap"}
    for action in ("CreateChangeSet", "ExecuteChangeSet", "DeleteStack", "TagResource"):
        assert reached(action) == {"root", "nested"}, action


def test_the_deployer_uses_the_artefacts_key_through_s3_and_no_other_way() -> None:
    (statement,) = deployers_statements("kms:GenerateDataKey")
    (key,) = statement["Resource"]
    assert key.startswith("arn:aws:kms:eu-west-2:111122223333:key/")
    assert set(statement["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert statement["Condition"] == {"StringEquals": {"kms:ViaService": "s3.eu-west-2.amazonaws.com"}}


def test_every_action_is_in_the_service_authorization_reference(reference: Authorization) -> None:
    named = {action for listed in NEEDS.values() for need in listed for action in need.actions}
    named |= {action for own in DIFFERENT.values() for action in own}
    split = [action.split(":") for action in named]
    unknown = [
        f"{prefix}:{name}" for prefix, name in split if name.lower() not in reference[prefix]["Actions"]
    ]
    assert unknown == []


def test_an_operation_is_listed_as_different_only_if_iam_has_no_action_of_its_name(
    reference: Authorization,
) -> None:
    alike = [
        f"{service}:{operation}"
        for service, operation in DIFFERENT
        if operation.lower() in reference[service]["Actions"] and DIFFERENT[service, operation]
    ]
    assert alike == []
