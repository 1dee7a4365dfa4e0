"""Who may take each role, paired with what uses it: a trust that nothing uses is a door left open.

Both sides come from the tree. Which service takes the role that a property names is AWS's to say, so that
stands here, type by type; a role named by a property that is not listed is an error, not a guess.
"""

from collections.abc import Iterator, Mapping

from topology.policies import PLACES, Kind, Policy, Statement, texts
from topology.rendering import Renderer
from topology.tree import Resource, Tree
from topology.values import references

ASSUME = ("sts:AssumeRole",)
BY_TOKEN = ("sts:AssumeRoleWithWebIdentity",)
HANDING = "iam:PassRole"
# Type and property that names a role → who takes that role.
TAKERS: Mapping[tuple[str, str], str] = {
    # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    ("AWS::EC2::FlowLog", "DeliverLogsPermissionArn"): "vpc-flow-logs.amazonaws.com",
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
    ("AWS::ECS::TaskDefinition", "ExecutionRoleArn"): "ecs-tasks.amazonaws.com",
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
    ("AWS::ECS::TaskDefinition", "TaskRoleArn"): "ecs-tasks.amazonaws.com",
    # https://docs.aws.amazon.com/iot/latest/developerguide/provision-wo-cert.html
    ("AWS::IoT::ProvisioningTemplate", "ProvisioningRoleArn"): "iot.amazonaws.com",
    # https://docs.aws.amazon.com/iot/latest/developerguide/iot-create-role.html
    ("AWS::IoT::TopicRule", "TopicRulePayload"): "iot.amazonaws.com",
    # https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
    ("AWS::Lambda::Function", "Role"): "lambda.amazonaws.com",
    # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Monitoring.OS.Enabling.html
    ("AWS::RDS::DBInstance", "MonitoringRoleArn"): "monitoring.rds.amazonaws.com",
}
# What names a role without taking it: policies, and who holds them.
ABOUT_ROLES = frozenset(
    PLACES.keys() | {(kind, guarded) for (kind, _), (_, guarded) in PLACES.items() if guarded}
)


def problems(tree: Tree, listed: list[Policy], renderer: Renderer) -> Iterator[str]:
    """Whom a role trusts and nothing here uses it for, what uses it without trust, and who is no service."""
    for role in tree.resources("AWS::IAM::Role"):
        takers = dict(_handed(listed, renderer.arn(role)))
        for user, name in _naming(tree, role, renderer):
            if (user.kind, name) in TAKERS:
                takers.setdefault(TAKERS[user.kind, name], user)
            else:
                yield (
                    f"{user}: names {role} in {name}; say in topology/trust.py which service takes the role "
                    f"that {user.kind} has there"
                )
        trusted: set[str] = set()
        for policy in listed:
            if policy.kind is Kind.TRUST and policy.resource == role:
                yield from _of_statements(policy, trusted)
        for service in sorted(trusted - takers.keys()):
            yield f"{role}: trusts {service}, for which nothing here uses it; take it out of the trust policy"
        for service in sorted(takers.keys() - trusted):
            yield f"{role}: is used by {takers[service]}, and does not trust {service}"


def _handed(listed: list[Policy], arn: str) -> Iterator[tuple[str, Resource]]:
    """The services to which a policy here lets its holder pass this very role, each with that policy."""
    for policy in listed:
        for statement in policy.statements:
            if (
                statement.allows
                and HANDING in statement.actions
                and arn in texts(statement.document["Resource"])
            ):
                for service in texts(statement.conditions.get("StringEquals", {}).get("iam:PassedToService")):
                    yield service, policy.resource


def _of_statements(policy: Policy, trusted: set[str]) -> Iterator[str]:
    """Adds the services of a trust policy to `trusted`."""
    for statement in policy.statements:
        if not statement.allows or _of_one_pipeline(statement):
            continue
        if statement.actions != ASSUME:
            allowed = ", ".join(statement.actions)
            yield f"{statement.where}: allows {allowed}; a service takes a role by {ASSUME[0]} alone"
        for kind, principal in statement.principals:
            if kind == "Service":
                trusted.add(principal)
            else:
                yield f"{statement.where}: trusts {principal}, which is no service; roles here are services'"


def _of_one_pipeline(statement: Statement) -> bool:
    """Whether a token is asked for, and one for us, of a run that is named whole.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html
    """
    equal = statement.conditions.get("StringEquals", {})
    bound = {
        key.rpartition(":")[2] for key, value in equal.items() if all("*" not in one for one in texts(value))
    }
    kinds = {kind for kind, _ in statement.principals}
    return kinds == {"Federated"} and statement.actions == BY_TOKEN and {"aud", "sub"} <= bound


def _naming(tree: Tree, role: Resource, renderer: Renderer) -> Iterator[tuple[Resource, str]]:
    for resource in tree.resources():
        for name in resource.properties:
            if (resource.kind, name) not in ABOUT_ROLES:
                value = renderer.resolver.property(resource, name)
                if any(reference.resource == role for reference in references(value)):
                    yield resource, name
