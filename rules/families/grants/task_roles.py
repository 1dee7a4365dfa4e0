"""Roles of ECS tasks: what the agent needs to start them, what their containers need to work."""

import re
from collections.abc import Iterator

from rules.families.grants.grant_book import book
from rules.families.grants.grant_needs import Need, log_streams, role_of, unmet
from rules.families.grants.grant_texts import PARTITION, REGION
from rules.families.grants.named_resources import named_by, needs_of_named
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Value, references

TASK = "AWS::ECS::TaskDefinition"
SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 - a type
REPOSITORY = "AWS::ECR::Repository"
# 111122223333.dkr.ecr.eu-west-2.amazonaws.com/team/app:1 or …@sha256:…
IMAGE = re.compile(r"(?P<account>[^./]+)\.dkr\.ecr\.[^/]+/(?P<name>[^@:]+)")
PULLING = ("ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage")
EXECUTION = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html"
TASK_ROLE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html"


def containers(site: Site, task: Resource) -> Iterator[tuple[int, dict[str, Value]]]:
    for position, container in enumerate(site.items(task, "ContainerDefinitions")):
        if isinstance(container, dict):
            yield position, container


def on_fargate(site: Site, task: Resource) -> bool:
    return site.items(task, "RequiresCompatibilities") == ["FARGATE"]


def starting(site: Site, task: Resource, role: Resource) -> Iterator[Need]:
    """What the agent does before the first container runs."""
    for _, container in containers(site, task):
        yield from _pulling(site, task, role, container.get("Image"))
        yield from _logging(site, task, role, container.get("LogConfiguration"))
        secrets = container.get("Secrets")
        for secret in secrets if isinstance(secrets, list) else []:
            if isinstance(secret, dict):
                yield from _reading(site, task, role, secret.get("ValueFrom"))


def _pulling(site: Site, task: Resource, role: Resource, image: Value) -> Iterator[Need]:
    repository = repository_of(site, image)
    if repository:
        yield Need(role, "ecr:GetAuthorizationToken", "*", task)
        for action in PULLING:
            yield Need(role, action, repository, task)


def repository_of(site: Site, image: Value) -> str | None:
    """The ARN of the repository that an image is pulled from, if that is ECR."""
    for reference in references(image):
        if reference.resource.kind == REPOSITORY:
            return book(site).wording.arn(reference.resource)
    written = IMAGE.match(book(site).wording.text(image))
    if not written:
        return None
    return f"arn:{PARTITION}:ecr:{REGION}:{written['account']}:repository/{written['name']}"


def _logging(site: Site, task: Resource, role: Resource, log: Value) -> Iterator[Need]:
    options = log.get("Options") if isinstance(log, dict) and log.get("LogDriver") == "awslogs" else None
    group = options.get("awslogs-group") if isinstance(options, dict) else None
    streams = log_streams(site, group) if group is not None else None
    if streams:
        yield Need(role, "logs:CreateLogStream", streams, task)
        yield Need(role, "logs:PutLogEvents", streams, task)


def _reading(site: Site, task: Resource, role: Resource, value: Value) -> Iterator[Need]:
    for reference in references(value):
        if reference.resource.kind == SECRET:
            secret = book(site).wording.arn(reference.resource)
            yield Need(role, "secretsmanager:GetSecretValue", secret, task, guarded=reference.resource)
        elif reference.resource.kind == "AWS::SSM::Parameter":
            parameter = book(site).wording.arn(reference.resource)
            yield Need(role, "ssm:GetParameters", parameter, task)


@rule(
    "E9201",
    cause="{task} does not start: its execution role {role} may not {action} on {on} ({why})",
    remedy="allow the execution role what the agent does before the containers run",
    sources=(EXECUTION,),
)
def a_task_that_its_execution_role_cannot_start(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        role = role_of(site, site.get(task, "ExecutionRoleArn"))
        for need, why in unmet(site, starting(site, task, role)) if role else ():
            yield found(
                need.holder, "Policies", task=task, role=role, action=need.action, on=need.shown, why=why
            )


@rule(
    "E9202",
    cause="{task} has no execution role, and its agent must {action} before a container runs",
    remedy="give it an ExecutionRoleArn that allows this",
    sources=(EXECUTION,),
)
def a_task_without_execution_role(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        if site.get(task, "ExecutionRoleArn") is None:
            needs = starting(site, task, task)
            for need in needs:
                if on_fargate(site, task) or need.action.startswith(("secretsmanager:", "ssm:")):
                    yield found(task, task=task, action=need.action)
                    break


def environment(container: dict[str, Value]) -> Iterator[Reference]:
    """The resources that a container is told of by name."""
    listed = container.get("Environment")
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict):
            yield from named_by(one.get("Value"))


@rule(
    "E9203",
    cause="container {container} of {task} is told of {on}, where its role {role} may not {action} ({why})",
    remedy="allow the task role what the container does with it, or do not name it there",
    sources=(TASK_ROLE,),
    demanding=True,
)
def a_container_that_may_not_use_what_it_is_told_of(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        role = role_of(site, site.get(task, "TaskRoleArn"))
        if role is None:
            continue
        for position, container in containers(site, task):
            for reference in environment(container):
                for need, why in unmet(site, needs_of_named(site, role, task, reference)):
                    yield found(
                        need.holder,
                        "Policies",
                        container=container.get("Name", position),
                        task=task,
                        role=role,
                        on=reference.resource,
                        action=need.action,
                        why=why,
                    )


@rule(
    "E9204",
    cause="container {container} of {task} is told of {on}, and the task has no role to use it with",
    remedy="give it a TaskRoleArn that allows what the container does",
    sources=(TASK_ROLE,),
    demanding=True,
)
def a_task_without_role(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        if site.get(task, "TaskRoleArn") is None and on_fargate(site, task):
            for position, container in containers(site, task):
                for reference in environment(container):
                    name = container.get("Name", position)
                    yield found(
                        task,
                        "ContainerDefinitions",
                        position,
                        container=name,
                        task=task,
                        on=reference.resource,
                    )


@rule(
    "W9205",
    cause="{task} takes {role} for its containers and for its agent",
    remedy="make two roles: what runs in a container must not have the agent's rights, nor the agent its",
    sources=(EXECUTION, TASK_ROLE),
    demanding=True,
)
def one_role_for_agent_and_containers(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        role = role_of(site, site.get(task, "TaskRoleArn"))
        if role is not None and role == role_of(site, site.get(task, "ExecutionRoleArn")):
            yield found(task, "TaskRoleArn", task=task, role=role)
