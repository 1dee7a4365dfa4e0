"""Who works with encrypted resources, and whether they may use the key: a service asks KMS in their name."""

from collections.abc import Iterator

from rules.families.grants.grant_book import MANAGED, ROLE, book
from rules.families.grants.grant_needs import OF_A_ROLE, Need, through, unmet
from rules.families.grants.grant_texts import ANY, may
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Value

KEY = "AWS::KMS::Key"
ALIAS = "AWS::KMS::Alias"
DATABASES = ("AWS::RDS::DBInstance", "AWS::RDS::DBCluster")
# Type → the path to its key, and the service that asks KMS.
ENCRYPTED: dict[str, tuple[tuple[str | int, ...], str]] = {
    "AWS::DynamoDB::Table": (("SSESpecification", "KMSMasterKeyId"), "dynamodb"),
    "AWS::Kinesis::Stream": (("StreamEncryption", "KeyId"), "kinesis"),
    "AWS::S3::Bucket": (
        (
            "BucketEncryption",
            "ServerSideEncryptionConfiguration",
            0,
            "ServerSideEncryptionByDefault",
            "KMSMasterKeyID",
        ),
        "s3",
    ),
    "AWS::SNS::Topic": (("KmsMasterKeyId",), "sns"),
    "AWS::SQS::Queue": (("KmsMasterKeyId",), "sqs"),
    "AWS::SecretsManager::Secret": (("KmsKeyId",), "secretsmanager"),
}
READ, WRITE, BOTH = ("kms:Decrypt",), ("kms:GenerateDataKey",), ("kms:GenerateDataKey", "kms:Decrypt")
# What a caller does → what the service then asks KMS for in the caller's name.
ASKS: dict[str, tuple[str, ...]] = {
    "dynamodb:GetItem": READ,
    "dynamodb:PutItem": READ,
    "dynamodb:Query": READ,
    "dynamodb:Scan": READ,
    "dynamodb:UpdateItem": READ,
    "kinesis:GetRecords": READ,
    "kinesis:SubscribeToShard": READ,
    "kinesis:PutRecord": WRITE,
    "kinesis:PutRecords": WRITE,
    "s3:GetObject": READ,
    "s3:PutObject": WRITE,
    "secretsmanager:GetSecretValue": READ,
    "secretsmanager:PutSecretValue": BOTH,
    "sns:Publish": BOTH,
    "sqs:ReceiveMessage": READ,
    "sqs:SendMessage": BOTH,
}
OF_TABLES = (
    "kms:Encrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:DescribeKey",
)
SOURCES = (
    "https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html",
    "https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html",
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html",
)


def key_of(site: Site, value: Value) -> Resource | None:
    """The key here that a property names, also by an alias here."""
    key = site.target(value, KEY)
    alias = site.target(value, ALIAS)
    if alias is None and isinstance(value, str) and value.startswith("alias/"):
        alias = site.named(ALIAS, "AliasName", value)
    return key or (site.target(site.get(alias, "TargetKeyId"), KEY) if alias else None)


def encrypted(site: Site) -> Iterator[tuple[Resource, str, str, Resource]]:
    """(resource, ARN, service, key) of all that callers work with under a key of this tree."""
    wording = book(site).wording
    for kind, (path, service) in ENCRYPTED.items():
        for resource in site.all(kind):
            key = key_of(site, site.get(resource, *path))
            if key is not None:
                yield resource, wording.arn(resource), service, key
    for database in site.all(*DATABASES):
        key = key_of(site, site.get(database, "MasterUserSecret", "KmsKeyId"))
        if key is not None:
            secret = wording.text(Reference(database, "MasterUserSecret.SecretArn"))
            yield database, secret, "secretsmanager", key


def _needs(site: Site, holders: list[Resource]) -> Iterator[Need]:
    known = book(site)
    for resource, on, service, key in encrypted(site):
        key_arn = known.wording.arn(key)
        for holder in holders:
            for action in _done_by(site, holder, service, on):
                for asked in ASKS[action]:
                    yield Need(holder, asked, key_arn, resource, through(service), key)


def _done_by(site: Site, holder: Resource, service: str, on: str) -> Iterator[str]:
    """What a holder does with a resource; `*` says nothing of it."""
    known = book(site)
    below = {"s3": f"{on}/{ANY}", "dynamodb": f"{on}/index/*", "kinesis": f"{on}/consumer/*"}.get(service, on)
    for action in ASKS:
        if action.startswith(f"{service}:"):
            for line in known.allowing(known.held(holder), action, on, OF_A_ROLE):
                if any(one != "*" for one in line.resources):
                    yield action
                    break
            else:
                if any(
                    line.allows and line.covers(action.lower()) and one != "*" and may(one, below)
                    for line in known.held(holder)
                    for one in line.resources
                ):
                    yield action


@rule(
    "E9220",
    cause="{role} works with {used}, which is under {key}, and may not {action} with that ({why})",
    remedy="allow it on that key, with the service that asks for it as kms:ViaService if at all",
    sources=SOURCES,
)
def a_role_without_the_key_of_what_it_uses(site: Site) -> Iterator[Finding]:
    for need, why in unmet(site, _needs(site, list(site.all(ROLE)))):
        yield found(
            need.holder,
            "Policies",
            role=need.holder,
            used=need.by,
            key=need.guarded,
            action=need.action,
            why=why,
        )


@rule(
    "W9221",
    cause="{policy} is about {used}, which is under {key}, and does not allow {action} with that ({why})",
    remedy="allow it here, so that who takes this policy can do what it says; or take out what needs it, "
    "where that is more than the policy is for",
    sources=SOURCES,
)
def a_policy_without_the_key_of_what_it_is_about(site: Site) -> Iterator[Finding]:
    known = book(site)
    untaken = [one for one in site.all(MANAGED) if known.held(one)]
    for need, why in unmet(site, _needs(site, untaken)):
        yield found(
            need.holder,
            "PolicyDocument",
            policy=need.holder,
            used=need.by,
            key=need.guarded,
            action=need.action,
            why=why,
        )


@rule(
    "W9222",
    cause="{role} works with the table {table}, which is under {key}, and may not {action} with that ({why})",
    remedy="allow DynamoDB all that it may ask of a key for whoever works with its table",
    sources=("https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html",),
)
def a_role_with_half_of_what_a_table_asks_of_its_key(site: Site) -> Iterator[Finding]:
    known = book(site)
    for table, on, service, key in encrypted(site):
        if service != "dynamodb":
            continue
        arn = known.wording.arn(key)
        for role in site.all(ROLE):
            writes = any(known.allowing(known.held(role), "dynamodb:PutItem", on, OF_A_ROLE))
            if writes:
                needs = [Need(role, action, arn, table, through("dynamodb"), key) for action in OF_TABLES]
                for need, why in unmet(site, needs):
                    yield found(
                        role, "Policies", role=role, table=table, key=key, action=need.action, why=why
                    )


def uses_service(site: Site, holder: Resource, service: str) -> bool:
    """Whether a holder is allowed anything at all of a service."""
    return any(
        line.allows and (bool(line.but_actions) or any(may(one, f"{service}:{ANY}") for one in line.actions))
        for line in book(site).held(holder)
    )
