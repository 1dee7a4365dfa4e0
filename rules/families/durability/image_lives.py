"""Images: a tag names one image for good, each is scanned, and none in use expires."""

import json
from collections.abc import Iterator
from typing import Any

from rules.families.durability.upkeep import declared, off, word
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource

ECR = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/"
CONTROLS = "https://docs.aws.amazon.com/securityhub/latest/userguide/ecr-controls.html"
PARAMETERS = f"{ECR}lifecycle_policy_parameters.html"
REPOSITORY = "AWS::ECR::Repository"
POLICY = ("LifecyclePolicy", "LifecyclePolicyText")
FEW = 5  # what runs, what it goes back to, and what is on its way


@rule(
    "W9480",
    cause="a tag of repository {repository} may move to another image ({mutability})",
    remedy="set ImageTagMutability: IMMUTABLE",
    sources=(f"{ECR}image-tag-mutability.html", CONTROLS),
    demanding=True,
)
def a_tag_that_may_move(site: Site) -> Iterator[Finding]:
    for repository in site.all(REPOSITORY):
        written = site.get(repository, "ImageTagMutability")
        if written is None or written == "MUTABLE":
            left_out = "MUTABLE" if written else "MUTABLE, since it is left out"
            yield found(repository, "ImageTagMutability", repository=repository, mutability=left_out)


@rule(
    "W9481",
    cause="images of repository {repository} are not scanned when they are pushed",
    remedy="set ImageScanningConfiguration with ScanOnPush: true",
    sources=(f"{ECR}image-scanning.html", CONTROLS),
    demanding=True,
)
def images_that_nobody_scans(site: Site) -> Iterator[Finding]:
    for repository in site.all(REPOSITORY):
        if off(site, repository, "ImageScanningConfiguration", "ScanOnPush"):
            yield found(repository, "ImageScanningConfiguration", repository=repository)


@rule(
    "W9482",
    cause="repository {repository} keeps every image that was ever pushed",
    remedy="set LifecyclePolicy: expire what has no tag after days, and all but the newest",
    sources=(f"{ECR}LifecyclePolicies.html", CONTROLS),
    demanding=True,
)
def images_that_pile_up(site: Site) -> Iterator[Finding]:
    for repository in site.all(REPOSITORY):
        if site.get(repository, "LifecyclePolicy") is None and declared(site, repository):
            yield found(repository, "LifecyclePolicy", repository=repository)


def _rules(site: Site, repository: Resource) -> list[dict[str, Any]] | None:
    """The rules; None where they are not known; ValueError where the text is no policy."""
    text = word(site, repository, *POLICY)
    if text is None:
        return None
    policy = json.loads(text)
    if not isinstance(policy, dict) or not isinstance(policy.get("rules"), list):
        raise ValueError("it has no rules")
    return [one for one in policy["rules"] if isinstance(one, dict)]


def _selection(one: dict[str, Any]) -> dict[str, Any]:
    chosen = one.get("selection")
    return chosen if isinstance(chosen, dict) else {}


def _read(site: Site) -> Iterator[tuple[Resource, dict[str, Any]]]:
    for repository in site.all(REPOSITORY):
        try:
            rules = _rules(site, repository)
        except ValueError:
            continue  # another rule says so
        for one in rules or ():
            yield repository, one


@rule(
    "E9485",
    cause="the lifecycle of repository {repository} cannot be: {why}",
    remedy="give each rule a rulePriority of its own, and the highest to the one whose tagStatus is any",
    sources=(PARAMETERS, f"{ECR}LifecyclePolicies.html"),
)
def a_lifecycle_that_ecr_refuses(site: Site) -> Iterator[Finding]:
    for repository in site.all(REPOSITORY):
        try:
            why = _refused(_rules(site, repository) or [])
        except ValueError as error:
            why = f"its text is no policy ({error})"
        if why:
            yield found(repository, *POLICY, repository=repository, why=why)


def _refused(rules: list[dict[str, Any]]) -> str:
    priorities = [one.get("rulePriority") for one in rules]
    if len(set(map(str, priorities))) != len(priorities):
        return "two rules have one priority"
    numbers = [priority for priority in priorities if isinstance(priority, int)]
    for one in rules:
        chosen, priority = _selection(one), one.get("rulePriority")
        if chosen.get("tagStatus") == "any" and isinstance(priority, int) and priority < max(numbers):
            return "a rule for any image comes before another"
        tagged = chosen.get("tagStatus") == "tagged"
        if tagged and not chosen.get("tagPrefixList") and not chosen.get("tagPatternList"):
            return "a rule for tagged images says no tags"
        if chosen.get("countType") == "sinceImagePushed" and chosen.get("countUnit") != "days":
            return "a rule that counts days has no countUnit of days"
    return ""


@rule(
    "W9483",
    cause="repository {repository} expires images by their age ({days} days), also the one that runs",
    remedy="keep a number of the newest: countType imageCountMoreThan",
    sources=(f"{ECR}LifecyclePolicies.html", PARAMETERS),
    demanding=True,
)
def an_image_that_expires_while_it_runs(site: Site) -> Iterator[Finding]:
    for repository, one in _read(site):
        chosen = _selection(one)
        if chosen.get("tagStatus") in ("tagged", "any") and chosen.get("countType") == "sinceImagePushed":
            yield found(repository, *POLICY, repository=repository, days=chosen.get("countNumber"))


@rule(
    "W9484",
    cause="repository {repository} keeps the newest {count} only, too few to go back to",
    remedy="keep ten or more",
    sources=(f"{ECR}LifecyclePolicies.html",),
    demanding=True,
)
def too_few_images_to_go_back_to(site: Site) -> Iterator[Finding]:
    for repository, one in _read(site):
        chosen, count = _selection(one), _selection(one).get("countNumber")
        if (
            chosen.get("tagStatus") in ("tagged", "any")
            and chosen.get("countType") == "imageCountMoreThan"
            and isinstance(count, int)
            and count < FEW
        ):
            yield found(repository, *POLICY, repository=repository, count=count)


@rule(
    "E9486",
    cause="repository {repository} names a key, and is encrypted by {kind}",
    remedy="set EncryptionType: KMS",
    sources=(f"{ECR}encryption-at-rest.html",),
)
def an_image_key_that_is_not_used(site: Site) -> Iterator[Finding]:
    for repository in site.all(REPOSITORY):
        kind = word(site, repository, "EncryptionConfiguration", "EncryptionType")
        if kind == "AES256" and site.get(repository, "EncryptionConfiguration", "KmsKey") is not None:
            yield found(repository, "EncryptionConfiguration", repository=repository, kind=kind)
