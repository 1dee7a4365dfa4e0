"""Who calls functions: each service that must is let in, for what it calls for, and no other."""

from collections.abc import Iterator
from dataclasses import dataclass

from rules.families.grants.grant_book import Line, book
from rules.families.grants.grant_texts import ACCOUNT, REGION, may, shown
from rules.families.grants.service_roles import rule_actions
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Value

FUNCTION = "AWS::Lambda::Function"
PERMISSION = "AWS::Lambda::Permission"
SERVICES = "https://docs.aws.amazon.com/lambda/latest/dg/permissions-function-services.html"
# Services that say for what they call, so that a permission can be bound to it.
SAYING = ("events", "iot", "logs", "s3", "secretsmanager", "sns")


@dataclass(frozen=True)
class Caller:
    """A service that calls a function, and for what."""

    service: str
    user: Resource  # what makes it call
    source: Resource  # what it says it calls for
    function: Resource


def callers(site: Site) -> Iterator[Caller]:
    for service, user, source, value in _calling(site):
        function = site.target(value, FUNCTION)
        if function is not None:
            yield Caller(service, user, source, function)


def _calling(site: Site) -> Iterator[tuple[str, Resource, Resource, Value]]:
    for rule_ in site.all("AWS::Events::Rule"):
        for target in site.items(rule_, "Targets"):
            if (
                isinstance(target, dict) and target.get("RoleArn") is None
            ):  # EventBridge may take a role instead
                yield "events.amazonaws.com", rule_, rule_, target.get("Arn")
    for schedule in site.all("AWS::SecretsManager::RotationSchedule"):
        named = site.get(schedule, "SecretId")
        attached = site.target(named, "AWS::SecretsManager::SecretTargetAttachment")
        named = site.get(attached, "SecretId") if attached is not None else named
        secret = site.target(named, "AWS::SecretsManager::Secret")
        value = site.get(schedule, "RotationLambdaARN")
        yield "secretsmanager.amazonaws.com", schedule, secret or schedule, value
    for subscription in site.all("AWS::SNS::Subscription"):
        topic = site.target(site.get(subscription, "TopicArn"), "AWS::SNS::Topic")
        if site.get(subscription, "Protocol") == "lambda" and topic is not None:
            yield "sns.amazonaws.com", subscription, topic, site.get(subscription, "Endpoint")
    for bucket in site.all("AWS::S3::Bucket"):
        for told in site.items(bucket, "NotificationConfiguration", "LambdaConfigurations"):
            if isinstance(told, dict):
                yield "s3.amazonaws.com", bucket, bucket, told.get("Function")
    yield from _subscribed(site)


def _subscribed(site: Site) -> Iterator[tuple[str, Resource, Resource, Value]]:
    for carrier in site.all("AWS::IoT::TopicRule"):
        for _, kind, properties in rule_actions(site, carrier):
            if kind == "Lambda":
                yield "iot.amazonaws.com", carrier, carrier, properties.get("FunctionArn")
    for template in site.all("AWS::IoT::ProvisioningTemplate"):
        value = site.get(template, "PreProvisioningHook", "TargetArn")
        yield "iot.amazonaws.com", template, template, value
    for subscribed in site.all("AWS::Logs::SubscriptionFilter"):
        group = site.target(site.get(subscribed, "LogGroupName"), "AWS::Logs::LogGroup")
        value = site.get(subscribed, "DestinationArn")
        yield f"logs.{REGION}.amazonaws.com", subscribed, group or subscribed, value


def _permissions(site: Site, function: Resource) -> list[Line] | None:
    """The permissions of a function; None where one may be among them that cannot be placed."""
    for permission in site.all(PERMISSION):
        placed = isinstance(site.get(permission, "FunctionName"), Reference)
        if permission.address in site.unread_policies or not placed:
            return None
    return [line for line in book(site).guards(function) if line.policy.resource.kind == PERMISSION]


def _refusal(site: Site, caller: Caller, lines: list[Line]) -> str:
    known = book(site)
    on = known.wording.arn(caller.function)
    request = {"aws:sourceaccount": ACCOUNT, "aws:sourcearn": known.wording.arn(caller.source)}
    services = (
        (caller.service, "logs.amazonaws.com") if caller.service.startswith("logs.") else (caller.service,)
    )
    about = tuple(
        line for line in lines if any(may(name, one) for _, name in line.principals for one in services)
    )
    if any(known.allowing(about, "lambda:InvokeFunction", on, request)):
        return ""
    for line in about:
        allowed = ", ".join(line.statement.actions)
        bound = "is bound to something else"
        why = bound if line.covers("lambda:invokefunction") else f"allows {allowed}"
        return f"{line.policy.resource} {why}"
    return f"no permission names {shown(caller.service)}"


@rule(
    "E9260",
    cause="{user} calls {function} in vain: {service} may not invoke it ({why})",
    remedy="add an AWS::Lambda::Permission for lambda:InvokeFunction, bound to what it calls for",
    sources=(SERVICES,),
)
def a_function_that_its_caller_may_not_invoke(site: Site) -> Iterator[Finding]:
    for caller in dict.fromkeys(callers(site)):
        lines = _permissions(site, caller.function)
        why = "" if lines is None else _refusal(site, caller, lines)
        if why:
            yield found(
                caller.user,
                user=caller.user,
                function=caller.function,
                service=shown(caller.service),
                why=why,
            )


@rule(
    "W9261",
    cause="{permission} lets {service} invoke {function} on behalf of any account",
    remedy="bind it by SourceArn, or by SourceAccount where the source has no ARN of an account",
    sources=(SERVICES, "https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html"),
    demanding=True,
)
def a_permission_for_any_account(site: Site) -> Iterator[Finding]:
    for permission in site.all(PERMISSION):
        service = str(site.get(permission, "Principal")).removesuffix(".amazonaws.com")
        bound = ("SourceAccount", "SourceArn", "PrincipalOrgID", "EventSourceToken")
        if service in SAYING and all(site.get(permission, name) is None for name in bound):
            function = site.get(permission, "FunctionName")
            yield found(permission, permission=permission, service=service, function=function)


@rule(
    "E9262",
    cause="{permission} lets anybody invoke {function}",
    remedy="name the service or the account that calls it",
    sources=("https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html",),
)
def a_permission_for_everybody(site: Site) -> Iterator[Finding]:
    for permission in site.all(PERMISSION):
        bound = ("PrincipalOrgID", "FunctionUrlAuthType")
        open_ = site.get(permission, "Principal") == "*"
        if open_ and all(site.get(permission, name) is None for name in bound):
            yield found(
                permission, "Principal", permission=permission, function=site.get(permission, "FunctionName")
            )


@rule(
    "E9263",
    cause="{permission} allows {action}, by which no service calls a function",
    remedy="allow lambda:InvokeFunction",
    sources=(SERVICES,),
)
def a_permission_to_something_else(site: Site) -> Iterator[Finding]:
    for permission in site.all(PERMISSION):
        action = site.get(permission, "Action")
        service = str(site.get(permission, "Principal")).endswith(".amazonaws.com")
        invoking = str(action).lower().startswith(("lambda:invoke", "lambda:*", "*"))
        if isinstance(action, str) and service and not invoking:
            yield found(permission, "Action", permission=permission, action=action)
