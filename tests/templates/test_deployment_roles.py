"""CloudFormation may do what the platform's resources take, on these, and nothing that none takes."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from stacks import handlers, linter_data
from stacks.deployment_roles import GROUPS, POLICIES_OF_A_ROLE, POLICY_LETTERS
from stacks.execution import BOUNDED
from stacks.scopes import ANYWHERE, TAG, known
from topology.arns import FORMS
from topology.pairing import Allowed, allowed, covers
from topology.policies import Policy, policies
from topology.rendering import ACCOUNT, Place, Renderer
from topology.tree import Resource, Tree, load_directory

REPOSITORY = Path(__file__).parents[2]
ENVIRONMENTS = ("dev", "prod")
PARTS = tuple(f"Bootstrap/{name}" for name in GROUPS)
# What is allowed, and no template names: what services make for themselves beside the resource.
BESIDE = (
    "aws-service-role/",
    "billing:",
    "elasticache:*:cluster:",
    "elasticache:*:snapshot:",
    "ecs:*:service-deployment/",
    "ec2:*:security-group-rule/",
    "kinesis:*:stream/*/consumer/",  # made where records are pushed
    "rds:*:og:default:",
    "rds:*:snapshot:",
    "secretsmanager:*:secret:rds!db-",
)


@cache
def tree_of(environment: str) -> Tree:
    return load_directory(REPOSITORY / "templates" / environment)


@cache
def renderer_of(environment: str) -> Renderer:
    return Renderer(tree_of(environment), Place(root=f"millrace-{environment}"))


@cache
def listed(environment: str) -> list[Policy]:
    return list(policies(tree_of(environment), renderer_of(environment)))


@cache
def may_make(environment: str) -> dict[str, list[Allowed]]:
    """Action → where the execution role is allowed it."""
    found: dict[str, list[Allowed]] = {}
    for one in allowed(listed(environment), renderer_of(environment)):
        if one.holder in PARTS:
            found.setdefault(one.action, []).append(one)
    return found


def of_platform(environment: str) -> Iterator[Resource]:
    return (one for one in tree_of(environment).resources() if not one.address.startswith("Bootstrap/"))


@cache
def needed(environment: str) -> dict[str, frozenset[str]]:
    """Type → actions, by the templates as they are emitted."""
    properties: dict[str, frozenset[str]] = {}
    for one in of_platform(environment):
        properties[one.kind] = properties.get(one.kind, frozenset()) | one.properties.keys()
    return {kind: handlers.permissions(kind, names) for kind, names in properties.items()}


def knows(action: str, arn: str) -> bool:
    """Whether an action can be allowed on this very resource."""
    service = action.partition(":")[0]
    kinds = {name.casefold(): made for name, made in linter_data.authorization()[service]["Resources"].items()}
    formats = (form for kind in known(action) for form in kinds[kind.casefold()]["ARNFormats"])
    return any(re.fullmatch(re.sub(r"\$\{\w+\}", "[^:]*", form), arn) for form in formats)


def arn_of(resource: Resource, environment: str) -> str:
    return renderer_of(environment).arn(resource) if resource.kind in FORMS else ""


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_handler_of_each_resource_may_do_what_it_does_on_that_resource(environment: str) -> None:
    refused = []
    on_itself = 0
    for resource in of_platform(environment):
        arn = arn_of(resource, environment)
        for action in needed(environment)[resource.kind]:
            where = may_make(environment).get(action, [])
            own = bool(arn) and action not in ANYWHERE and knows(action, arn)
            on_itself += own
            if not any(covers(one.resource, arn) for one in where) if own else not where:
                refused.append(f"{resource}: {action} on {arn if own else 'anything'}")
    assert refused == []
    assert on_itself > 800


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_nothing_is_allowed_that_no_resource_takes(environment: str) -> None:
    taken = {action for actions in needed(environment).values() for action in actions}
    assert sorted(may_make(environment).keys() - taken) == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_is_allowed_is_on_resources_that_the_templates_make(environment: str) -> None:
    arns = {arn_of(one, environment) for one in of_platform(environment)} - {""}
    arns |= {arn_of(one, environment) for one in tree_of(environment).resources() if one.stack == "Bootstrap"}
    arns.add(f"arn:aws:cloudformation:eu-west-2:{ACCOUNT}:stack/millrace-{environment}/1a2b")  # the root's own
    patterns = {one.resource for where in may_make(environment).values() for one in where} - {"*"}
    idle = [one for one in patterns if not any(covers(one, arn) or covers(one, f"{arn}/x") for arn in arns)]
    beside = [one for one in idle if any(re.search(name.replace("*", "[^/]*"), one) for name in BESIDE)]
    assert sorted(set(idle) - set(beside)) == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_action_is_a_wildcard_and_everything_is_only_where_nothing_can_be_named(environment: str) -> None:
    for action, where in may_make(environment).items():
        assert re.fullmatch(r"[a-z0-9-]+:[A-Za-z0-9]+", action)
        if any(one.resource == "*" for one in where):
            assert action in ANYWHERE or not known(action), action
            here = {str(one.statement.conditions) for one in where}
            assert action.startswith("iam:") or here == {"{'StringEquals': {'aws:RequestedRegion': 'eu-west-2'}}"}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_is_taken_away_by_its_tag_has_that_tag(environment: str) -> None:
    asked = 0
    for resource in of_platform(environment):
        arn = arn_of(resource, environment)
        bound = [
            one
            for action in needed(environment)[resource.kind]
            for one in may_make(environment)[action]
            if arn and covers(one.resource, arn) and TAG in one.statement.conditions.get("StringEquals", {})
        ]
        if bound:
            asked += 1
            assert f"'Environment', 'Value': '{environment}'" in str(resource.properties["Tags"]), resource
    assert asked > 30


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_bootstrap_holds_is_only_read(environment: str) -> None:
    reached: dict[str, set[str]] = {}
    for resource in tree_of(environment).resources():
        if resource.stack != "Bootstrap" or not (arn := arn_of(resource, environment)):
            continue
        for action, where in may_make(environment).items():
            if any(one.resource != "*" and covers(one.resource, arn) for one in where):
                reached.setdefault(resource.name, set()).add(action)
    denied = {
        action
        for policy in listed(environment)
        if policy.resource.address in PARTS
        for statement in policy.statements
        if not statement.allows
        for action in statement.actions
    }
    reads = {
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:GetKeyPolicy",
        "kms:GetKeyRotationStatus",
        "kms:ListResourceTags",
    }
    assert reached.keys() == {"ArtefactKey"}
    assert reached["ArtefactKey"] - denied == reads


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_role_is_made_or_given_more_only_within_the_boundary(environment: str) -> None:
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/millrace-{environment}-boundary"
    for action in BOUNDED:
        for one in may_make(environment)[action]:
            assert one.statement.conditions == {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    assert "iam:DeleteRolePermissionsBoundary" not in may_make(environment)
    for action, where in may_make(environment).items():
        assert not any(one.resource != "*" and covers(one.resource, boundary) for one in where), action
    renderer = renderer_of(environment)
    roles = [one for one in of_platform(environment) if one.kind == "AWS::IAM::Role"]
    carried = {renderer.text(renderer.resolver.property(one, "PermissionsBoundary")) for one in roles}
    assert len(roles) == 7
    assert carried == {boundary}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_boundary_lets_each_role_do_all_that_its_own_policies_allow(environment: str) -> None:
    every = list(allowed(listed(environment), renderer_of(environment)))
    most = [one for one in every if one.holder == "Bootstrap/Boundary"]
    roles = {one.address for one in of_platform(environment) if one.kind == "AWS::IAM::Role"}
    own = [one for one in every if one.holder in roles]
    assert len(own) > 40
    beyond = [
        f"{one.holder}: {one.action} on {one.resource}"
        for one in own
        if not any(one.action == cap.action and covers(cap.resource, one.resource) for cap in most)
    ]
    assert beyond == []
    assert {cap.action for cap in most} >= {one.action for one in own}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_deployer_hands_over_this_one_role_and_to_cloudformation_alone(environment: str) -> None:
    role = renderer_of(environment).arn(tree_of(environment).resource("Bootstrap/ExecutionRole"))
    handed = [
        statement.document
        for policy in listed(environment)
        if policy.resource.address == "Bootstrap/Deployer"
        for statement in policy.statements
        if "iam:PassRole" in statement.actions
    ]
    assert [(one["Resource"], one["Condition"]) for one in handed] == [
        ([role], {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}})
    ]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_policies_are_within_iam_s_quotas(environment: str) -> None:
    role = tree_of(environment).resource("Bootstrap/ExecutionRole")
    assert len(role.properties["ManagedPolicyArns"]) == len(GROUPS) <= POLICIES_OF_A_ROLE
    for policy in listed(environment):
        if policy.resource.kind == "AWS::IAM::ManagedPolicy":
            document: Any = json.dumps(policy.document, separators=(",", ":"))
            assert len(document) <= POLICY_LETTERS, policy.resource
