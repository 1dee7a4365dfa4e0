"""Images: fixed by their digest, from where the account keeps its own."""

import re
from collections.abc import Iterator

from rules.families.containers.workloads import Container, containers
from rules.seam.rule import Finding, rule
from rules.seam.site import Site
from topology.values import Given, Text, Unknown, Value

RESOLUTION = (
    "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html",
    "https://docs.aws.amazon.com/AmazonECS/latest/bestpracticesguide/security-tasks-containers.html",
)
CONTAINER = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html"
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
SHA = f"sha256:{'0' * 64}"
NO_DIGESTS = ("latest", "1.0", "sha256:0", f"{SHA}0")


def parts(image: Value) -> tuple[object, ...]:
    return image.parts if isinstance(image, Text) else (image,)


def tag(image: Value) -> str | None:
    """What it is named by instead of a digest; None where it has one, or nobody can tell."""
    last = parts(image)[-1]
    written = "".join(part if isinstance(part, str) else "\0" for part in parts(image))
    name = written.rpartition("/")[2]
    if "@" in name or not written.strip("\0") or isinstance(image, Given | Unknown):
        return None
    if ":" in name:
        said = name.partition(":")[2]
        return f"the tag {said}" if "\0" not in said else f"the tag {last}"
    return None if isinstance(last, Given | Unknown) or "\0" in name else "no tag, so latest"


def own_pattern(site: Site, given: Given) -> object:
    return site.tree.root.parameters.get(given.name, {}).get("AllowedPattern")


@rule(
    "W9511",
    cause="container {container} names its image by {tag}: what runs changes when somebody pushes",
    remedy="name it by its digest: repository@sha256:…",
    sources=RESOLUTION,
    demanding=True,
)
def an_image_by_tag(site: Site) -> Iterator[Finding]:
    for container in containers(site):
        image = container.get("Image")
        if isinstance(image, str | Text) and (named := tag(image)) is not None:
            yield container.found("Image", tag=named)


@rule(
    "W9512",
    cause="container {container} takes its digest from parameter {parameter}, which admits more",
    remedy="give the parameter AllowedPattern: ^sha256:[0-9a-f]{{64}}$",
    sources=(
        *RESOLUTION,
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html",
    ),
    demanding=True,
)
def a_digest_that_may_be_something_else(site: Site) -> Iterator[Finding]:
    for container in containers(site):
        *before, last = parts(container.get("Image"))
        by_digest = bool(before) and isinstance(before[-1], str) and before[-1].endswith("@")
        if by_digest and isinstance(last, Given) and last.name in site.tree.root.parameters:
            allowed = site.tree.root.parameters[last.name].get("AllowedValues") or ()
            if all(re.fullmatch(r"sha256:[0-9a-f]{64}", str(value)) for value in allowed) and allowed:
                continue
            if not _digests_alone(own_pattern(site, last)):
                yield container.found("Image", parameter=last.name)


def _digests_alone(pattern: object) -> bool:
    try:
        read = re.compile(str(pattern))
    except re.error:
        return True  # CloudFormation reads Java's expressions, which may be wider
    return bool(pattern) and bool(read.fullmatch(SHA)) and not any(map(read.fullmatch, NO_DIGESTS))


@rule(
    "E9513",
    cause="container {container} names its image {image}, which is no digest: ECS will not pull it",
    remedy="write repository@sha256: and 64 hexadecimal digits",
    sources=(CONTAINER,),
)
def a_digest_that_is_none(site: Site) -> Iterator[Finding]:
    for container in containers(site):
        image = container.get("Image")
        last = parts(image)[-1]
        if isinstance(last, str) and "@" in last and not DIGEST.search(last):
            yield container.found("Image", image=image)


@rule(
    "W9514",
    cause="container {container} takes its image from {registry}, which others fill, limit and take away",
    remedy="copy it into a repository of the account, or read it through a pull through cache rule of ECR",
    sources=(
        "https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/bestpracticesguide/security-tasks-containers.html",
    ),
    demanding=True,
)
def an_image_of_a_public_registry(site: Site) -> Iterator[Finding]:
    for container in containers(site):
        registry = public(container)
        # A template that names no environment is an example, and examples have no registry of their own.
        if registry is not None and site.durable(container.task) is not None:
            yield container.found("Image", registry=registry)


def public(container: Container) -> str | None:
    """The public registry that an image comes from; None for ECR's, or where nobody can tell."""
    first = parts(container.get("Image"))[0]
    if not isinstance(first, str) or not first:
        return None
    host, slash, _ = first.partition("/")
    if slash and ("." in host or ":" in host or host == "localhost"):
        return host if ".dkr.ecr" not in host and _readable(host) else None
    return "Docker Hub"


def _readable(host: str) -> bool:
    return host in ("docker.io", "ghcr.io", "public.ecr.aws", "quay.io", "registry.hub.docker.com", "gcr.io")


@rule(
    "W9515",
    cause="container {container} comes from the registry of account {account}, a literal among others' own",
    remedy="write ${{AWS::AccountId}}, or copy the image into the account that runs it",
    sources=("https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html",),
    demanding=True,
)
def an_image_of_another_account(site: Site) -> Iterator[Finding]:
    for container in containers(site):
        first = parts(container.get("Image"))[0]
        at = re.match(r"(\d{12})\.dkr\.ecr", first) if isinstance(first, str) else None
        region = any(part == Given("AWS::Region") for part in parts(container.get("Image")))
        if at and region:  # the region is the stack's own, the account is not
            yield container.found("Image", account=at[1])


@rule(
    "W9516",
    cause="container {container} has VersionConsistency: disabled, so tasks of one deployment may differ",
    remedy="leave it out: ECS then pulls one digest for the whole deployment",
    sources=(CONTAINER,),
    demanding=True,
)
def a_container_without_version_consistency(site: Site) -> Iterator[Finding]:
    for container in containers(site):
        if container.get("VersionConsistency") == "disabled":
            yield container.found("VersionConsistency")
