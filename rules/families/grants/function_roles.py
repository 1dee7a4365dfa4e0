"""Execution roles of functions: their log, their network, what they are told of, what wakes them."""

from collections.abc import Iterator
from itertools import islice

from rules.families.grants.grant_book import book
from rules.families.grants.grant_needs import (
    OF_THE_SERVICE,
    Need,
    arn,
    log_streams,
    role_of,
    through,
    unmet,
)
from rules.families.grants.grant_texts import ANY
from rules.families.grants.key_holders import key_of
from rules.families.grants.named_resources import MASTER_SECRET, named_by, needs_of_named, secret_arn
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Text, Value

FUNCTION = "AWS::Lambda::Function"
INTERFACE = ("network-interface",)
ENDS = ("network-interface", "subnet", "security-group")
VPC = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html"
SENDING = {"AWS::SQS::Queue": "sqs:SendMessage", "AWS::SNS::Topic": "sns:Publish"}
READING = {
    "AWS::Kinesis::Stream": (
        "kinesis:DescribeStreamSummary",
        "kinesis:GetRecords",
        "kinesis:GetShardIterator",
        "kinesis:ListShards",
    ),
    "AWS::SQS::Queue": ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
}
ROTATING = ("DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage")


def roles(site: Site) -> Iterator[tuple[Resource, Resource]]:
    """(function, its role)"""
    for function in site.all(FUNCTION):
        role = role_of(site, site.get(function, "Role"))
        if role is not None:
            yield function, role


def _logging(site: Site, function: Resource, role: Resource) -> Iterator[Need]:
    group = site.get(function, "LoggingConfig", "LogGroup")
    if group is None:
        name = book(site).wording.name(function)
        streams: str | None = arn("logs", f"log-group:/aws/lambda/{name}:log-stream:{ANY}")
    else:
        streams = log_streams(site, group)
    for action in ("logs:CreateLogStream", "logs:PutLogEvents") if streams else ():
        yield Need(role, action, streams or "", function, OF_THE_SERVICE)


@rule(
    "E9212",
    cause="what {function} prints is lost: its role {role} may not {action} on {on} ({why})",
    remedy="allow it on the streams of the function's log group, of which the ARN ends in :*",
    sources=("https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html",),
)
def a_function_that_cannot_write_its_log(site: Site) -> Iterator[Finding]:
    for function, role in roles(site):
        for need, why in islice(unmet(site, _logging(site, function, role)), 1):
            yield found(
                role, "Policies", function=function, role=role, action=need.action, on=need.shown, why=why
            )


def _joining(function: Resource, role: Resource, later: bool) -> Iterator[Need]:
    if later:
        for action in ("AssignPrivateIpAddresses", "UnassignPrivateIpAddresses"):
            for kind in INTERFACE:
                yield Need(role, f"ec2:{action}", arn("ec2", f"{kind}/{ANY}"), function, OF_THE_SERVICE)
        yield Need(role, "ec2:DescribeSubnets", "*", function, OF_THE_SERVICE)
        return
    for kind in ENDS:
        yield Need(role, "ec2:CreateNetworkInterface", arn("ec2", f"{kind}/{ANY}"), function, OF_THE_SERVICE)
    yield Need(
        role, "ec2:DeleteNetworkInterface", arn("ec2", f"network-interface/{ANY}"), function, OF_THE_SERVICE
    )
    yield Need(role, "ec2:DescribeNetworkInterfaces", "*", function, OF_THE_SERVICE)


def in_network(site: Site) -> Iterator[tuple[Resource, Resource]]:
    for function, role in roles(site):
        if site.items(function, "VpcConfig", "SubnetIds"):
            yield function, role


@rule(
    "E9213",
    cause="{function} cannot join its network: its role {role} may not {action} on {on} ({why})",
    remedy="allow Lambda the six actions on network interfaces that its documentation lists",
    sources=(VPC,),
)
def a_function_that_cannot_join_its_network(site: Site) -> Iterator[Finding]:
    for function, role in in_network(site):
        for need, why in islice(unmet(site, _joining(function, role, later=False)), 1):
            yield found(
                role, "Policies", function=function, role=role, action=need.action, on=need.shown, why=why
            )


@rule(
    "W9214",
    cause="Lambda may not {action} for {function}, by its role {role} ({why})",
    remedy="allow all six actions that joining a network takes",
    sources=(VPC,),
    demanding=True,
)
def a_function_that_joins_its_network_by_half(site: Site) -> Iterator[Finding]:
    for function, role in in_network(site):
        if any(unmet(site, _joining(function, role, later=False))):
            continue  # it does not join at all, which is told as that
        for need, why in islice(unmet(site, _joining(function, role, later=True)), 1):
            yield found(role, "Policies", function=function, role=role, action=need.action, why=why)


@rule(
    "E9215",
    cause="{function} is told of {on}, and its role {role} may not {action} ({why})",
    remedy="allow the role what the function does with it, or do not name it there",
    sources=("https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html",),
    demanding=True,
)
def a_function_that_may_not_use_what_it_is_told_of(site: Site) -> Iterator[Finding]:
    for function, role in roles(site):
        variables = site.get(function, "Environment", "Variables")
        for value in variables.values() if isinstance(variables, dict) else ():
            for reference in named_by(value):
                for need, why in unmet(site, needs_of_named(site, role, function, reference)):
                    yield found(
                        role,
                        "Policies",
                        function=function,
                        on=reference.resource,
                        role=role,
                        action=need.action,
                        why=why,
                    )


def _set_aside(site: Site, function: Resource) -> Iterator[Value]:
    """Where Lambda puts what the function could not do."""
    yield site.get(function, "DeadLetterConfig", "TargetArn")
    for use in site.uses(function, "AWS::Lambda::EventInvokeConfig"):
        for outcome in ("OnFailure", "OnSuccess"):
            yield site.get(use.user, "DestinationConfig", outcome, "Destination")


def _sending(site: Site, function: Resource, role: Resource) -> Iterator[Need]:
    for value in _set_aside(site, function):
        target = site.target(value, *SENDING)
        if target is not None:
            on = book(site).wording.arn(target)
            yield Need(role, SENDING[target.kind], on, function, OF_THE_SERVICE, target)


@rule(
    "E9216",
    cause="what {function} cannot do is lost: its role {role} may not {action} on {on} ({why})",
    remedy="allow the role to send to where Lambda sets it aside",
    sources=("https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html",),
)
def a_function_that_cannot_set_aside(site: Site) -> Iterator[Finding]:
    for function, role in roles(site):
        for need, why in unmet(site, _sending(site, function, role)):
            yield found(
                role, "Policies", function=function, role=role, action=need.action, on=need.shown, why=why
            )


def _reading(site: Site, function: Resource, role: Resource) -> Iterator[Need]:
    for use in site.uses(function, "AWS::Lambda::EventSourceMapping"):
        source = site.target(site.get(use.user, "EventSourceArn"), *READING)
        if source is not None and use.property == "FunctionName":
            for action in READING[source.kind]:
                on = book(site).wording.arn(source)
                yield Need(role, action, on, use.user, OF_THE_SERVICE, source)


@rule(
    "E9217",
    cause="{mapping} wakes nothing: the role {role} may not {action} on {on} ({why})",
    remedy="allow the function's role to read the source",
    sources=("https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html",),
)
def a_source_that_the_function_cannot_read(site: Site) -> Iterator[Finding]:
    for function, role in roles(site):
        for need, why in unmet(site, _reading(site, function, role)):
            yield found(
                role, "Policies", mapping=need.by, role=role, action=need.action, on=need.shown, why=why
            )


def _rotating(site: Site) -> Iterator[tuple[Resource, Need]]:
    for schedule in site.all("AWS::SecretsManager::RotationSchedule"):
        function = site.target(site.get(schedule, "RotationLambdaARN"), FUNCTION)
        secret = _secret(site, site.get(schedule, "SecretId"))
        role = role_of(site, site.get(function, "Role")) if function else None
        if function is not None and secret is not None and role is not None:
            for action in ROTATING:
                on = book(site).wording.arn(secret)
                yield function, Need(role, f"secretsmanager:{action}", on, schedule, guarded=secret)
            for master in _masters(site, secret):
                on = secret_arn(site, master)
                yield (
                    function,
                    Need(role, "secretsmanager:GetSecretValue", on, schedule, guarded=master.resource),
                )


def _secret(site: Site, value: Value) -> Resource | None:
    """The secret that a value names, also by its attachment."""
    attached = site.target(value, "AWS::SecretsManager::SecretTargetAttachment")
    named = site.get(attached, "SecretId") if attached is not None else value
    return site.target(named, "AWS::SecretsManager::Secret")


def _masters(site: Site, secret: Resource) -> Iterator[Reference]:
    """The logins by which that of a secret is changed: it names them as masterarn."""
    template = site.get(secret, "GenerateSecretString", "SecretStringTemplate")
    if not isinstance(template, Text) or "masterarn" not in str(template.parts[0]):
        return
    for part in template.parts:
        if isinstance(part, Reference):
            master = _secret(site, part)
            if master is not None:
                yield Reference(master)
            elif part.attribute == MASTER_SECRET:
                yield part


@rule(
    "E9218",
    cause="{function} cannot rotate {secret}: its role {role} may not {action} ({why})",
    remedy="allow all four actions of rotation on the secret",
    sources=(
        "https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-required-permissions-function.html",
    ),
)
def a_rotation_that_is_not_allowed(site: Site) -> Iterator[Finding]:
    for function, rotating in _rotating(site):
        for need, why in unmet(site, [rotating]):
            yield found(
                need.holder,
                "Policies",
                function=function,
                secret=need.guarded,
                role=need.holder,
                action=need.action,
                why=why,
            )


@rule(
    "W9219",
    cause="the variables of {function} are under {key}, which its role {role} may not use ({why})",
    remedy="allow kms:Decrypt, or name the key that the role may use",
    sources=("https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html",),
)
def a_function_that_cannot_read_its_variables(site: Site) -> Iterator[Finding]:
    for function, role in roles(site):
        key = key_of(site, site.get(function, "KmsKeyArn"))
        if key is not None:
            on = book(site).wording.arn(key)
            for _, why in unmet(
                site, [Need(role, "kms:Decrypt", on, function, through("lambda"), guarded=key)]
            ):
                yield found(function, "KmsKeyArn", function=function, key=key, role=role, why=why)
