"""How services replace their tasks: one at a time at least, never all at once, and back when it fails."""

import math
from collections.abc import Iterator

from rules.families.containers.scaled import (
    ALARM,
    alarms_on,
    bounds,
    targets_of,
)
from rules.families.containers.workloads import (
    SERVICE,
    TASK,
    false,
    lacks,
    number,
    rolling,
    serverless,
    services_of,
    shown,
    true,
)
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import known

CONFIGURATION = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html"
BREAKER = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html"
ALARMS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html"
CREATE = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html"
CFN = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecs-service.html"
SCALING = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-auto-scaling.html"
CONFIG = "DeploymentConfiguration"
MOST_TRIED = 20  # numbers of tasks for which a rollout is thought through


@rule(
    "W9576",
    cause="service {service} {what} when a new version does not come up",
    remedy="set DeploymentCircuitBreaker: {{Enable: true, Rollback: true}}",
    sources=(BREAKER, CONFIGURATION),
    demanding=True,
)
def a_service_that_does_not_go_back(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        path = (CONFIG, "DeploymentCircuitBreaker")
        if not rolling(site, service):
            continue
        if lacks(site.get(service, *path, "Enable")):
            yield found(service, *path, "Enable", service=service, what="tries for ever")
        elif lacks(site.get(service, *path, "Rollback")):
            yield found(service, *path, "Rollback", service=service, what="stays half replaced")


def _percents(site: Site, service: Resource) -> tuple[float, float] | None:
    """Least and most, as ECS takes them for tasks of a replica service."""
    if not rolling(site, service) or site.get(service, "SchedulingStrategy") == "DAEMON":
        return None
    least = site.get(service, CONFIG, "MinimumHealthyPercent")
    most = site.get(service, CONFIG, "MaximumPercent")
    read = (100 if least is None else number(least), 200 if most is None else number(most))
    return None if read[0] is None or read[1] is None else (read[0], read[1])


@rule(
    "E9576",
    cause="service {service} can replace no task: of {tasks} it must keep {least} and may have {most}",
    remedy="let MaximumPercent make room for one more, or MinimumHealthyPercent for one less",
    sources=(CONFIGURATION,),
)
def a_service_that_cannot_be_replaced(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        percents, count = _percents(site, service), bounds(site, service)
        if percents is None or count.least is None:
            continue
        few = max(count.least, 1)
        for tasks in range(few, min(count.most or few, few + MOST_TRIED) + 1):
            least = math.ceil(tasks * percents[0] / 100)
            most = math.floor(tasks * percents[1] / 100)
            if (least >= tasks and most <= tasks) or percents[0] > percents[1]:
                yield found(
                    service, CONFIG, "MaximumPercent", service=service, tasks=tasks, least=least, most=most
                )
                break


@rule(
    "W9577",
    cause="service {service} may stop its tasks before others run: it keeps {percent} % of {tasks}",
    remedy="set MinimumHealthyPercent: 100; on Fargate nothing has to make room first",
    sources=(CONFIGURATION,),
    demanding=True,
)
def a_service_that_stops_before_it_starts(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        percents, count = _percents(site, service), bounds(site, service)
        if percents is None or count.least in (None, 0):
            continue
        none_left = math.ceil((count.least or 1) * percents[0] / 100) == 0
        if none_left or (serverless(site, service) and percents[0] < 100):
            path = (CONFIG, "MinimumHealthyPercent")
            yield found(service, *path, service=service, percent=shown(percents[0]), tasks=count.least)


@rule(
    "W9578",
    cause="service {service} goes back for no alarm{why}",
    remedy="name alarms in DeploymentConfiguration.Alarms, with Enable: true and Rollback: true",
    sources=(ALARMS, CONFIGURATION),
    demanding=True,
)
def a_service_that_heeds_no_alarm(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        alarms = site.get(service, CONFIG, "Alarms")
        goes_back = true(site.get(service, CONFIG, "DeploymentCircuitBreaker", "Rollback"))
        if not rolling(site, service) or not known(alarms):
            continue
        if isinstance(alarms, dict):
            for name in ("Enable", "Rollback"):
                if lacks(alarms.get(name)):
                    why = f": {name} is not true"
                    yield found(service, CONFIG, "Alarms", name, service=service, why=why)
        elif goes_back and alarms is None and (watching := alarms_on(site, service)):
            why = f", and {watching[0]} watches it"
            yield found(service, CONFIG, "Alarms", service=service, why=why)


@rule(
    "W9579",
    cause="service {service} is to heed the alarm {alarm}, and no alarm here is called so",
    remedy="name it by Ref, so that it exists before the service does and keeps its name",
    sources=(ALARMS,),
)
def a_deployment_alarm_by_another_name(site: Site) -> Iterator[Finding]:
    names = [site.get(alarm, "AlarmName") for alarm in site.all(ALARM, "AWS::CloudWatch::CompositeAlarm")]
    for service in site.all(SERVICE):
        for position, name in enumerate(site.items(service, CONFIG, "Alarms", "AlarmNames")):
            if isinstance(name, str) and names and name not in names and known(names):
                path = (CONFIG, "Alarms", "AlarmNames", position)
                yield found(service, *path, service=service, alarm=name)


@rule(
    "E9580",
    cause="service {service} leaves its deployments to {controller}, {what}",
    remedy="leave DeploymentController out, so that ECS replaces tasks and goes back by itself",
    sources=(CREATE, BREAKER),
)
def a_service_that_nothing_deploys(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        controller = site.get(service, "DeploymentController", "Type")
        if controller not in ("CODE_DEPLOY", "EXTERNAL"):
            continue
        path = ("DeploymentController", "Type")
        asked = [
            name
            for name in ("DeploymentCircuitBreaker", "Alarms")
            if isinstance(site.get(service, CONFIG, name), dict)
        ]
        if asked:
            what = f"which takes no {asked[0]}"
            yield found(service, *path, service=service, controller=controller, what=what)
        elif not any(site.all("AWS::ECS::TaskSet", "AWS::CodeDeploy::DeploymentGroup")):
            what = "and nothing here is one"
            if controller == "EXTERNAL" or site.get(service, "LoadBalancers") in (None, []):
                yield found(service, *path, service=service, controller=controller, what=what)


@rule(
    "W9581",
    cause="service {service} says DesiredCount: {count}, to which deployments reset what {target} scaled",
    remedy="leave DesiredCount out: a new service begins with 1, and scaling sees to the rest",
    sources=(CFN, SCALING),
    demanding=True,
)
def a_count_that_undoes_scaling(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        count = site.get(service, "DesiredCount")
        targets = targets_of(site, service)
        if targets and count is not None and known(count):
            yield found(service, "DesiredCount", service=service, count=count, target=targets[0])


@rule(
    "W9582",
    cause="service {service} is to run no task",
    remedy="give DesiredCount the number that the work needs, or leave it out",
    sources=(CFN,),
    demanding=True,
)
def a_service_of_no_tasks(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        if number(site.get(service, "DesiredCount")) == 0:
            yield found(service, "DesiredCount", service=service)


@rule(
    "E9582",
    cause="service {service} is a DAEMON, one task on each instance, and {what}",
    remedy="leave SchedulingStrategy out, or set it to REPLICA",
    sources=(CREATE,),
)
def a_daemon_without_instances(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        if site.get(service, "SchedulingStrategy") == "DAEMON":
            if serverless(site, service):
                what = "Fargate has no instances"
                yield found(service, "SchedulingStrategy", service=service, what=what)
            elif targets_of(site, service):
                what = "its number is not to be scaled"
                yield found(service, "SchedulingStrategy", service=service, what=what)


@rule(
    "E9581",
    cause="service {service} says no task definition, and ECS deploys it",
    remedy="set TaskDefinition to Ref of one",
    sources=(CREATE, CFN),
)
def a_service_without_a_task(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        if rolling(site, service) and site.get(service, "TaskDefinition") is None:
            yield found(service, "TaskDefinition", service=service)


@rule(
    "E9577",
    cause="service {service} has an essential container that may stay away: {container} is not essential",
    remedy="set Essential: true where the service is nothing without it",
    sources=("https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html",),
)
def a_balanced_container_that_may_stay_away(site: Site) -> Iterator[Finding]:
    for task in site.all(TASK):
        for service in services_of(site, task):
            for balancer in site.items(service, "LoadBalancers"):
                for position, container in enumerate(site.items(task, "ContainerDefinitions")):
                    if isinstance(container, dict) and isinstance(balancer, dict):
                        same = container.get("Name") == balancer.get("ContainerName")
                        if same and false(container.get("Essential")):
                            path = ("ContainerDefinitions", position, "Essential")
                            yield found(task, *path, service=service, container=container.get("Name"))


@rule(
    "W9510",
    cause="service {service} is to run one task, and while that is replaced or its zone is gone, none",
    remedy="set DesiredCount to 2, or scale it with a MinCapacity of 2",
    sources=(CREATE, SCALING),
    demanding=True,
)
def a_lasting_service_of_one_task(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        if site.durable(service) and site.get(service, "SchedulingStrategy") != "DAEMON":
            targets = targets_of(site, service)
            name = "MinCapacity" if targets else "DesiredCount"
            place = targets[0] if targets else service
            if bounds(site, service).least == 1:
                yield found(place, name, service=service)
