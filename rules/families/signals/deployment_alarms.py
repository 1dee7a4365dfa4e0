"""Alarms that take a deployment back."""

from collections.abc import Iterator

from rules.families.signals.alarm_actions_read import scaling_only
from rules.families.signals.alarm_series import ALARM, alarms
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.values import Reference, known

ECS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html"


@rule(
    "E9629",
    cause="service {service} watches {alarm} while it deploys, which is {why}",
    remedy="name alarms by their names (Ref) in AlarmNames, and set Enable: true",
    sources=(ECS,),
)
def a_deployment_that_watches_no_alarm(site: Site) -> Iterator[Finding]:
    for service in site.all("AWS::ECS::Service"):
        path = ("DeploymentConfiguration", "Alarms")
        given = site.get(service, *path)
        if not isinstance(given, dict):
            continue
        for position, name in enumerate(site.items(service, *path, "AlarmNames")):
            why = ""
            if isinstance(name, Reference):
                why = (
                    "no alarm" if name.resource.kind not in (ALARM, "AWS::CloudWatch::CompositeAlarm") else ""
                )
                why = why or ("an ARN, and no name" if name.attribute != "Ref" else "")
            elif isinstance(name, str) and name.startswith("arn:"):
                why = "an ARN, and no name"
            if why:
                yield found(service, *path, "AlarmNames", position, service=service, alarm=name, why=why)
        names = given.get("AlarmNames")
        if (
            known(given.get("Enable"))
            and known(names)
            and (str(given.get("Enable")).lower() != "true" or not names)
        ):
            listed = ", ".join(map(str, names)) if isinstance(names, list) and names else "nothing"
            yield found(
                service, *path, service=service, alarm=listed, why="not switched on" if names else "no alarm"
            )


@rule(
    "W9640",
    cause=(
        "service {service} rolls a deployment back for {alarm}, which only scales: it rings "
        "for how much there is to do, and not for what fails"
    ),
    remedy="name an alarm that rings when the service does not do its work",
    sources=(ECS,),
)
def a_deployment_that_load_takes_back(site: Site) -> Iterator[Finding]:
    scaling = {alarm.resource for alarm in alarms(site) if scaling_only(site, alarm)}
    path = ("DeploymentConfiguration", "Alarms", "AlarmNames")
    for service in site.all("AWS::ECS::Service"):
        for position, name in enumerate(site.items(service, *path)):
            alarm = site.target(name, ALARM)
            if alarm in scaling:
                yield found(service, *path, position, service=service, alarm=alarm)
