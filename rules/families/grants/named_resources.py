"""What a program is told of by name, in its environment, and what it must at least be allowed there."""

from collections.abc import Iterator

from rules.families.grants.grant_book import book
from rules.families.grants.grant_needs import Need
from rules.families.grants.grant_texts import ANY
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Value

SECRETS = "AWS::SecretsManager::Secret"
CONSUMER = "AWS::Kinesis::StreamConsumer"
CACHE = "AWS::ElastiCache::ReplicationGroup"
DATABASES = frozenset({"AWS::RDS::DBInstance", "AWS::RDS::DBCluster"})
MASTER_SECRET = "MasterUserSecret.SecretArn"  # noqa: S105 - an attribute
# Type → the prefix of which some action must be allowed, and what may stand below the resource's ARN.
SERVICES = {
    "AWS::DynamoDB::Table": ("dynamodb", f"/{ANY}"),
    "AWS::Kinesis::Stream": ("kinesis", f"/{ANY}"),
    "AWS::S3::Bucket": ("s3", f"/{ANY}"),
    "AWS::SNS::Topic": ("sns", ""),
    "AWS::SQS::Queue": ("sqs", ""),
}


def named_by(value: Value) -> Iterator[Reference]:
    """The resources that a variable names, and that nobody uses without a grant."""
    if isinstance(value, Reference):
        kind = value.resource.kind
        secret = kind == SECRETS or (kind in DATABASES and value.attribute == MASTER_SECRET)
        if secret or kind in SERVICES or kind in (CACHE, CONSUMER):
            yield value


def needs_of_named(site: Site, role: Resource, by: Resource, reference: Reference) -> Iterator[Need]:
    kind, resource = reference.resource.kind, reference.resource
    wording = book(site).wording
    if kind == SECRETS or kind in DATABASES:
        yield Need(
            role, "secretsmanager:GetSecretValue", secret_arn(site, reference), by, guarded=reference.resource
        )
    elif kind == CONSUMER:
        yield Need(role, "kinesis:SubscribeToShard", wording.text(reference), by)
    elif kind == CACHE:
        users = token_users(site, resource)
        if users:
            yield Need(role, "elasticache:Connect", wording.arn(resource), by)
            if not any(_connects(site, role, user) for user in users):
                yield Need(role, "elasticache:Connect", wording.arn(users[0]), by)
    else:
        prefix, below = SERVICES[kind]
        if not _touches(site, role, prefix, wording.arn(resource), below):
            yield Need(role, f"{prefix}:*", wording.arn(resource), by, guarded=resource)


def secret_arn(site: Site, reference: Reference) -> str:
    if reference.resource.kind == SECRETS:
        return book(site).wording.arn(reference.resource)
    return book(site).wording.text(reference)


def _touches(site: Site, role: Resource, prefix: str, arn: str, below: str) -> bool:
    """Whether any action of a service is allowed on it or on what it holds."""
    for line in book(site).held(role):
        of_service = bool(line.but_actions) or any(
            action == "*" or action.startswith((f"{prefix}:", ANY)) for action in line.actions
        )
        if line.allows and of_service and (line.reaches(arn) or line.reaches(arn + below)):
            return True
    return False


def _connects(site: Site, role: Resource, user: Resource) -> bool:
    known = book(site)
    arn = known.wording.arn(user)
    return any(known.allowing(known.held(role), "elasticache:Connect", arn, {}))


def token_users(site: Site, cache: Resource) -> list[Resource]:
    """The users of a cache, if all that may log in do so with a token of IAM."""
    found = []
    for group in site.items(cache, "UserGroupIds"):
        target = site.target(group, "AWS::ElastiCache::UserGroup")
        members = site.items(target, "UserIds") if target else [None]
        for member in members:
            user = site.target(member, "AWS::ElastiCache::User")
            if user is None:
                return []
            if str(site.get(user, "AuthenticationMode", "Type")).lower() == "iam":
                found.append(user)
            elif not str(site.get(user, "AccessString")).startswith("off"):
                return []
    return found
