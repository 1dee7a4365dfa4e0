"""What each caller needs, as its template shows: databases and caches that it is told of, services of AWS."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rules.families.reach.network_model import Network
from rules.families.reach.network_parties import FUNCTION, INSTANCE, SERVICE, STORES, TASK, Party
from topology.policies import Kind, Statement, texts
from topology.tree import Resource
from topology.values import Reference, Text, Value, known, references

SECRET, ATTACHED = "AWS::SecretsManager::Secret", "AWS::SecretsManager::SecretTargetAttachment"
ROTATED = "AWS::SecretsManager::RotationSchedule"
PARAMETER, ROLE = "AWS::SSM::Parameter", "AWS::IAM::Role"
MAPPING = "AWS::Lambda::EventSourceMapping"
INVOKED = "AWS::Lambda::EventInvokeConfig"
# IAM's prefix → the last part of the name of the service's endpoint, where calls of the prefix go to it.
# https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html
ENDPOINTS: Mapping[str, tuple[str, ...]] = {
    "athena": ("athena",),
    "cloudwatch": ("monitoring",),
    "dynamodb": ("dynamodb",),
    "ecr": ("ecr.api", "ecr.dkr"),
    "events": ("events",),
    "firehose": ("kinesis-firehose",),
    "kinesis": ("kinesis-streams",),
    "lambda": ("lambda",),
    "logs": ("logs",),
    "rds-data": ("rds-data",),
    "s3": ("s3",),
    "secretsmanager": ("secretsmanager",),
    "sns": ("sns",),
    "sqs": ("sqs",),
    "ssm": ("ssm",),
    "states": ("states",),
    "sts": ("sts",),
}
# What Lambda does itself, from outside of the network, with the function's role.
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
BY_LAMBDA = frozenset({"ec2", "logs", "xray"})
# What Lambda does so for an event source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
POLLED = frozenset({"dynamodb", "kinesis", "sqs"})
SENT = frozenset({"lambda", "s3", "sns", "sqs", "events"})  # for failures and destinations
LAYERS = "the layers of images lie in S3"
PULLING = ("ecr:BatchGetImage", "ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer")


@dataclass(frozen=True)
class Need:
    """One service of AWS that a caller calls from its place."""

    caller: Party
    service: str  # as its endpoint is called: ecr.api; internet: any address
    why: str
    at: Resource  # what shows the need
    action: str = ""  # in full, where one is known
    resources: tuple[str, ...] = ()
    role: Resource | None = None


def told_of(net: Network, caller: Resource) -> dict[Resource, str]:
    """Database or cache → how the caller learns of it."""
    return dict(net.once(_told_of, caller))


def _told_of(net: Network, caller: Resource) -> Iterable[tuple[Resource, str]]:
    found: dict[Resource, str] = {}
    for value, name in _environment(net, caller):
        for reference in references(value):
            store = _store(net, reference)
            if store is not None:
                found.setdefault(store, f"its environment names it in {name}")
            elif reference.resource.kind in (SECRET, PARAMETER):
                for behind, how in _behind(net, reference.resource):
                    found.setdefault(behind, f"{name} names {reference.resource}, {how}")
    for schedule in net.site.all(ROTATED):
        if net.site.target(net.site.get(schedule, "RotationLambdaARN")) == caller:
            secret = net.site.target(net.site.get(schedule, "SecretId"), SECRET, ATTACHED)
            for behind, _ in _behind(net, secret) if secret else ():
                found.setdefault(behind, f"{schedule} has it rotate that one's login")
    return found.items()


def _store(net: Network, reference: Reference) -> Resource | None:
    """What an address, a port or a master's secret is of."""
    attribute = reference.attribute.lower()
    meant = "endpoint" in attribute or "masterusersecret" in attribute
    return reference.resource if meant and reference.resource.kind in STORES else None


def _behind(net: Network, named: Resource) -> Iterator[tuple[Resource, str]]:
    """The databases that a secret or a parameter holds the address of."""
    if named.kind == ATTACHED:
        target = net.site.target(net.site.get(named, "SecretId"), SECRET)
        named = target or named
    for use in net.site.uses(named, ATTACHED):
        store = net.site.target(net.site.get(use.user, "TargetId"), *STORES)
        if store is not None:
            yield store, f"which {use.user} binds to it"
    for name in ("SecretString", "Value"):
        for reference in references(net.site.get(named, name)):
            store = _store(net, reference)
            if store is not None:
                yield store, "which holds its address"


def _environment(net: Network, caller: Resource) -> Iterator[tuple[Value, str]]:
    """(value, name) of what a program is told."""
    site = net.site
    if caller.kind == FUNCTION:
        variables = site.get(caller, "Environment", "Variables")
        if isinstance(variables, dict):
            yield from ((value, name) for name, value in variables.items())
        return
    for container in containers(net, caller):
        for key, given in (("Environment", "Value"), ("Secrets", "ValueFrom")):
            listed = container.get(key)
            for one in listed if isinstance(listed, list) else []:
                if isinstance(one, dict):
                    yield one.get(given), str(one.get("Name"))


def task(net: Network, service: Resource) -> Resource | None:
    return net.site.target(net.site.get(service, "TaskDefinition"), TASK)


def containers(net: Network, service: Resource) -> Iterator[dict[str, Value]]:
    made = task(net, service)
    for container in net.site.items(made, "ContainerDefinitions") if made else []:
        if isinstance(container, dict):
            yield container


def needs(net: Network, caller: Party) -> tuple[Need, ...]:
    return net.once(_needs, caller)


def _needs(net: Network, caller: Party) -> Iterator[Need]:
    if caller.resource.kind == FUNCTION:
        yield from _of_role(net, caller, net.site.get(caller.resource, "Role"))
    elif caller.resource.kind == SERVICE:
        made = task(net, caller.resource)
        if made is not None:
            yield from _of_role(net, caller, net.site.get(made, "TaskRoleArn"))
            if _on_fargate(net, caller.resource, made):
                yield from _to_start(net, caller, made)
        if str(net.site.get(caller.resource, "EnableExecuteCommand")).lower() == "true":
            yield Need(caller, "ssmmessages", "ECS Exec speaks through Systems Manager", caller.resource)


def _of_role(net: Network, caller: Party, value: Value) -> Iterator[Need]:
    role = net.site.target(value, ROLE)
    if role is None:
        return
    skipped = _not_called(net, caller.resource)
    for statement in _allowed(net, role):
        for action in statement.actions:
            prefix = action.partition(":")[0].lower()
            if ":" not in action or prefix in skipped or prefix not in ENDPOINTS or prefix == "ecr":
                continue
            resources = texts(statement.document.get("Resource"))
            if prefix in SENT and _all_sent(net, caller.resource, statement):
                continue
            exact = action if "*" not in action else ""
            for service in ENDPOINTS[prefix]:
                yield Need(caller, service, f"{role} may {action}", role, exact, resources, role)


def _allowed(net: Network, role: Resource) -> Iterator[Statement]:
    for policy in net.site.policies:
        if policy.kind is Kind.IDENTITY and role in policy.about:
            yield from (one for one in policy.statements if one.allows and "NotAction" not in one.document)


def _not_called(net: Network, caller: Resource) -> frozenset[str]:
    if caller.kind != FUNCTION:
        return frozenset()
    polled = any(use.user.kind == MAPPING for use in net.site.uses(caller))
    return BY_LAMBDA | (POLLED if polled else frozenset())


def _all_sent(net: Network, caller: Resource, statement: Statement) -> bool:
    """Whether Lambda alone uses it, to set aside what failed, or to tell of it."""
    if caller.kind != FUNCTION:
        return False
    to = list(references(net.site.get(caller, "DeadLetterConfig")))
    for use in net.site.uses(caller, INVOKED, MAPPING):
        to += references(net.site.get(use.user, "DestinationConfig"))
    named = {one.resource for one in references(statement.resolved.get("Resource"))}
    return bool(named) and named <= {one.resource for one in to}


def _on_fargate(net: Network, service: Resource, made: Resource) -> bool:
    """Else an agent on the host pulls and logs, from the host's place."""
    launch = net.site.get(service, "LaunchType")
    if launch is not None:
        return launch == "FARGATE"
    strategy = net.site.items(service, "CapacityProviderStrategy")
    providers = [one.get("CapacityProvider") for one in strategy if isinstance(one, dict)]
    if providers:
        return all(str(one).startswith("FARGATE") for one in providers)
    return net.site.items(made, "RequiresCompatibilities") == ["FARGATE"]


def _to_start(net: Network, caller: Party, made: Resource) -> Iterator[Need]:
    """What a task's agent calls, from the task's place, before the program runs.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
    """
    role = net.site.target(net.site.get(made, "ExecutionRoleArn"), ROLE)
    for container in containers(net, caller.resource):
        yield from _for_image(net, caller, made, container.get("Image"), role)
        logging = container.get("LogConfiguration")
        if isinstance(logging, dict) and logging.get("LogDriver") == "awslogs":
            options = logging.get("Options")
            region = options.get("awslogs-region") if isinstance(options, dict) else None
            if str(region) == "${AWS::Region}":
                group = _group(net, options.get("awslogs-group") if isinstance(options, dict) else None)
                for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
                    yield Need(caller, "logs", "its log driver is awslogs", made, action, group, role)
        secrets = container.get("Secrets")
        for one in secrets if isinstance(secrets, list) else []:
            if isinstance(one, dict):
                yield from _for_secret(net, caller, made, one.get("ValueFrom"), role)


def _group(net: Network, value: Value) -> tuple[str, ...]:
    target = net.site.target(value, "AWS::Logs::LogGroup")
    return (net.site.renderer.text(Reference(target, "Arn")),) if target else ()


def _for_image(
    net: Network, caller: Party, made: Resource, image: Value, role: Resource | None
) -> Iterator[Need]:
    text = str(image)
    in_registry = ".dkr.ecr." in text or any(
        one.resource.kind == "AWS::ECR::Repository" for one in references(image)
    )
    if in_registry:
        granted = _allowed(net, role) if role else ()
        allowed = (one for statement in granted for one in statement.actions if one.startswith("ecr:"))
        for action in dict.fromkeys((*PULLING, *(one for one in allowed if "*" not in one))):
            for service in ENDPOINTS["ecr"]:
                yield Need(caller, service, "its image lies in ECR", made, action, (), role)
        yield Need(caller, "s3", f"its image lies in ECR, and {LAYERS}", made, "s3:GetObject", (LAYERS,))
    elif isinstance(image, str | Text) and known(image) and not list(references(image)):
        yield Need(caller, "internet", f"its image is {text}, which lies in no registry of ECR", made)


def _for_secret(
    net: Network, caller: Party, made: Resource, value: Value, role: Resource | None
) -> Iterator[Need]:
    kinds = {one.resource.kind for one in references(value)}
    if kinds & {SECRET, INSTANCE} or ":secretsmanager:" in str(value):
        action = "secretsmanager:GetSecretValue"
        yield Need(caller, "secretsmanager", "a container is given a secret", made, action, (), role)
    elif PARAMETER in kinds or ":ssm:" in str(value):
        yield Need(caller, "ssm", "a container is given a parameter", made, "ssm:GetParameters", (), role)
