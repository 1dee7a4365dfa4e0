"""Whether an ECS service runs what was deployed: one deployment, complete, all its tasks running."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer.errors import DeployerError
from deployer.target import Target

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import ServiceTypeDef

LONGEST_MINUTES = 15.0
EVENTS = 3


class NotSteady(DeployerError):
    """{service} is not steady after {minutes:.0f} minutes ({state}); it says: {events}. See the first cause
    with `python deploy.py status {environment}` and the tasks' log, then run `python deploy.py up
    {environment}` again"""


@dataclass(frozen=True)
class Steadiness:
    """`state` is told to people: `2 of 2 running`."""

    steady: bool
    state: str


def look(target: Target, cluster: str, service: str) -> Steadiness:
    return _of(_described(target, cluster, service))


def wait(target: Target, cluster: str, service: str) -> Steadiness:
    """Raises NotSteady with the service's last events."""
    deadline = target.clock.now() + LONGEST_MINUTES * 60
    while True:
        told = _described(target, cluster, service)
        found = _of(told)
        if found.steady:
            return found
        if target.clock.now() >= deadline:
            events = [event.get("message", "") for event in (told or {}).get("events", [])[:EVENTS]]
            raise NotSteady(
                service=service,
                minutes=LONGEST_MINUTES,
                state=found.state,
                events="; ".join(events) or "nothing",
                environment=target.environment.name,
            )
        target.clock.sleep(target.poll)


def _described(target: Target, cluster: str, service: str) -> "ServiceTypeDef | None":
    services = target.clients.ecs.describe_services(cluster=cluster, services=[service])["services"]
    return services[0] if services else None


def _of(told: "ServiceTypeDef | None") -> Steadiness:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html: rolloutState."""
    if told is None or told.get("status") != "ACTIVE":
        return Steadiness(False, "no such service")
    running, wanted = told.get("runningCount", 0), told.get("desiredCount", 0)
    rollouts = {each.get("rolloutState", "COMPLETED") for each in told.get("deployments", [])}
    under_way = rollouts - {"COMPLETED"} or len(told.get("deployments", [])) > 1
    state = f"{running} of {wanted} running"
    if under_way:
        state += f", deployment {', '.join(sorted(rollouts))}"
    return Steadiness(not under_way and running >= wanted > 0, state)
