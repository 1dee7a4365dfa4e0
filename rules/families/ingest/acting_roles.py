"""The roles in which IoT acts: trusted by it, and let to do what the action or the provisioning is."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from rules.families.ingest.provisioning import TEMPLATE
from rules.families.ingest.rule_actions import actions
from rules.families.ingest.topic_rules import RULE
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.policies import Kind
from topology.tree import Resource
from topology.values import Value

GRANTING = "https://docs.aws.amazon.com/iot/latest/developerguide/iot-create-role.html"
PROVISIONING = "https://docs.aws.amazon.com/iot/latest/developerguide/provision-wo-cert.html"
REGISTRATION = "https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSIoTThingsRegistration.html"
SERVICE = "iot.amazonaws.com"
ROLE = "AWS::IAM::Role"
# https://docs.aws.amazon.com/iot/latest/developerguide/iot-rule-actions.html, each action's own page
ASKS: Mapping[str, str] = {
    "Kinesis": "kinesis:PutRecord",
    "Sqs": "sqs:SendMessage",
    "Sns": "sns:Publish",
    "S3": "s3:PutObject",
    "Firehose": "firehose:PutRecord",
    "DynamoDB": "dynamodb:PutItem",
    "DynamoDBv2": "dynamodb:PutItem",
    "Republish": "iot:Publish",
    "StepFunctions": "states:StartExecution",
    "CloudwatchMetric": "cloudwatch:PutMetricData",
    "CloudwatchAlarm": "cloudwatch:SetAlarmState",
    "CloudwatchLogs": "logs:PutLogEvents",
    "Timestream": "timestream:WriteRecords",
}
# Of AWSIoTThingsRegistration, what every template that makes a thing, a certificate and a policy asks for.
REGISTERS = (
    ("iot:CreateThing",),
    ("iot:DescribeThing",),
    ("iot:DescribeCertificate",),
    ("iot:UpdateCertificate",),
    ("iot:AttachThingPrincipal",),
    ("iot:AttachPolicy", "iot:AttachPrincipalPolicy"),
    ("iot:GetPolicy",),
    ("iot:RegisterThing",),
)


@rule(
    "E9750",
    cause="{rule} acts in {role}, which nothing lets do {action}",
    remedy="allow it in a policy of the role, on what the rule writes to",
    sources=(GRANTING,),
)
def a_rule_that_may_not_act(site: Site) -> Iterator[Finding]:
    for one in site.all(RULE):
        for path, kind, properties in actions(site, one):
            role = site.target(properties.get("RoleArn"), ROLE)
            asked = ASKS.get(kind)
            if role is not None and asked and may(site, role, asked) is False:
                yield found(one, *path, "RoleArn", rule=one, role=role, action=asked)


@rule(
    "E9751",
    cause="{user} acts in {role}, which does not trust iot.amazonaws.com",
    remedy="let iot.amazonaws.com take it by sts:AssumeRole",
    sources=(GRANTING, PROVISIONING),
)
def a_role_that_does_not_trust_iot(site: Site) -> Iterator[Finding]:
    for user, path, role in _taken(site):
        trusts = [one for one in site.policies if one.kind is Kind.TRUST and one.resource == role]
        principals = [pair for one in trusts for by in one.statements if by.allows for pair in by.principals]
        trusted = any(name in (SERVICE, "*") for _, name in principals)
        if trusts and not trusted and "${?}" not in str(principals):
            yield found(user, *path, user=user, role=role)


def _taken(site: Site) -> Iterator[tuple[Resource, tuple[str | int, ...], Resource]]:
    for one in site.all(RULE):
        for path, _, properties in actions(site, one):
            role = site.target(properties.get("RoleArn"), ROLE)
            if role is not None:
                yield one, (*path, "RoleArn"), role
    for template in site.all(TEMPLATE):
        role = site.target(site.get(template, "ProvisioningRoleArn"), ROLE)
        if role is not None:
            yield template, ("ProvisioningRoleArn",), role


@rule(
    "E9752",
    cause="{template} provisions in {role}, which may not do {actions}",
    remedy="allow it, or give the role AWS's policy AWSIoTThingsRegistration",
    sources=(PROVISIONING, REGISTRATION),
)
def a_provisioning_that_may_not_register(site: Site) -> Iterator[Finding]:
    for template in site.all(TEMPLATE):
        role = site.target(site.get(template, "ProvisioningRoleArn"), ROLE)
        if role is None:
            continue
        lacking = [ways[0] for ways in REGISTERS if all(may(site, role, action) is False for action in ways)]
        if lacking:
            yield found(
                template, "ProvisioningRoleArn", template=template, role=role, actions=", ".join(lacking)
            )


def may(site: Site, role: Resource, action: str) -> bool | None:
    """Whether any statement lets a role do it, on whatever; None where its policies are not all at hand."""
    unread = [site.tree.resource(address) for address in site.unread_policies]
    if any(one == role or one.kind.startswith("AWS::IAM::") for one in unread):
        return None
    if site.items(role, "ManagedPolicyArns") and not all(
        site.target(one, "AWS::IAM::ManagedPolicy") for one in site.items(role, "ManagedPolicyArns")
    ):
        return None
    if any(site.target(one, ROLE) is None for one in _holders(site)):
        return None
    return any(
        statement.allows and any(_matches(action, allowed) for allowed in statement.actions)
        for policy in site.policies
        if policy.kind is Kind.IDENTITY and role in (policy.resource, *policy.about)
        for statement in policy.statements
    )


def _holders(site: Site) -> Iterator[Value]:
    """Whom policies that stand alone are for; one that nobody can follow may be this role."""
    for policy in site.all("AWS::IAM::Policy", "AWS::IAM::RolePolicy"):
        for name in ("Roles", "RoleName"):
            yield from site.items(policy, name)


def _matches(action: str, allowed: str) -> bool:
    return allowed.startswith("all but ") or fnmatchcase(action.lower(), allowed.lower())
