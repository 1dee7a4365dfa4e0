"""Every AWS call has one statement that allows it, and every statement a call that needs it."""

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import pytest

from topology import needs, pairing, principals, trust
from topology.actions import DIFFERENT, actions
from topology.calls import calls
from topology.policies import Kind, policies, written_elsewhere
from topology.rendering import Renderer
from topology.tree import Tree, load_directory

REPOSITORY = Path(__file__).parents[2]
NEEDS = needs.load(REPOSITORY / "docs" / "needs.yaml")
# Package → who has the rights that it calls with.
HOLDERS = {"deployer": "Bootstrap/Deployer", "processor": "Processor/TaskRole", "rotation": "Rotation/FunctionRole"}
# Derived from the templates, and held by tests/templates/test_deployment_roles.py.
DERIVED = re.compile(r"Bootstrap/(Boundary|MayMake\w+)")

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
    wanted = list(needs.wanted(NEEDS, tree, renderer, environment))
    every = pairing.allowed(policies(tree, renderer), renderer)
    allowed = [one for one in every if not DERIVED.fullmatch(one.holder)]
    assert len(wanted) > 40
    assert list(pairing.problems(wanted, allowed)) == []


def changed(address: str, name: str, value: object) -> tuple[Tree, Renderer]:
    """prod, one property of it written anew."""
    tree = load_directory(REPOSITORY / "templates" / "prod")
    cast("dict[str, object]", tree.resource(address).properties)[name] = value
    return tree, Renderer(tree)


def test_a_policy_of_aws_that_is_slipped_into_a_role_is_seen() -> None:
    tree, renderer = changed(
        "Processor/TaskRole", "ManagedPolicyArns", ["arn:aws:iam::aws:policy/AmazonS3FullAccess"]
    )
    (problem,) = pairing.managed_problems(NEEDS, written_elsewhere(tree, renderer))
    assert problem.startswith("Processor/TaskRole: takes AmazonS3FullAccess, which nobody needs")


def test_a_trust_that_is_slipped_into_a_role_is_seen() -> None:
    trusting = {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": ["ecs-tasks.amazonaws.com", "lambda.amazonaws.com"]},
                "Action": "sts:AssumeRole",
            }
        ]
    }
    tree, renderer = changed("Processor/TaskRole", "AssumeRolePolicyDocument", trusting)
    (problem,) = trust.problems(tree, list(policies(tree, renderer)), renderer)
    assert problem.startswith("Processor/TaskRole: trusts lambda.amazonaws.com, for which nothing here uses it")


def test_a_device_s_action_and_a_stranger_that_are_slipped_in_are_seen() -> None:
    document = {"Effect": "Allow", "Action": "iot:Subscribe", "Resource": "*"}
    tree, renderer = changed("Ingest/Device", "PolicyDocument", {"Statement": [document]})
    told = pairing.problems((), pairing.allowed(policies(tree, renderer), renderer))
    assert any("allows iot:Subscribe on *, which nobody needs" in problem for problem in told)
    opened = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:Decrypt", "Resource": "*"}
    tree, renderer = changed("Keys/Data", "KeyPolicy", {"Statement": [opened]})
    listed = list(policies(tree, renderer))
    told = pairing.problems((), pairing.allowed(listed, renderer))
    assert any("allows to * kms:Decrypt" in problem for problem in told)
    assert len(list(principals.problems(listed))) == 1


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_a_policy_that_is_written_elsewhere_has_a_need_and_every_such_need_a_policy(environment: str) -> None:
    tree = load_directory(REPOSITORY / "templates" / environment)
    taken = list(written_elsewhere(tree, Renderer(tree)))
    assert taken
    assert list(pairing.managed_problems(NEEDS, taken)) == []


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_who_may_take_a_role_uses_it(environment: str) -> None:
    tree = load_directory(REPOSITORY / "templates" / environment)
    renderer = Renderer(tree)
    assert list(trust.problems(tree, list(policies(tree, renderer)), renderer)) == []


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_only_a_key_s_policy_lets_in_who_is_no_service(environment: str) -> None:
    tree = load_directory(REPOSITORY / "templates" / environment)
    renderer = Renderer(tree)
    listed = list(policies(tree, renderer))
    others = {
        (policy.resource.kind, name)
        for policy in listed
        for statement in policy.statements
        for kind, name in statement.principals
        if policy.kind is Kind.RESOURCE and statement.allows and kind != "Service"
    }
    assert others == {("AWS::KMS::Key", "arn:aws:iam::111122223333:root")}
    assert list(principals.problems(listed)) == []


@pytest.mark.parametrize("package", HOLDERS)
def test_a_package_needs_what_it_calls_and_nothing_else(package: str) -> None:
    called = actions(calls(REPOSITORY / package, REPOSITORY))
    needed = {
        action
        for holder, listed in NEEDS.items()
        for need in listed
        for action in need.actions
        if need.by == package and holder in {HOLDERS[package], needs.ADMINISTRATOR}
    }
    assert {action: str(where[0]) for action, where in called.items() if action not in needed} == {}
    assert sorted(needed - called.keys()) == []


def test_a_package_has_one_holder() -> None:
    here = {
        need.by: holder
        for holder, listed in NEEDS.items()
        for need in listed
        if need.by in HOLDERS and holder != needs.ADMINISTRATOR
    }
    assert here == HOLDERS
    packages = {need.by for listed in NEEDS.values() for need in listed if needs.PACKAGE.match(need.by)}
    assert packages == set(HOLDERS)


def test_what_the_deployer_needs_is_said_once() -> None:
    """One statement of its policy for each action."""
    pairs = [(action, need) for need in NEEDS["Bootstrap/Deployer"] for action in need.actions]
    assert len(pairs) == len(dict(pairs)) > 10


def test_what_an_administrator_needs_beside_it_is_no_pipelines() -> None:
    """What deletes artefacts or makes a role of the account is in no policy here."""
    beside = {action for need in NEEDS[needs.ADMINISTRATOR] for action in need.actions}
    given = {action for need in NEEDS["Bootstrap/Deployer"] for action in need.actions}
    assert beside & given == set()
    assert {"s3:DeleteObjectVersion", "ecr:BatchDeleteImage", "iam:CreateServiceLinkedRole"} <= beside


def deployers_statements(action: str) -> list[dict[str, Any]]:
    tree = load_directory(REPOSITORY / "templates" / "prod")
    (policy,) = (one for one in policies(tree, Renderer(tree)) if one.resource.address == "Bootstrap/Deployer")
    return [dict(one.document) for one in policy.statements if action in one.actions]


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
    named -= {"kms:*"}  # the account's: a key's default policy
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
