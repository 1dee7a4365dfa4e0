"""Who may take a role, who is meant by a resource's policy, and what AWS's own policies are given to whom.

docs/needs.yaml pairs what roles may do with who needs it; here stands the rest, and nothing may join it unseen.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from topology.policies import Kind, Policy, managed_by_aws, policies
from topology.rendering import Renderer
from topology.tree import Tree, load_directory

TEMPLATES = Path(__file__).parents[2] / "templates"

# Type that takes a role → the service that works with it.
WORKS_FOR = {
    "AWS::EC2::FlowLog": "vpc-flow-logs.amazonaws.com",
    "AWS::ECS::TaskDefinition": "ecs-tasks.amazonaws.com",
    "AWS::IoT::ProvisioningTemplate": "iot.amazonaws.com",
    "AWS::IoT::TopicRule": "iot.amazonaws.com",
    "AWS::Lambda::Function": "lambda.amazonaws.com",
    "AWS::RDS::DBInstance": "monitoring.rds.amazonaws.com",
}
# Holder → AWS's own policies. It may write to the log group RDSOSMetrics, which RDS shares in an account:
# https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonRDSEnhancedMonitoringRole.html
GIVEN_BY_AWS = {("Database/Monitoring", "service-role/AmazonRDSEnhancedMonitoringRole")}


@pytest.fixture(scope="module", params=["dev", "prod"])
def tree(request: pytest.FixtureRequest) -> Tree:
    return load_directory(TEMPLATES / request.param)


def of_kind(tree: Tree, kind: Kind) -> Iterator[Policy]:
    return (policy for policy in policies(tree, Renderer(tree)) if policy.kind is kind)


def test_a_role_is_taken_by_what_works_with_it_and_by_nothing_else(tree: Tree) -> None:
    users: dict[str, set[str]] = {}
    for resource in tree.resources(*WORKS_FOR):
        for role in tree.resources("AWS::IAM::Role"):
            if role.stack == resource.stack and f"'{role.name}'" in str(resource.properties):
                users.setdefault(role.address, set()).add(WORKS_FOR[resource.kind])
    trusts = {
        policy.resource.address: {name for statement in policy.statements for name in statement.principals}
        for policy in of_kind(tree, Kind.TRUST)
    }

    assert len(trusts) >= 7
    assert trusts == {role: {("Service", name) for name in names} for role, names in users.items()}


def test_no_role_has_a_policy_of_aws_s_that_nobody_wrote_down(tree: Tree) -> None:
    given = {(role.address, name) for role, name in managed_by_aws(tree, Renderer(tree))}
    assert given == GIVEN_BY_AWS


def test_a_resource_admits_services_and_its_account_and_nobody_else(tree: Tree) -> None:
    """What refuses may mean everybody; what allows names a service, or the account whose IAM decides."""
    admitted = {
        (policy.resource.kind, *principal)
        for policy in of_kind(tree, Kind.RESOURCE)
        for statement in policy.statements
        if statement.allows
        for principal in statement.principals
        if principal[0] != "Service"
    }
    assert admitted == {("AWS::KMS::Key", "AWS", "arn:aws:iam::111122223333:root")}
