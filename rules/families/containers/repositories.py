"""Image repositories: tags that stay, images that are scanned, and kept as long as they are used."""

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from rules.families.containers.workloads import TASK, inside, lacks, number
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import known, references

REPOSITORY = "AWS::ECR::Repository"
CONTROLS = "https://docs.aws.amazon.com/securityhub/latest/userguide/ecr-controls.html"
LIFECYCLE = (
    "https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html",
    "https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html",
)
EXCLUSIONS = "ImageTagMutabilityExclusionFilters"
TAGS = ("latest", "main", "1.0.2", "v1.2.3", "2026-11-28", "0f3c1d9e", "release-7")  # such as people give
FEW = 5  # fewer versions leave nothing to go back to


@rule(
    "W9517",
    cause="in repository {repository} a tag can be moved to another image",
    remedy="set ImageTagMutability: IMMUTABLE, without a filter that excludes what is deployed",
    sources=(CONTROLS, "https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html"),
    demanding=True,
)
def a_repository_of_tags_that_move(site: Site) -> Iterator[Finding]:
    for repository in site.all(REPOSITORY):
        said = site.get(repository, "ImageTagMutability")
        filters = site.get(repository, EXCLUSIONS)
        if not known(said) or not known(filters):
            continue
        excluded = [
            str(inside(one, "ImageTagMutabilityExclusionFilterValue"))
            for one in site.items(repository, EXCLUSIONS)
        ]
        if str(said) == "MUTABLE_WITH_EXCLUSION" and _all_tags(excluded):
            continue  # none is left that moves
        if not str(said).startswith("IMMUTABLE"):
            yield found(repository, "ImageTagMutability", repository=repository)
        elif str(said).endswith("_EXCLUSION") and _moves(site, repository, excluded):
            yield found(repository, EXCLUSIONS, repository=repository)


def _all_tags(filters: list[str]) -> bool:
    """Whether filters leave no tag out, of those that people give."""
    return all(any(_matches(one, tag) for one in filters) for tag in TAGS)


def _moves(site: Site, repository: Resource, filters: list[str]) -> bool:
    """Whether what is excluded is every tag, or one by which a task here runs an image."""
    return _all_tags(filters) or any(_matches(one, tag) for tag in _run(site, repository) for one in filters)


def _matches(pattern: str, tag: str) -> bool:
    return fnmatchcase(tag, pattern.replace("[", "[[]"))


def _run(site: Site, repository: Resource) -> Iterator[str]:
    name = site.get(repository, "RepositoryName")
    for task in site.all(TASK):
        for container in site.items(task, "ContainerDefinitions"):
            image = inside(container, "Image")
            path, _, tag = str(image).rpartition(":")
            named = repository in {one.resource for one in references(image)}
            if (named or (isinstance(name, str) and path.endswith(f"/{name}"))) and "/" not in tag:
                yield tag


@rule(
    "W9518",
    cause="images that are pushed to repository {repository} are not scanned",
    remedy="set ImageScanningConfiguration.ScanOnPush: true, or scan the registry by its configuration",
    sources=(CONTROLS, "https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html"),
    demanding=True,
)
def a_repository_that_is_not_scanned(site: Site) -> Iterator[Finding]:
    if any(site.all("AWS::ECR::RegistryScanningConfiguration")):
        return
    for repository in site.all(REPOSITORY):
        if lacks(site.get(repository, "ImageScanningConfiguration", "ScanOnPush")):
            yield found(repository, "ImageScanningConfiguration", "ScanOnPush", repository=repository)


@rule(
    "W9519",
    cause="repository {repository} keeps every image for ever",
    remedy="give it a LifecyclePolicy that keeps the newest",
    sources=(CONTROLS, *LIFECYCLE),
    demanding=True,
)
def a_repository_without_an_end(site: Site) -> Iterator[Finding]:
    for repository in site.all(REPOSITORY):
        text = site.get(repository, "LifecyclePolicy", "LifecyclePolicyText")
        if text in (None, ""):
            yield found(repository, "LifecyclePolicy", repository=repository)


@rule(
    "E9520",
    cause="the lifecycle policy of repository {repository} is none: {why}",
    remedy="write JSON with rules, each of another rulePriority, that of tagStatus any the highest",
    sources=LIFECYCLE,
)
def a_lifecycle_policy_that_ecr_refuses(site: Site) -> Iterator[Finding]:
    for repository in site.all(REPOSITORY):
        text = site.get(repository, "LifecyclePolicy", "LifecyclePolicyText")
        if isinstance(text, str) and text:
            why = _refused(text)
            if why:
                yield found(
                    repository, "LifecyclePolicy", "LifecyclePolicyText", repository=repository, why=why
                )


def _refused(text: str) -> str:
    try:
        read = json.loads(text)
    except ValueError:
        return "no JSON"
    rules = read.get("rules") if isinstance(read, dict) else None
    if not isinstance(rules, list) or not rules or not all(isinstance(one, dict) for one in rules):
        return "no rules"
    priorities = [one.get("rulePriority") for one in rules]
    if len(set(map(str, priorities))) < len(priorities):
        return "two rules of one priority"
    last = max(map(str, priorities), key=lambda one: number(one) or 0)
    return next((why for one in rules if (why := _refused_rule(one, last))), "")


def _refused_rule(one: dict[str, Any], last: str) -> str:
    selection, action = one.get("selection"), one.get("action")
    if not isinstance(selection, dict) or not isinstance(action, dict) or "type" not in action:
        return "a rule without selection or action"
    status = selection.get("tagStatus")
    if status == "any" and str(one.get("rulePriority")) != last:
        return "tagStatus any before other rules"
    if status == "tagged" and not (selection.get("tagPrefixList") or selection.get("tagPatternList")):
        return "tagStatus tagged without tagPatternList or tagPrefixList"
    if selection.get("countType") == "sinceImagePushed" and selection.get("countUnit") != "days":
        return "countType sinceImagePushed without countUnit days"
    return ""


@rule(
    "W9521",
    cause="the lifecycle policy of repository {repository} may take away an image that runs: it {what}",
    remedy="expire tagged images by their number alone, and keep enough of them to go back",
    sources=LIFECYCLE,
    demanding=True,
)
def a_lifecycle_policy_that_takes_what_runs(site: Site) -> Iterator[Finding]:
    for repository in site.all(REPOSITORY):
        for one in _rules(site, repository):
            what = _takes(one)
            if what:
                yield found(
                    repository, "LifecyclePolicy", "LifecyclePolicyText", repository=repository, what=what
                )


def _rules(site: Site, repository: Resource) -> list[Any]:
    text = site.get(repository, "LifecyclePolicy", "LifecyclePolicyText")
    try:
        read = json.loads(text) if isinstance(text, str) else {}
    except ValueError:
        return []
    rules = read.get("rules") if isinstance(read, dict) else None
    return rules if isinstance(rules, list) else []


def _takes(one: Any) -> str:
    selection = one.get("selection") if isinstance(one, dict) else None
    if not isinstance(selection, dict) or selection.get("tagStatus") == "untagged":
        return ""
    if (one.get("action") or {}).get("type") not in (None, "expire"):
        return ""
    count = number(selection.get("countNumber"))
    if selection.get("countType") == "sinceImagePushed":
        return "expires images with tags by their age"
    if selection.get("countType") == "imageCountMoreThan" and count is not None and count < FEW:
        return f"keeps {count:g}"
    return ""


@rule(
    "W9532",
    cause="the images of repository {repository} are under none of the keys here, such as {key}",
    remedy="set EncryptionConfiguration to KMS and one of them; only a new repository can have another",
    sources=("https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html", CONTROLS),
    demanding=True,
)
def a_repository_under_no_key(site: Site) -> Iterator[Finding]:
    keys = list(site.all("AWS::KMS::Key"))
    for repository in site.all(REPOSITORY):
        said = site.get(repository, "EncryptionConfiguration", "KmsKey")
        if keys and said is None:
            yield found(repository, "EncryptionConfiguration", repository=repository, key=keys[0])
