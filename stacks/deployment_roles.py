"""The rights by which an environment is deployed: CloudFormation's, the deployer's, and the boundary of all.

The deployer changes stacks and hands CloudFormation the execution role; that one makes what the templates
name, and nothing else. Whatever role it makes carries the boundary. docs/decisions/deployment-roles.md
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from awacs import sts
from awacs.aws import (
    Allow,
    ArnLikeIfExists,
    Condition,
    PolicyDocument,
    Principal,
    Statement,
    StringEquals,
    StringEqualsIfExists,
)
from troposphere import AWSHelperFn, GetAtt, Output, Ref, Sub, iam

from parameters import sections as parameters
from stacks import boundary, deployer_policy, execution, handlers, scopes
from stacks.context import why
from stacks.scopes import Scope
from stacks.wiring import PolicyArn, RoleArn, StackTemplate
from topology.needs import BadNeeds

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
POLICY_LETTERS, POLICIES_OF_A_ROLE = 6144, 10
# Policy → the services whose actions are in it; one policy for all would be too long.
GROUPS = {
    "MayMakeNetwork": ("ec2",),
    "MayMakeCompute": ("application-autoscaling", "ecs", "lambda"),
    "MayMakeStores": ("dynamodb", "elasticache", "rds"),
    "MayMakeFlows": ("iot", "kinesis", "sns", "sqs"),
    "MayMakeSignals": ("billing", "budgets", "cloudwatch", "events", "logs"),
    "MayMakeRoles": ("iam",),
    "MayMakeKeys": ("kms", "secretsmanager"),
    "MayMakeStacks": ("cloudformation", "s3", "ssm"),
}
# What stays allowed on bootstrap's own key; all else that the role may do with keys is for the platform's.
READS_OF_KEYS = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListKeys",
)


ISSUER, AUDIENCE = "token.actions.githubusercontent.com", "sts.amazonaws.com"
PROVIDER = "arn:${AWS::Partition}:iam::${AWS::AccountId}:oidc-provider/" + ISSUER


@dataclass(frozen=True)
class Outputs:
    execution_role_arn: RoleArn
    deployer_policy_arn: PolicyArn


class TooLong(ValueError):
    """{policy}: {letters} letters, of which IAM takes {most}; give a service of it a policy of its own in
    stacks/deployment_roles.py (GROUPS)"""

    def __init__(self, policy: str, letters: int) -> None:
        super().__init__(
            f"{policy}: {letters} letters, of which IAM takes {POLICY_LETTERS}; "
            "give a service of it a policy of its own in stacks/deployment_roles.py (GROUPS)"
        )


class Ungrouped(ValueError):
    """{service}: is in no policy of the execution role; put it into one in stacks/deployment_roles.py
    (GROUPS)"""

    def __init__(self, service: str) -> None:
        super().__init__(
            f"{service}: is in no policy of the execution role; put it into one in "
            "stacks/deployment_roles.py (GROUPS)"
        )


# What a template may ask that nobody has said yet, or too much of it.
REFUSALS = (
    *(TooLong, Ungrouped, handlers.UnknownType, scopes.Unscoped, scopes.NoAction, execution.Unlinked),
    *(boundary.Unread, deployer_policy.Unknown, BadNeeds),
)


def build(template: StackTemplate, settings: parameters.Bootstrap, platform: execution.Platform) -> Outputs:
    """Raises REFUSALS."""
    template.add_resource(
        policy(
            "Boundary",
            "What a role of the platform can be allowed at most, whoever writes its policies.",
            list(boundary.statements(platform)),
            ManagedPolicyName=platform.boundary.rpartition("/")[2],  # the platform's roles name it by this
        )
    )
    allowed = execution.allowed(platform)
    for one in allowed:
        if not any(one.service in services for services in GROUPS.values()):
            raise Ungrouped(one.service)
    parts = [
        template.add_resource(
            policy(title, f"What making takes: {', '.join(services)}.", list(statements(allowed, services)))
        )
        for title, services in GROUPS.items()
    ]
    role = template.add_resource(execution_role(platform.environment, parts))
    deployer = template.add_resource(
        policy(
            "Deployer",
            "What deploy.py calls itself; for a pipeline's role, or a person's.",
            deployer_policy.statements(platform.environment),
        )
    )
    if settings.pipeline is not None:
        add_pipeline(template, settings.pipeline, deployer)
    return Outputs(RoleArn(role.get_att("Arn")), PolicyArn(Ref(deployer)))


def execution_role(environment: str, parts: list[iam.ManagedPolicy]) -> iam.Role:
    """CloudFormation takes it for stacks of this environment, and for none of another account's.

    No page of AWS says that CloudFormation names its stack when it takes a service role; where it does, it
    must be one of these. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-servicerole.html
    A role is never handed over from another account, and here only whom `Deployer` is attached to may do it:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
    """
    stacks = "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/"
    ours = [Sub(f"{stacks}millrace-{environment}/*"), Sub(f"{stacks}millrace-{environment}-*-*/*")]
    return iam.Role(
        "ExecutionRole",
        Metadata=why(
            "CloudFormation makes the platform with this, whatever its caller may do.",
            "allow what the handlers of the platform's types call, and nothing else",
        ),
        AssumeRolePolicyDocument=PolicyDocument(
            Version="2012-10-17",
            Statement=[
                Statement(
                    Effect=Allow,
                    Principal=Principal("Service", ["cloudformation.amazonaws.com"]),
                    Action=[sts.AssumeRole],
                    Condition=Condition(
                        [
                            StringEqualsIfExists("aws:SourceAccount", Ref("AWS::AccountId")),
                            ArnLikeIfExists("aws:SourceArn", ours),
                        ]
                    ),
                )
            ],
        ),
        ManagedPolicyArns=[Ref(part) for part in parts],
    )


def statements(allowed: Iterable[execution.Allowed], services: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """What is allowed alike stands once, across the services of one policy."""
    alike: dict[Scope, list[str]] = {}
    for one in allowed:
        if one.service in services:
            alike.setdefault(one.scope, []).extend(one.actions)
    for scope, actions in alike.items():
        conditions: dict[str, dict[str, Any]] = {}
        for condition in scope.conditions:
            values = [text(value) for value in condition.values]
            conditions.setdefault(condition.operator, {})[condition.key] = (
                values[0] if len(values) == 1 else values
            )
        yield {
            "Effect": "Allow",
            "Action": sorted(actions),
            "Resource": [text(resource) for resource in scope.resources],
            **({"Condition": conditions} if conditions else {}),
        }
    if "kms" in services:
        actions = sorted({action for one in allowed if one.service == "kms" for action in one.actions})
        yield {
            "Sid": "BootstrapKeepsItsKey",  # it has the platform's tags
            "Effect": "Deny",
            "Action": [action for action in actions if action not in READS_OF_KEYS and "List" not in action],
            "Resource": [GetAtt("ArtefactKey", "Arn")],
        }


def text(value: str) -> AWSHelperFn | str:
    return Sub(value) if "${" in value else value


def policy(title: str, reason: str, listed: list[dict[str, Any]], **properties: Any) -> iam.ManagedPolicy:
    """Raises TooLong."""
    made = iam.ManagedPolicy(
        title,
        Metadata=why(reason),
        PolicyDocument={"Version": "2012-10-17", "Statement": listed},
        **properties,
    )
    letters = len(json.dumps(made.to_dict()["Properties"]["PolicyDocument"], separators=(",", ":")))
    if letters > POLICY_LETTERS:
        raise TooLong(title, letters)
    return made


def add_pipeline(template: StackTemplate, pipeline: parameters.Pipeline, deployer: iam.ManagedPolicy) -> None:
    """The role that a pipeline of GitHub takes with the token of its run, and who vouches for that token.

    `sub` names the repository and the environment that the run has, whose reviewers GitHub asks first:
    https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws
    An account has one provider for an address, so where two environments share one only one makes it.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
    """
    if pipeline.makes_provider:
        template.add_resource(
            iam.OIDCProvider(
                "GitHub",
                Metadata=why("GitHub vouches for the runs of its pipelines"),
                Url=f"https://{ISSUER}",
                ClientIdList=[AUDIENCE],
            )
        )
    vouches = GetAtt("GitHub", "Arn") if pipeline.makes_provider else Sub(PROVIDER)
    run = f"repo:{pipeline.repository}:environment:{pipeline.environment}"
    role = template.add_resource(
        iam.Role(
            "DeployerRole",
            Metadata=why("a pipeline deploys with this, and keeps no key"),
            AssumeRolePolicyDocument=PolicyDocument(
                Version="2012-10-17",
                Statement=[
                    Statement(
                        Effect=Allow,
                        Principal=Principal("Federated", [vouches]),
                        Action=[sts.AssumeRoleWithWebIdentity],
                        Condition=Condition(
                            [StringEquals({f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": run})]
                        ),
                    )
                ],
            ),
            ManagedPolicyArns=[Ref(deployer)],
        )
    )
    template.add_output(Output("DeployerRoleArn", Value=role.get_att("Arn")))


def platform(templates: Iterable[StackTemplate], environment: str) -> execution.Platform:
    """The templates of an environment, each by the logical id of its nested stack; the root's by none."""
    trees: Mapping[str, Any] = {made.title: made.tree for made in templates}
    return execution.Platform(environment, trees)
