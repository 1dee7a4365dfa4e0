"""Secrets that ECS writes into a container when it starts, and nobody writes again."""

from collections.abc import Iterator

from rules.families.secrets.logins import (
    ATTACHMENT,
    attachments,
    generated,
    meant,
    schedules,
    written,
)
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Text, Value, references

INJECTED = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html"
DEPENDENCY = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html"
STRUCTURE = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html"
ENDED = ("COMPLETE", "SUCCESS")
WRITTEN = {"engine", "host", "port", "dbInstanceIdentifier", "dbClusterIdentifier", "dbname"}


@rule(
    "W9377",
    cause="container {container} is given {secret} when it starts, and keeps the old value after a rotation",
    remedy="give it the ARN, and let the program read the secret when it logs in; or let the container end "
    "before the others start (Essential: false, and their DependsOn with SUCCESS)",
    sources=(INJECTED, DEPENDENCY),
    demanding=True,
)
def an_injected_secret_that_goes_stale(site: Site) -> Iterator[Finding]:
    for task, path, container, value in _injected(site):
        if container in _passing(site, task):
            continue
        for reference in references(value):
            secret = meant(site, Reference(reference.resource))
            if secret is not None and schedules(site, secret):
                yield found(task, *path, container=container, secret=secret)


@rule(
    "E9378",
    cause="container {container} asks {secret} for the key {key}, which it does not have",
    remedy="ask for a key of the secret: {keys}",
    sources=(INJECTED, STRUCTURE),
)
def a_key_that_the_secret_lacks(site: Site) -> Iterator[Finding]:
    for task, path, container, value in _injected(site):
        if not isinstance(value, Text) or len(value.parts) != 2:
            continue
        first, rest = value.parts
        secret = meant(site, first) if isinstance(first, Reference) else None
        key = rest.split(":")[1] if isinstance(rest, str) and rest.count(":") >= 1 else ""
        keys = _keys(site, secret) if secret else set()
        if key and keys and key not in keys:
            yield found(
                task, *path, container=container, secret=secret, key=key, keys=", ".join(sorted(keys))
            )


def _passing(site: Site, task: Resource) -> set[object]:
    """Containers that end before others start: no rotation comes between their start and their end."""
    containers = [one for one in site.items(task, "ContainerDefinitions") if isinstance(one, dict)]
    awaited: set[object] = set()
    for container in containers:
        before = container.get("DependsOn")
        for one in before if isinstance(before, list) else []:
            if isinstance(one, dict) and str(one.get("Condition")) in ENDED:
                awaited.add(str(one.get("ContainerName")))
    return {
        container.get("Name")
        for container in containers
        if str(container.get("Essential")).lower() == "false" and str(container.get("Name")) in awaited
    }


def _injected(site: Site) -> Iterator[tuple[Resource, tuple[str | int, ...], object, Value]]:
    for task in site.all("AWS::ECS::TaskDefinition"):
        for position, container in enumerate(site.items(task, "ContainerDefinitions")):
            pairs = container.get("Secrets") if isinstance(container, dict) else None
            for place, pair in enumerate(pairs if isinstance(pairs, list) else []):
                if isinstance(container, dict) and isinstance(pair, dict):
                    path = ("ContainerDefinitions", position, "Secrets", place, "ValueFrom")
                    yield task, path, container.get("Name", position), pair.get("ValueFrom")


def _keys(site: Site, secret: Resource) -> set[str]:
    """The keys of a generated secret; none where nobody can tell."""
    given = generated(site, secret)
    template = written(given.get("SecretStringTemplate")) if given else None
    if given is None or template is None or not isinstance(given.get("GenerateStringKey"), str):
        return set()
    attached = WRITTEN if attachments(site, secret) or list(site.all(ATTACHMENT)) else set()
    return {*map(str, template), str(given["GenerateStringKey"]), *attached}
