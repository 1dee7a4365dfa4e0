"""Why a service does not become steady: what it says, how its last tasks stopped, and what they logged."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from deployer.evidence import unrotated
from deployer.evidence.question import LINES, Evidence, Question, short

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import ContainerTypeDef, TaskTypeDef

TASKS = 2  # all of a service's tasks mostly stop for one reason
MESSAGES = 3


def gather(question: Question) -> Iterator[Evidence]:
    """`arn:aws:ecs:<region>:<account>:service/<cluster>/<service>` is the resource's physical id."""
    parts = question.event.physical_id.rpartition(":")[2].split("/")
    if len(parts) != 3:
        return  # it was never made
    _, cluster, name = parts
    ecs = question.clients.ecs
    for service in ecs.describe_services(cluster=cluster, services=[name])["services"]:
        messages = [short(event["message"]) for event in service.get("events", [])[:MESSAGES]]
        if messages:
            yield Evidence(f"what the service {name} says", tuple(messages))
    # Stopped tasks are told of for an hour:
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-errors.html
    arns = ecs.list_tasks(cluster=cluster, serviceName=name, desiredStatus="STOPPED")["taskArns"]
    if not arns:
        yield Evidence(f"stopped tasks of {name}", ("none is told of; they are forgotten after an hour",))
        return
    stopped = ecs.describe_tasks(cluster=cluster, tasks=arns[:100])["tasks"]
    stopped.sort(key=lambda task: task.get("stoppedAt", question.since), reverse=True)
    for task in stopped[:TASKS]:
        yield Evidence(f"stopped task {_id(task)}", tuple(_how(task)))
    yield from _logged(question, stopped[0])


def _how(task: "TaskTypeDef") -> Iterator[str]:
    yield short(f"{task.get('stopCode', '')} {task.get('stoppedReason', 'no reason given')}".strip())
    for container in task.get("containers", []):
        code = container.get("exitCode")
        told = [f"exit code {code}"] if code is not None else []
        told += [container["reason"]] if container.get("reason") else []
        if told:
            yield short(f"container {container.get('name', '')}: {', '.join(told)}")


def _logged(question: Question, task: "TaskTypeDef") -> Iterator[Evidence]:
    """The tail of each failed container's stream: <prefix>/<container>/<task id>.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html
    """
    failed = {_name(container) for container in task.get("containers", []) if container.get("exitCode")}
    if not failed:
        return
    described = question.clients.ecs.describe_task_definition(taskDefinition=task["taskDefinitionArn"])
    for container in described["taskDefinition"].get("containerDefinitions", []):
        if container.get("name") not in failed:
            continue
        yield from unrotated.gather(question, container)
        options = container.get("logConfiguration", {}).get("options", {})
        if "awslogs-stream-prefix" not in options:
            continue
        stream = f"{options['awslogs-stream-prefix']}/{container['name']}/{_id(task)}"
        events = question.clients.logs.get_log_events(
            logGroupName=options["awslogs-group"], logStreamName=stream, limit=LINES, startFromHead=False
        )["events"]
        if events:
            yield Evidence(
                f"the end of {options['awslogs-group']} {stream}",
                tuple(short(event.get("message", "")) for event in events),
            )


def _id(task: "TaskTypeDef") -> str:
    return task.get("taskArn", "").rpartition("/")[2]


def _name(container: "ContainerTypeDef") -> str:
    return container.get("name", "")
