"""A planner, what it reads of AWS for an update, and a change set that was sealed then."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from deployer.artefacts import Bundle, collect
from deployer.changeset import ChangeSets
from deployer.planner import Planner
from deployer.seal import Seal
from deployer.sources import Sources
from deployer.target import Target
from deployer.told import Told
from parameters.settings import Environment, load

IMAGE = f"sha256:{'a' * 64}"
NAME = "millrace-deploy-1"
TAGS = [{"Key": key, "Value": value} for key, value in load("dev").tags.items()]
ALARM = "arn:aws:cloudwatch:eu-west-2:111122223333:alarm:Lag"
ROLE = "arn:aws:iam::111122223333:role/millrace-dev-bootstrap-Execution"


def code(_: str) -> bytes:
    return b"code of rotation"


def bundle(directory: Path) -> Bundle:
    return collect(directory, "artefacts", "eu-west-2", code)


def planner(
    aws: Any,
    directory: Path,
    environment: Environment | None = None,
    build: Callable[[str], bytes] = code,
) -> Planner:
    tokens = iter(f"millrace-deploy-{number}" for number in range(1, 100))
    target = Target(environment or load("dev"), aws.session, 1.0, aws.clock, lambda: next(tokens))
    change_sets = ChangeSets(aws.cloudformation, aws.clock, 1.0)
    return Planner(target, Sources(target, directory, build), change_sets)


def event(aws: Any, stack: str, token: str | None, *, of: str = "") -> dict[str, Any]:
    told: dict[str, Any] = aws.event(
        stack, of or stack, "UPDATE_COMPLETE", 0, physical=of or aws.stack_id(stack)
    )
    return told | ({"ClientRequestToken": token} if token else {})


def standing(aws: Any, **changed: Any) -> None:
    """What is read of AWS for an update, with what `changed` of it."""
    stack = {
        "parameters": {"ImageDigest": IMAGE},
        "outputs": {"RollbackAlarms": ALARM},
        "status": "UPDATE_COMPLETE",
        "Tags": TAGS,
    }
    for name in stack.keys() & changed.keys():
        stack[name] = changed[name]
    aws.stack(**stack)
    events = [event(aws, "millrace-dev", changed.get("operation", "millrace-deploy-0"))]
    aws.tells("millrace-dev", *events)
    first = {"ArtefactBucket": "artefacts", "ExecutionRoleArn": changed.get("role", ROLE)}
    aws.stack("millrace-dev-bootstrap", "CREATE_COMPLETE", outputs=first)
    if "RollbackAlarms" in stack["outputs"] and changed.get("watched", True):
        alarms = [
            {"AlarmName": "Lag", "AlarmArn": arn, "StateValue": "OK"}
            for arn in changed.get("alarms", [ALARM])
        ]
        aws.answers("cloudwatch", "describe_alarms", {"MetricAlarms": alarms})
    for version in changed.get("ssm", []):
        stored = {"Name": "/plant/size", "Version": version, "Type": "String", "Value": "4"}
        aws.answers("ssm", "get_parameters", {"Parameters": [stored]})


def holds_everything(aws: Any, directory: Path) -> None:
    for artefact in bundle(directory).artefacts:
        aws.has(artefact.body, artefact.key)


def sealed(aws: Any, directory: Path, **changed: Any) -> Told:
    """A change set as it says of itself, sealed while the world was as `changed` says."""
    standing(aws, **changed)
    made = planner(aws, directory)
    source = made._sources.read("millrace-dev", changed.get("image"), watched=changed.get("watched", True))
    given = {name: value for name, value in source.request.parameters.items() if value is not None}
    return Told(
        id=aws.change_set_id(NAME),
        name=NAME,
        stack_id=aws.stack_id("millrace-dev"),
        stack_name="millrace-dev",
        description=Seal.of(source.facts, NAME, "millrace-dev").text(),
        parameters=given,
        tags=dict(source.request.tags),
        capabilities=source.request.capabilities,
    )
