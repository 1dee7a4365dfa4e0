"""What a bucket expires: old versions and leftovers, never what is in use, and in an order that can be."""

import itertools
from collections.abc import Iterator

from rules.families.durability.bucket_lives import log_targets, versioned
from rules.families.durability.upkeep import BUCKET, declared, members, number
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Value, known

S3 = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
LIFECYCLE = f"{S3}intro-lifecycle-rules.html"
TRANSITIONS = f"{S3}lifecycle-transition-general-considerations.html"
CONTROLS = "https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html"
MONTH, FORTNIGHT = 30, 14
COLDER = ("STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE")

Rule = dict[str, Value]


def _rules(site: Site, bucket: Resource) -> Iterator[tuple[int, Rule]]:
    for position, one in enumerate(site.items(bucket, "LifecycleConfiguration", "Rules")):
        if isinstance(one, dict):
            yield position, one


def _enabled(one: Rule) -> bool:
    return one.get("Status") == "Enabled"


def _whole(one: Rule) -> bool:
    """Whether it is about every object."""
    narrow = ("TagFilters", "ObjectSizeGreaterThan", "ObjectSizeLessThan")
    return one.get("Prefix") in (None, "") and not any(one.get(name) for name in narrow) and known(one)


def _noncurrent(one: Rule) -> int | None:
    told = one.get("NoncurrentVersionExpiration")
    written = (
        told.get("NoncurrentDays") if isinstance(told, dict) else one.get("NoncurrentVersionExpirationInDays")
    )
    return number(written)


@rule(
    "W9470",
    cause="bucket {bucket} keeps every version that was ever written, for ever",
    remedy="add a lifecycle rule with NoncurrentVersionExpiration",
    sources=(LIFECYCLE, CONTROLS),
    demanding=True,
)
def versions_that_pile_up(site: Site) -> Iterator[Finding]:
    for bucket in site.all(BUCKET):
        if not versioned(site, bucket) or not declared(site, bucket):
            continue
        told = site.get(bucket, "LifecycleConfiguration")
        ends = any(_enabled(one) and _noncurrent(one) is not None for _, one in _rules(site, bucket))
        if known(told) and not ends:
            yield found(bucket, "LifecycleConfiguration", bucket=bucket)


@rule(
    "W9471",
    cause="bucket {bucket} of a lasting environment forgets an overwritten version after {days} days",
    remedy="keep versions for 30 days or more: a mistake is found later than it is made",
    sources=(LIFECYCLE,),
)
def versions_that_are_gone_too_soon(site: Site) -> Iterator[Finding]:
    for bucket in site.all(BUCKET):
        for position, one in _rules(site, bucket):
            days = _noncurrent(one)
            if _enabled(one) and days is not None and days < MONTH and site.durable(bucket):
                yield found(bucket, "LifecycleConfiguration", "Rules", position, bucket=bucket, days=days)


@rule(
    "W9472",
    cause="bucket {bucket} of a passing environment forgets an overwritten version within {days} days",
    remedy="keep versions for a week, so that a roll-back finds what it needs",
    sources=(LIFECYCLE,),
)
def versions_that_are_gone_at_once(site: Site) -> Iterator[Finding]:
    for bucket in site.all(BUCKET):
        for position, one in _rules(site, bucket):
            days = _noncurrent(one)
            if _enabled(one) and days is not None and days < 7 and site.durable(bucket) is False:
                yield found(bucket, "LifecycleConfiguration", "Rules", position, bucket=bucket, days=days)


@rule(
    "W9473",
    cause="bucket {bucket} deletes every object {when}, used or not",
    remedy="expire earlier versions, or narrow the rule by Prefix to what may go",
    sources=(LIFECYCLE,),
    demanding=True,
)
def objects_that_expire_while_in_use(site: Site) -> Iterator[Finding]:
    """What keeps versions is meant to last. Not judged: a bucket for logs, or for what was set aside."""
    targets = {*log_targets(site), *_set_aside(site)}
    for bucket in site.all(BUCKET):
        told = site.get(bucket, "LoggingConfiguration")
        logs = bucket in targets or (isinstance(told, dict) and "DestinationBucketName" not in told)
        if logs or not versioned(site, bucket) or not declared(site, bucket):
            continue
        for position, one in _rules(site, bucket):
            name = "ExpirationDate" if "ExpirationDate" in one else "ExpirationInDays"
            end = one.get(name)
            if _enabled(one) and _whole(one) and end is not None:
                when = f"on {end}" if name == "ExpirationDate" else f"{end} days after it was written"
                path = ("LifecycleConfiguration", "Rules", position, name)
                yield found(bucket, *path, bucket=bucket, when=when)


def _set_aside(site: Site) -> set[Resource]:
    """Where rules put what they could not deliver."""
    found_ = set()
    for one in site.all("AWS::IoT::TopicRule"):
        bucket = site.target(site.get(one, "TopicRulePayload", "ErrorAction", "S3", "BucketName"), BUCKET)
        if bucket is not None:
            found_.add(bucket)
    return found_


@rule(
    "W9479",
    cause="bucket {bucket} keeps what could not be delivered for {days} days: gone before anybody looks",
    remedy="keep it for two weeks or more, as a queue of dead letters does",
    sources=(LIFECYCLE, "https://docs.aws.amazon.com/iot/latest/developerguide/rule-error-handling.html"),
)
def what_was_set_aside_and_is_gone_too_soon(site: Site) -> Iterator[Finding]:
    for bucket in sorted(_set_aside(site), key=str):
        for position, one in _rules(site, bucket):
            days = number(one.get("ExpirationInDays"))
            if _enabled(one) and days is not None and days < FORTNIGHT:
                path = ("LifecycleConfiguration", "Rules", position, "ExpirationInDays")
                yield found(bucket, *path, bucket=bucket, days=days)


@rule(
    "W9474",
    cause="bucket {bucket} takes logs and deletes each after {days} days",
    remedy="keep them for as long as an incident may go unnoticed: 30 days or more",
    sources=(LIFECYCLE, f"{S3}ServerLogs.html"),
    demanding=True,
)
def access_logs_that_are_gone_too_soon(site: Site) -> Iterator[Finding]:
    for bucket in log_targets(site):
        for position, one in _rules(site, bucket):
            days = number(one.get("ExpirationInDays"))
            if _enabled(one) and days is not None and days < MONTH:
                path = ("LifecycleConfiguration", "Rules", position, "ExpirationInDays")
                yield found(bucket, *path, bucket=bucket, days=days)


@rule(
    "W9475",
    cause="bucket {bucket} takes logs and never deletes one",
    remedy="add a lifecycle rule with ExpirationInDays",
    sources=(LIFECYCLE, CONTROLS),
    demanding=True,
)
def access_logs_that_pile_up(site: Site) -> Iterator[Finding]:
    for bucket in log_targets(site):
        told = site.get(bucket, "LifecycleConfiguration")
        ends = any(_enabled(one) and ("ExpirationInDays" in one) for _, one in _rules(site, bucket))
        if known(told) and not ends and declared(site, bucket):
            yield found(bucket, "LifecycleConfiguration", bucket=bucket)


@rule(
    "W9476",
    cause="rule {name} of bucket {bucket} is disabled, so what it should expire stays",
    remedy="set Status: Enabled, or remove it",
    sources=(LIFECYCLE,),
    demanding=True,
)
def a_lifecycle_that_is_disabled(site: Site) -> Iterator[Finding]:
    for bucket in site.all(BUCKET):
        for position, one in _rules(site, bucket):
            if one.get("Status") == "Disabled" and declared(site, bucket):
                path = ("LifecycleConfiguration", "Rules", position, "Status")
                yield found(bucket, *path, name=one.get("Id", position), bucket=bucket)


@rule(
    "W9477",
    cause="bucket {bucket} keeps the parts of uploads that were never finished",
    remedy="add AbortIncompleteMultipartUpload with DaysAfterInitiation to a lifecycle rule",
    sources=(f"{S3}mpu-abort-incomplete-mpu-lifecycle-config.html",),
    demanding=True,
)
def uploads_that_are_never_finished(site: Site) -> Iterator[Finding]:
    for bucket in site.all(BUCKET):
        told = site.get(bucket, "LifecycleConfiguration")
        aborted = any("AbortIncompleteMultipartUpload" in one for _, one in _rules(site, bucket))
        if told is not None and known(told) and not aborted and declared(site, bucket):
            yield found(bucket, "LifecycleConfiguration", bucket=bucket)


def _steps(one: Rule) -> list[tuple[str, int]]:
    """Storage class and day of each move, in order of days."""
    moves = [move for name in ("Transitions", "Transition") for move in members(one.get(name))]
    read = [
        (move.get("StorageClass"), number(move.get("TransitionInDays")))
        for move in moves
        if isinstance(move, dict)
    ]
    return sorted(
        ((kind, days) for kind, days in read if isinstance(kind, str) and days is not None),
        key=lambda step: step[1],
    )


@rule(
    "E9484",
    cause="rule {name} of bucket {bucket} {why}",
    remedy="let days and storage classes both go one way, and expire last",
    sources=(TRANSITIONS, LIFECYCLE),
)
def a_lifecycle_in_an_order_that_cannot_be(site: Site) -> Iterator[Finding]:
    for bucket in site.all(BUCKET):
        for position, one in _rules(site, bucket):
            for why in _disorder(one):
                name = one.get("Id", position)
                path = ("LifecycleConfiguration", "Rules", position)
                yield found(bucket, *path, name=name, bucket=bucket, why=why)


def _disorder(one: Rule) -> Iterator[str]:
    steps, expiry = _steps(one), number(one.get("ExpirationInDays"))
    for kind, days in steps:
        if expiry is not None and days >= expiry:
            yield f"moves objects to {kind} after {days} days, when they have expired after {expiry}"
        if kind in ("STANDARD_IA", "ONEZONE_IA") and days < MONTH:
            yield f"moves objects to {kind} after {days} days, and S3 asks for 30 at least"
    for (warmer, _), (kind, days) in itertools.pairwise(steps):
        if {warmer, kind} <= set(COLDER) and COLDER.index(kind) < COLDER.index(warmer):
            yield f"moves objects back from {warmer} to {kind} after {days} days"
