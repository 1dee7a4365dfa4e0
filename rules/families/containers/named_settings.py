"""What a program is told by its environment: each setting once, and of its kind."""

from collections.abc import Iterator
from dataclasses import dataclass

from rules.families.containers.workloads import FUNCTION, Container, containers, inside, number
from rules.seam.durable import LASTING, PASSING, TAGS
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.arns import FORMS
from topology.tree import Resource
from topology.values import Reference, Value, known

ENVIRONMENT = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/taskdef-envfiles.html"
CONTAINER = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html"
LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html"
REFS = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-ref.html"

MASTER = "MasterUserSecret.SecretArn"
# By these APIs ask for a name, and refuse an ARN.
NAMES = ("STREAM_NAME", "QUEUE_NAME", "BUCKET_NAME", "CLUSTER_NAME", "_STREAM", "_BUCKET")


@dataclass(frozen=True)
class Setting:
    """One variable of a container or of a function."""

    workload: Resource
    path: tuple[str | int, ...]
    name: str
    value: Value

    def found(self, **parts: object) -> Finding:
        return found(self.workload, *self.path, workload=self.workload, setting=self.name, **parts)


def settings(site: Site) -> Iterator[list[Setting]]:
    """The variables of each container and function, whose name is known."""
    for container in containers(site):
        yield list(of_container(container))
    for function in site.all(FUNCTION):
        variables = site.get(function, "Environment", "Variables")
        if isinstance(variables, dict):
            path = ("Environment", "Variables")
            yield [Setting(function, (*path, name), name, value) for name, value in variables.items()]


def of_container(container: Container) -> Iterator[Setting]:
    for position, entry in enumerate(container.items("Environment")):
        name = inside(entry, "Name")
        if isinstance(name, str):
            path = ("ContainerDefinitions", container.position, "Environment", position)
            yield Setting(container.task, (*path, "Value"), name, inside(entry, "Value"))


@rule(
    "E9568",
    cause="container {container} is given {name} twice, and only one of them counts",
    remedy="give it once, in Environment or in Secrets",
    sources=(CONTAINER, ENVIRONMENT),
)
def a_setting_that_is_given_twice(site: Site) -> Iterator[Finding]:
    for container in containers(site):
        seen: set[object] = set()
        for part in ("Environment", "Secrets"):
            for position, entry in enumerate(container.items(part)):
                name = inside(entry, "Name")
                if isinstance(name, str) and name in seen:
                    yield container.found(part, position, name=name)
                seen.add(str(name))


@rule(
    "W9569",
    cause="{workload} is told that it runs in {said}, and its tags say {tagged}",
    remedy="let setting {setting} name the environment of the tags",
    sources=(
        "https://docs.aws.amazon.com/whitepapers/latest/tagging-best-practices/tagging-best-practices.html",
    ),
)
def a_program_that_is_told_another_environment(site: Site) -> Iterator[Finding]:
    for listed in settings(site):
        for setting in listed:
            said = setting.value
            if setting.name.lower() not in TAGS or not isinstance(said, str):
                continue
            tagged = _environment(site, setting.workload)
            if tagged and tagged.lower() in LASTING | PASSING and said.lower() != tagged.lower():
                yield setting.found(said=said, tagged=tagged)


def _environment(site: Site, resource: Resource) -> str | None:
    tags = [tag for tag in site.items(resource, "Tags") if str(inside(tag, "Key")).lower() in TAGS]
    value = inside(tags[0], "Value") if tags else None
    return value if isinstance(value, str) else None


@rule(
    "E9570",
    cause="{workload} is told {setting}: {value}, which is no {kind}",
    remedy="give it what the name of the setting says",
    sources=(REFS, CONTAINER, LAMBDA),
)
def a_setting_that_is_not_what_it_is_called(site: Site) -> Iterator[Finding]:
    for listed in settings(site):
        for setting in listed:
            if known(setting.value) and (kind := _mistaken(setting)):
                yield setting.found(value=setting.value, kind=kind)


def _mistaken(setting: Setting) -> str:
    name, value = setting.name.upper(), setting.value
    if not isinstance(value, Reference):
        port = number(value)
        no_port = isinstance(value, str) and (port is None or not 0 < port < 65536)
        return "port" if name.endswith("_PORT") and no_port else ""
    kind, is_arn = value.resource.kind, _answers_arn(value)
    wrong = {
        "ARN": name.endswith("_ARN") and is_arn is False,
        "ARN of a consumer": name.endswith("CONSUMER_ARN") and kind == "AWS::Kinesis::Stream",
        "port": name.endswith("_PORT") and not value.attribute.endswith("Port"),
        "name": name.endswith(NAMES) and is_arn is True,
        "URL": name.endswith("QUEUE_URL")
        and kind == "AWS::SQS::Queue"
        and value.attribute not in ("Ref", "QueueUrl"),
    }
    return next((kind for kind, is_wrong in wrong.items() if is_wrong), "")


def _answers_arn(value: Reference) -> bool | None:
    """Whether it answers an ARN; None for a type that is not listed."""
    if value.attribute == "Ref":
        form = FORMS.get(value.resource.kind)
        return None if form is None else form.ref == "arn"
    return value.attribute.lower().endswith("arn")


@rule(
    "W9575",
    cause="{workload} is given the master's login of {database} as {setting}, and another is kept for it",
    remedy="name the secret that is attached to the database for the application",
    sources=("https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html", CONTAINER),
    demanding=True,
)
def a_program_that_logs_in_as_the_master(site: Site) -> Iterator[Finding]:
    attached = {
        site.target(site.get(one, "TargetId"))
        for one in site.all("AWS::SecretsManager::SecretTargetAttachment")
    }
    for container in containers(site):
        for setting in of_container(container):
            value = setting.value
            if isinstance(value, Reference) and value.attribute == MASTER and value.resource in attached:
                yield setting.found(database=value.resource)
