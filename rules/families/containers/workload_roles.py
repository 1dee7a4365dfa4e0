"""The roles of tasks and functions: who may take them, and what the platform itself does with them."""

import re
from collections.abc import Iterator

from rules.families.containers.role_rights import ROLE, arn, may, place, rights, role_of, written
from rules.families.containers.workloads import (
    FUNCTION,
    TASK,
    Container,
    containers_of,
    inside,
    on_fargate,
)
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.policies import Kind, Statement, texts
from topology.tree import Resource
from topology.values import Reference, Text, Value, joined, known

EXECUTION = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html"
TASK_ROLE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html"
LAMBDA_ROLE = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html"
LAMBDA_VPC = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html"
TAKERS = (
    (TASK, "TaskRoleArn", "ecs-tasks.amazonaws.com"),
    (TASK, "ExecutionRoleArn", "ecs-tasks.amazonaws.com"),
    (FUNCTION, "Role", "lambda.amazonaws.com"),
)
REGISTRY = re.compile(r"[^/]*\.dkr\.ecr\.[^/]+/([^@:]+)")
PULL = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
JOIN = ("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface")


@rule(
    "E9559",
    cause="{workload} takes role {role} as its {property}, and the role does not trust {service}",
    remedy="trust {service} in its AssumeRolePolicyDocument, or name the role that does",
    sources=(TASK_ROLE, EXECUTION, LAMBDA_ROLE),
)
def a_role_that_the_service_cannot_take(site: Site) -> Iterator[Finding]:
    for kind, name, service in TAKERS:
        for workload in site.all(kind):
            role = role_of(site, workload, name)
            trusted = _trusted(site, role) if role else None
            if trusted is not None and service not in trusted and "*" not in trusted:
                yield found(workload, name, workload=workload, role=role, property=name, service=service)


def _trusted(site: Site, role: Resource) -> set[str] | None:
    if role.address in site.unread_policies:
        return None
    return {
        principal
        for policy in site.policies
        if policy.kind is Kind.TRUST and policy.resource == role
        for statement in policy.statements
        if statement.allows
        for _, principal in statement.principals
    }


@rule(
    "E9560",
    cause="task {task} has no execution role, without which nobody {what}",
    remedy="set ExecutionRoleArn to a role that trusts ecs-tasks.amazonaws.com and may do it",
    sources=(EXECUTION,),
)
def a_task_that_nobody_starts(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        if site.get(task, "ExecutionRoleArn") is None:
            whats = [what for container in containers_of(site, task) if (what := _needs(site, container))]
            if whats:
                yield found(task, "ExecutionRoleArn", task=task, what=whats[0])


def _needs(site: Site, container: Container) -> str:
    if container.items("Secrets") and known(container.get("Secrets")):
        return f"reads the secrets of container {container.name}"
    if not on_fargate(site, container.task):
        return ""
    if container.get("LogConfiguration", "LogDriver") == "awslogs":
        return f"writes the log of container {container.name}"
    if _repository(site, container) is not None:
        return f"pulls the image of container {container.name}"
    return ""


@rule(
    "W9561",
    cause="task {task} has one role, {role}, for its program and for what starts it",
    remedy="give the program a role of its own: it need not read its image or the secrets of its start",
    sources=(TASK_ROLE, EXECUTION),
    demanding=True,
)
def a_program_with_the_role_of_what_starts_it(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        role = role_of(site, task, "TaskRoleArn")
        if role is not None and role == role_of(site, task, "ExecutionRoleArn"):
            yield found(task, "TaskRoleArn", task=task, role=role)


def _repository(site: Site, container: Container) -> str | None:
    """The name of the ECR repository that an image comes from; its digest or tag may be anything."""
    image = container.get("Image")
    if isinstance(image, Text) and isinstance(image.parts[-2], str) and image.parts[-2][-1:] in ("@", ":"):
        image = joined(image.parts[:-1])
    text = written(site, image)
    at = REGISTRY.match(text) if text else None
    return at[1] if at else None


@rule(
    "E9562",
    cause="container {container} comes from {repository}, and its execution role {role} may not {action}",
    remedy="allow ecr:GetAuthorizationToken on *, and pulling on the ARN of that repository",
    sources=(EXECUTION, "https://docs.aws.amazon.com/AmazonECR/latest/userguide/ECR_on_ECS.html"),
)
def an_image_that_the_execution_role_may_not_pull(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        role = role_of(site, task, "ExecutionRoleArn")
        allowed = rights(site, role) if role else None
        if allowed is None:
            continue
        for container in containers_of(site, task):
            repository = _repository(site, container)
            if repository is None:
                continue
            wanted = [("ecr:GetAuthorizationToken", "*")]
            wanted += [(action, place(site, "ecr", f"repository/{repository}")) for action in PULL]
            for action, on in wanted:
                if not may(allowed, action, [on]):
                    yield container.found("Image", repository=repository, role=role, action=action)
                    break


@rule(
    "E9563",
    cause="container {container} is given {secret} as {name}, and its execution role {role} may not read it",
    remedy="allow {action} on it, and kms:Decrypt on its key",
    sources=(
        EXECUTION,
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specifying-sensitive-data.html",
    ),
)
def a_secret_that_the_execution_role_may_not_read(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        role = role_of(site, task, "ExecutionRoleArn")
        allowed = rights(site, role) if role else None
        if allowed is None:
            continue
        for container in containers_of(site, task):
            for position, entry in enumerate(container.items("Secrets")):
                text = written(site, inside(entry, "ValueFrom"))
                if text is None:
                    continue
                stored = ":secretsmanager:" in text
                action = "secretsmanager:GetSecretValue" if stored else "ssm:GetParameters"
                on = ":".join(text.split(":")[:7]) if stored else text
                on = on if on.startswith("arn:") else place(site, "ssm", f"parameter/{on.lstrip('/')}")
                if not may(allowed, action, [on]):
                    name = inside(entry, "Name")
                    yield container.found(
                        "Secrets", position, secret=text, name=name, role=role, action=action
                    )


@rule(
    "E9564",
    cause="function {function} names its role by {role}, and Lambda wants an ARN",
    remedy="write Fn::GetAtt of the role's Arn",
    sources=("https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html",),
)
def a_function_whose_role_is_no_arn(site: Site) -> Iterator[Finding]:
    for function in site.all(FUNCTION):
        role = site.get(function, "Role")
        if isinstance(role, Reference) and role.resource.kind == ROLE and role.attribute != "Arn":
            yield found(function, "Role", function=function, role=role.attribute)


@rule(
    "E9565",
    cause="function {function} writes its log to {group}, and its role {role} may not {action} there",
    remedy="allow logs:CreateLogStream and logs:PutLogEvents on the group's ARN with :*",
    sources=(LAMBDA_ROLE, "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html"),
)
def a_log_that_the_function_may_not_write(site: Site) -> Iterator[Finding]:
    for function in site.all(FUNCTION):
        role = role_of(site, function, "Role")
        allowed = rights(site, role) if role else None
        said = site.get(function, "LoggingConfig", "LogGroup")
        named = site.get(function, "FunctionName")
        if allowed is None or not known([said, named]):
            continue
        own = arn(site, function)
        name = written(site, said) if said else f"/aws/lambda/{(own or '').rpartition(':')[2]}"
        on = place(site, "logs", f"log-group:{name}")
        for action in ("logs:PutLogEvents", "logs:CreateLogStream"):
            if not may(allowed, action, [f"{on}:log-stream:one"]) and not (
                said is None and _some_group(allowed, named)
            ):
                yield found(
                    function, "LoggingConfig", "LogGroup",
                    function=function, group=name, role=role, action=action,
                )  # fmt: skip
                break


def _some_group(allowed: list[Statement], named: Value) -> bool:
    """Whether a pattern under /aws/lambda may cover a name that CloudFormation makes."""
    return named is None and any(
        "/aws/lambda/" in on for one in allowed for on in texts(one.document.get("Resource"))
    )


@rule(
    "E9566",
    cause="function {function} stands in subnets, and its role {role} may not {action}",
    remedy="allow what AWSLambdaVPCAccessExecutionRole allows",
    sources=(LAMBDA_VPC, LAMBDA_ROLE),
)
def a_function_that_may_not_join_its_network(site: Site) -> Iterator[Finding]:
    for function in site.all(FUNCTION):
        role = role_of(site, function, "Role")
        allowed = rights(site, role) if role else None
        if allowed is None or not site.items(function, "VpcConfig", "SubnetIds"):
            continue
        for action in JOIN:
            if not may(allowed, action):
                yield found(function, "VpcConfig", function=function, role=role, action=action)
                break


@rule(
    "E9567",
    cause="function {function} sends to {target} what it cannot do, and its role {role} may not {action}",
    remedy="allow {action} on that ARN",
    sources=("https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html",),
)
def a_dead_letter_that_the_function_may_not_send(site: Site) -> Iterator[Finding]:
    for function in site.all(FUNCTION):
        target = site.target(
            site.get(function, "DeadLetterConfig", "TargetArn"), "AWS::SQS::Queue", "AWS::SNS::Topic"
        )
        role = role_of(site, function, "Role")
        allowed = rights(site, role) if role else None
        on = arn(site, target) if target else None
        if target is None or on is None or allowed is None:
            continue
        action = "sqs:SendMessage" if target.kind == "AWS::SQS::Queue" else "sns:Publish"
        if not may(allowed, action, [on]):
            place_ = ("DeadLetterConfig", "TargetArn")
            yield found(function, *place_, function=function, target=target, role=role, action=action)
