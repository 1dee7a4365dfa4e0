"""Under which key a secret lies: one of the account's own, held by nobody who has no business with it."""

from collections.abc import Iterator

from rules.families.secrets.logins import SECRET, attachments, database_of
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.policies import Kind
from topology.tree import Resource
from topology.values import Value, known

ENCRYPTION = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html"
KEY = "AWS::KMS::Key"
DATA = {
    "AWS::Kinesis::Stream": ("StreamEncryption",),
    "AWS::RDS::DBInstance": ("KmsKeyId",),
    "AWS::RDS::DBCluster": ("KmsKeyId",),
    "AWS::DynamoDB::Table": ("SSESpecification",),
    "AWS::S3::Bucket": ("BucketEncryption",),
    "AWS::ElastiCache::ReplicationGroup": ("KmsKeyId",),
    "AWS::Logs::LogGroup": ("KmsKeyId",),
    "AWS::SNS::Topic": ("KmsMasterKeyId",),
}
KEYS = (KEY, "AWS::KMS::ReplicaKey", "AWS::KMS::Alias")


@rule(
    "W9360",
    cause="{what} lies under AWS's own key, though {other} has one of the account's",
    remedy="set its KmsKeyId to the same key: who may read the secret is then decided there as well",
    sources=(ENCRYPTION,),
    demanding=True,
)
def a_secret_under_the_default_key(site: Site) -> Iterator[Finding]:
    for secret in site.all(SECRET):
        other = _sibling(site, secret)
        if other is not None and _is_default(site.get(secret, "KmsKeyId")):
            yield found(secret, "KmsKeyId", what=secret, other=other)
    for database in site.all("AWS::RDS::DBInstance", "AWS::RDS::DBCluster"):
        managed = str(site.get(database, "ManageMasterUserPassword")).lower() == "true"
        keyed = [one for one in site.all(SECRET) if site.target(site.get(one, "KmsKeyId"), *KEYS)]
        own = site.get(database, "MasterUserSecret", "KmsKeyId")
        if managed and keyed and _is_default(own):
            yield found(
                database, "MasterUserSecret", what=f"the master's secret of {database}", other=keyed[0]
            )


def _sibling(site: Site, secret: Resource) -> Resource | None:
    """Another secret, or the database that it belongs to, with a key of the account's own."""
    for other in site.all(SECRET):
        if other != secret and site.target(site.get(other, "KmsKeyId"), *KEYS):
            return other
    database = database_of(site, secret) if attachments(site, secret) else None
    if database is not None:
        for path in (("MasterUserSecret", "KmsKeyId"), ("KmsKeyId",)):
            if site.target(site.get(database, *path), *KEYS):
                return database
    return None


def _is_default(value: Value) -> bool:
    return value is None or (known(value) and str(value).endswith("alias/aws/secretsmanager"))


@rule(
    "W9361",
    cause="the replica of {secret} in {region} lies under AWS's own key, though the secret has another",
    remedy="give the replica a KmsKeyId of its region",
    sources=("https://docs.aws.amazon.com/secretsmanager/latest/userguide/replicate-secrets.html",),
    demanding=True,
)
def a_replica_under_the_default_key(site: Site) -> Iterator[Finding]:
    for secret in site.all(SECRET):
        if _is_default(site.get(secret, "KmsKeyId")):
            continue
        for position, replica in enumerate(site.items(secret, "ReplicaRegions")):
            if isinstance(replica, dict) and _is_default(replica.get("KmsKeyId")):
                yield found(
                    secret, "ReplicaRegions", position, secret=secret, region=replica.get("Region", "?")
                )


@rule(
    "W9362",
    cause="{secret} lies under {key}, with which {service} may decrypt as well",
    remedy="take a key that no other service holds, or hold the service to its own by kms:EncryptionContext "
    "in a key of its own",
    sources=(ENCRYPTION, "https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html"),
    demanding=True,
)
def a_secret_under_the_key_of_a_service(site: Site) -> Iterator[Finding]:
    for holder, path in _places(site):
        key = site.target(site.get(holder, *path), KEY)
        services = dict.fromkeys(_services(site, key)) if key is not None else {}
        for service in services:
            yield found(holder, *path, secret=holder, key=key, service=service)


def _places(site: Site) -> Iterator[tuple[Resource, tuple[str, ...]]]:
    for secret in site.all(SECRET):
        yield secret, ("KmsKeyId",)
    for database in site.all("AWS::RDS::DBInstance", "AWS::RDS::DBCluster"):
        yield database, ("MasterUserSecret", "KmsKeyId")


def _services(site: Site, key: Resource) -> Iterator[str]:
    """Service principals that a key's policy lets decrypt, besides those that secrets pass through."""
    for policy in site.policies:
        if policy.kind is Kind.RESOURCE and key in policy.about:
            for statement in policy.statements:
                decrypts = {"kms:*", "*", "kms:Decrypt"} & set(statement.actions)
                if statement.allows and decrypts and "kms:ViaService" not in str(statement.conditions):
                    yield from (
                        name
                        for kind, name in statement.principals
                        if kind == "Service" and not name.startswith(("secretsmanager.", "rds."))
                    )


@rule(
    "W9363",
    cause="{secret} lies under {key}, with which {data} is encrypted, while {other} has a key of its own",
    remedy="take the key of the secrets: who may read the data must not thereby read a login",
    sources=(ENCRYPTION, "https://docs.aws.amazon.com/kms/latest/developerguide/data-protection.html"),
    demanding=True,
)
def a_secret_under_the_key_of_data(site: Site) -> Iterator[Finding]:
    keyed = [(holder, path, site.target(site.get(holder, *path), KEY)) for holder, path in _places(site)]
    for holder, path, key in keyed:
        data = _data(site, key)
        others = [one for one, _, own in keyed if own is not None and own != key and not _data(site, own)]
        if data is not None and others:
            yield found(holder, *path, secret=holder, key=key, data=data, other=others[0])


def _data(site: Site, key: Resource | None) -> Resource | None:
    """Something that a key encrypts and that is read by whoever reads data."""
    for use in site.uses(key) if key is not None else ():
        if use.user.kind in DATA and use.property in DATA[use.user.kind]:
            return use.user
    return None
