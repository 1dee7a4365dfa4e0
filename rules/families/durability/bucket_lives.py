"""Buckets keep earlier versions, say who asked for what, and let nobody in by accident."""

from collections.abc import Iterator

from rules.families.durability.upkeep import BUCKET, declared, number, word
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import known

S3 = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
CONTROLS = "https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html"
PARTS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
BY_POLICY = {
    "BlockPublicPolicy",
    "RestrictPublicBuckets",
}  # off together where the public is let in on purpose
BLOCK = "PublicAccessBlockConfiguration"


def versioned(site: Site, bucket: Resource) -> bool | None:
    status = site.get(bucket, "VersioningConfiguration", "Status")
    return status == "Enabled" if known(status) else None


def log_targets(site: Site) -> dict[Resource, list[Resource]]:
    """Buckets that others deliver their access logs to → those others."""
    targets: dict[Resource, list[Resource]] = {}
    for bucket in site.all(BUCKET):
        target = site.target(site.get(bucket, "LoggingConfiguration", "DestinationBucketName"), BUCKET)
        if target is not None and target != bucket:
            targets.setdefault(target, []).append(bucket)
    return targets


@rule(
    "E9480",
    cause="bucket {bucket} of a lasting environment keeps no earlier version of an object",
    remedy="set VersioningConfiguration with Status: Enabled",
    sources=(f"{S3}Versioning.html", CONTROLS),
)
def a_bucket_that_forgets(site: Site) -> Iterator[Finding]:
    for bucket in site.all(BUCKET):
        if versioned(site, bucket) is False and site.durable(bucket):
            yield found(bucket, "VersioningConfiguration", "Status", bucket=bucket)


@rule(
    "W9460",
    cause="bucket {bucket} keeps no earlier version of an object, so whatever overwrites one is final",
    remedy="set VersioningConfiguration with Status: Enabled",
    sources=(f"{S3}Versioning.html", CONTROLS),
    demanding=True,
)
def a_passing_bucket_that_forgets(site: Site) -> Iterator[Finding]:
    for bucket in site.all(BUCKET):
        if versioned(site, bucket) is False and site.durable(bucket) is False:
            yield found(bucket, "VersioningConfiguration", "Status", bucket=bucket)


@rule(
    "W9461",
    cause="bucket {bucket} blocks public access but for {parts}",
    remedy="set all four parts of PublicAccessBlockConfiguration to true",
    sources=(f"{S3}access-control-block-public-access.html", CONTROLS),
)
def a_block_with_a_gap(site: Site) -> Iterator[Finding]:
    for bucket in site.all(BUCKET):
        told = site.get(bucket, BLOCK)
        if not isinstance(told, dict) or not known(told):
            continue
        on = [name for name in PARTS if str(told.get(name)).lower() == "true"]
        missing = [name for name in PARTS if name not in on]
        if missing and (declared(site, bucket) or (on and set(missing) != BY_POLICY)):
            place = (BLOCK, missing[0]) if missing[0] in told else (BLOCK,)
            yield found(bucket, *place, bucket=bucket, parts=", ".join(missing))


@rule(
    "W9462",
    cause="bucket {bucket} leaves what keeps the public out to the account's habits",
    remedy="set all four parts of PublicAccessBlockConfiguration to true",
    sources=(f"{S3}access-control-block-public-access.html", CONTROLS),
    demanding=True,
)
def a_bucket_that_says_nothing_of_the_public(site: Site) -> Iterator[Finding]:
    for bucket in site.all(BUCKET):
        if site.get(bucket, BLOCK) is None and declared(site, bucket):
            yield found(bucket, BLOCK, bucket=bucket)


@rule(
    "W9463",
    cause="bucket {bucket} lets object ACLs decide who reads ({ownership})",
    remedy="set ObjectOwnership: BucketOwnerEnforced, so that policies alone decide",
    sources=(f"{S3}about-object-ownership.html", CONTROLS),
    demanding=True,
)
def a_bucket_with_acls(site: Site) -> Iterator[Finding]:
    delivered = set(log_targets(site))  # some deliverers of logs still write by ACL, and so does CloudFront
    delivered |= {one for one in site.all(BUCKET) if site.uses(one, "AWS::CloudFront::Distribution")}
    for bucket in site.all(BUCKET):
        for position, one in enumerate(site.items(bucket, "OwnershipControls", "Rules")):
            ownership = one.get("ObjectOwnership") if isinstance(one, dict) else None
            if (
                ownership in ("ObjectWriter", "BucketOwnerPreferred")
                and bucket not in delivered
                and (declared(site, bucket) or ownership == "ObjectWriter")
            ):
                path = ("OwnershipControls", "Rules", position, "ObjectOwnership")
                yield found(bucket, *path, bucket=bucket, ownership=ownership)


LOCK = "ObjectLockConfiguration"


@rule(
    "E9481",
    cause="bucket {bucket} {why}",
    remedy="set ObjectLockEnabled: true, VersioningConfiguration Enabled and a default retention together",
    sources=(f"{S3}object-lock.html", f"{S3}object-lock-configure.html"),
)
def a_lock_that_does_not_hold(site: Site) -> Iterator[Finding]:
    for bucket in site.all(BUCKET):
        told, enabled = site.get(bucket, LOCK), site.get(bucket, "ObjectLockEnabled")
        if not known(told) or not known(enabled):
            continue
        on = str(enabled).lower() == "true"
        if told is not None and not on:
            yield found(
                bucket, "ObjectLockEnabled", bucket=bucket, why="configures a lock that is not enabled"
            )
        if (on or told is not None) and versioned(site, bucket) is False:
            why = "locks objects, which needs versioning"
            yield found(bucket, "VersioningConfiguration", bucket=bucket, why=why)


@rule(
    "W9464",
    cause="bucket {bucket} has a lock, and no default retention, so it locks only what each writer asks for",
    remedy="set ObjectLockConfiguration with a Rule of DefaultRetention",
    sources=(f"{S3}object-lock-configure.html",),
    demanding=True,
)
def a_lock_that_locks_nothing(site: Site) -> Iterator[Finding]:
    for bucket in site.all(BUCKET):
        if str(site.get(bucket, "ObjectLockEnabled")).lower() == "true":
            retention = site.get(bucket, LOCK, "Rule", "DefaultRetention")
            if retention is None and known(site.get(bucket, LOCK)):
                yield found(bucket, LOCK, bucket=bucket)


@rule(
    "W9465",
    cause="bucket {bucket} locks each object for {locked} days, and its rule {rule} deletes it after {days}",
    remedy="expire no earlier than the lock ends, and lock no longer than a version is kept",
    sources=(f"{S3}object-lock-managing.html",),
    demanding=True,
)
def a_lock_that_outlasts_its_lifecycle(site: Site) -> Iterator[Finding]:
    for bucket in site.all(BUCKET):
        retention = (LOCK, "Rule", "DefaultRetention")
        days, years = (number(site.get(bucket, *retention, unit)) for unit in ("Days", "Years"))
        locked = days if days is not None else years * 365 if years is not None else None
        if locked is None:
            continue
        for position, one in enumerate(site.items(bucket, "LifecycleConfiguration", "Rules")):
            expiry = one.get("NoncurrentVersionExpiration") if isinstance(one, dict) else None
            after = number(expiry.get("NoncurrentDays")) if isinstance(expiry, dict) else None
            if after is not None and after < locked and isinstance(one, dict):
                path = ("LifecycleConfiguration", "Rules", position, "NoncurrentVersionExpiration")
                named = one.get("Id", position)
                yield found(bucket, *path, bucket=bucket, locked=locked, rule=named, days=after)


@rule(
    "W9466",
    cause="bucket {bucket} of a lasting environment locks objects for {days} only",
    remedy="lock them for as long as somebody may need what was overwritten: 30 days or more",
    sources=(f"{S3}object-lock.html",),
)
def a_lock_that_is_soon_over(site: Site) -> Iterator[Finding]:
    for bucket in site.all(BUCKET):
        days = number(site.get(bucket, LOCK, "Rule", "DefaultRetention", "Days"))
        if days is not None and days < 30 and site.durable(bucket):
            path = (LOCK, "Rule", "DefaultRetention", "Days")
            yield found(bucket, *path, bucket=bucket, days="1 day" if days == 1 else f"{days} days")


@rule(
    "W9478",
    cause="bucket {bucket} takes access logs of {sources} under KMS, and S3 promises AES256 alone",
    remedy="encrypt it with AES256",
    sources=(f"{S3}enable-server-access-logging.html", f"{S3}ServerLogs.html"),
    demanding=True,
)
def a_log_bucket_under_kms(site: Site) -> Iterator[Finding]:
    for bucket, sources in log_targets(site).items():
        rules = site.items(bucket, "BucketEncryption", "ServerSideEncryptionConfiguration")
        chosen = [one.get("ServerSideEncryptionByDefault") for one in rules if isinstance(one, dict)]
        kms = any(
            isinstance(one, dict) and str(one.get("SSEAlgorithm")).startswith("aws:kms") for one in chosen
        )
        listed = ", ".join(map(str, sources))
        if kms:
            yield found(bucket, "BucketEncryption", bucket=bucket, sources=listed)


@rule(
    "E9483",
    cause="bucket {bucket} writes the log of its requests into itself, each line of which is a request again",
    remedy="set DestinationBucketName to a bucket that is for logs alone",
    sources=(f"{S3}ServerLogs.html",),
)
def a_bucket_that_logs_into_itself(site: Site) -> Iterator[Finding]:
    """A bucket for logs alone may well keep its own: nothing else is lost among them."""
    targets = log_targets(site)
    for bucket in site.all(BUCKET):
        told = site.get(bucket, "LoggingConfiguration")
        if not isinstance(told, dict) or bucket in targets:
            continue
        target = site.get(bucket, "LoggingConfiguration", "DestinationBucketName")
        if target is None or site.target(target, BUCKET) == bucket:
            yield found(bucket, "LoggingConfiguration", bucket=bucket)


@rule(
    "W9467",
    cause="bucket {bucket} keeps no log of who asked for what",
    remedy="set LoggingConfiguration to a bucket for logs",
    sources=(f"{S3}ServerLogs.html", CONTROLS),
    demanding=True,
)
def a_bucket_without_a_log(site: Site) -> Iterator[Finding]:
    for bucket in site.all(BUCKET):
        if site.get(bucket, "LoggingConfiguration") is None and declared(site, bucket):
            yield found(bucket, "LoggingConfiguration", bucket=bucket)


@rule(
    "W9468",
    cause="bucket {bucket} names no key to be encrypted by ({algorithm})",
    remedy="set BucketEncryption with aws:kms and a KMSMasterKeyID, or AES256 where S3 delivers logs",
    sources=(f"{S3}bucket-encryption.html", CONTROLS),
    demanding=True,
)
def a_bucket_whose_encryption_is_not_told(site: Site) -> Iterator[Finding]:
    for bucket in site.all(BUCKET):
        told = site.get(bucket, "BucketEncryption")
        if told is None and declared(site, bucket):
            yield found(bucket, "BucketEncryption", bucket=bucket, algorithm="S3")
        path = ("BucketEncryption", "ServerSideEncryptionConfiguration", 0, "ServerSideEncryptionByDefault")
        algorithm = word(site, bucket, *path, "SSEAlgorithm") or ""
        if algorithm.startswith("aws:kms") and site.get(bucket, *path, "KMSMasterKeyID") is None:
            yield found(bucket, *path, bucket=bucket, algorithm=algorithm)


@rule(
    "E9487",
    cause="bucket {bucket} has the ACL {acl}, and its ObjectOwnership {ownership} takes none",
    remedy="leave AccessControl out, and grant by a bucket policy",
    sources=(f"{S3}about-object-ownership.html",),
)
def an_acl_where_none_is_taken(site: Site) -> Iterator[Finding]:
    for bucket in site.all(BUCKET):
        acl = word(site, bucket, "AccessControl")
        owned = word(site, bucket, "OwnershipControls", "Rules", 0, "ObjectOwnership")
        told = owned or "BucketOwnerEnforced, the default,"
        refused = owned == "BucketOwnerEnforced" or "OwnershipControls" not in bucket.properties
        if refused and acl not in (None, "Private", "BucketOwnerFullControl"):
            yield found(bucket, "AccessControl", bucket=bucket, acl=acl, ownership=told)
