"""What the rules of durability read alike: switches, numbers, policies, what holds data."""

from collections.abc import Iterator

from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Value

INSTANCE = "AWS::RDS::DBInstance"
CLUSTER = "AWS::RDS::DBCluster"
GROUP = "AWS::ElastiCache::ReplicationGroup"
STREAM = "AWS::Kinesis::Stream"
TABLE = "AWS::DynamoDB::Table"
BUCKET = "AWS::S3::Bucket"
QUEUE = "AWS::SQS::Queue"
LOG_GROUP = "AWS::Logs::LogGroup"
KEY = "AWS::KMS::Key"
ALIAS = "AWS::KMS::Alias"

DELETION, REPLACEMENT = "DeletionPolicy", "UpdateReplacePolicy"
KEEPS = frozenset({"Retain", "RetainExceptOnCreate", "Snapshot"})

# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
SNAPSHOTS = frozenset(
    {
        CLUSTER,
        GROUP,
        INSTANCE,
        "AWS::DocDB::DBCluster",
        "AWS::EC2::Volume",
        "AWS::ElastiCache::CacheCluster",
        "AWS::Neptune::DBCluster",
        "AWS::Redshift::Cluster",
    }
)
HOLDS = SNAPSHOTS | {
    BUCKET,
    KEY,
    LOG_GROUP,
    QUEUE,
    STREAM,
    TABLE,
    "AWS::Backup::BackupVault",
    "AWS::Cassandra::Table",
    "AWS::Cognito::UserPool",
    "AWS::DynamoDB::GlobalTable",
    "AWS::ECR::Repository",
    "AWS::EFS::FileSystem",
    "AWS::ElastiCache::ServerlessCache",
    "AWS::Elasticsearch::Domain",
    "AWS::FSx::FileSystem",
    "AWS::KMS::ReplicaKey",
    "AWS::MSK::Cluster",
    "AWS::MemoryDB::Cluster",
    "AWS::OpenSearchService::Domain",
    "AWS::Timestream::Table",
}


def flag(site: Site, resource: Resource, *path: str | int, default: bool = False) -> bool | None:
    """A switch; None where nobody can tell."""
    value = site.get(resource, *path)
    if value is None:
        return default
    return {"true": True, "false": False}.get(str(value).lower())


def off(site: Site, resource: Resource, *path: str | int, default: bool = False) -> bool:
    """Whether a switch is off for certain."""
    return flag(site, resource, *path, default=default) is False


def number(value: Value) -> int | None:
    """A whole number, quoted or not; None for anything else."""
    text = str(value)
    return int(text) if isinstance(value, int | str) and text.lstrip("-").isdigit() else None


def word(site: Site, resource: Resource, *path: str | int) -> str | None:
    """A literal; None where it is left out or not known."""
    value = site.get(resource, *path)
    return str(value) if isinstance(value, str | int | float) else None


def declared(site: Site, resource: Resource) -> bool:
    """Whether the tree says what environment it is. Where none is said, habits of one are nobody's defect."""
    return site.durable(resource) is not None


def standalone(resource: Resource) -> bool:
    """Whether a DB instance keeps its own storage and backups: none of a cluster, and no replica."""
    return not {"DBClusterIdentifier", "SourceDBInstanceIdentifier"} & resource.properties.keys()


def databases(site: Site) -> Iterator[Resource]:
    """What keeps its own storage and backups."""
    yield from (one for one in site.all(INSTANCE) if standalone(one) and not aurora(site, one))
    yield from site.all(CLUSTER)


def aurora(site: Site, resource: Resource) -> bool:
    return (word(site, resource, "Engine") or "").startswith("aurora")


def policy(resource: Resource, attribute: str) -> str | None:
    """Its DeletionPolicy or UpdateReplacePolicy, or what goes for one that is left out; None if computed."""
    written = resource.body.get(attribute)
    if written is None:
        own = resource.kind == CLUSTER or (
            resource.kind == INSTANCE and "DBClusterIdentifier" not in resource.properties
        )
        return "Snapshot" if own and attribute == DELETION else "Delete"
    return written if isinstance(written, str) else None


def encrypted_by(site: Site, key: Resource) -> Iterator[Resource]:
    """Whatever holds data under this key, named directly or by an alias."""
    for use in site.uses(key):
        if use.user.kind == ALIAS:
            yield from (one.user for one in site.uses(use.user) if one.user.kind in HOLDS)
        elif use.user.kind in HOLDS and use.user.kind != KEY:
            yield use.user


def key_of(site: Site, value: Value) -> Resource | None:
    """The key of this tree that a value names, also by an alias."""
    target = site.target(value, KEY, ALIAS)
    if target is not None and target.kind == ALIAS:
        return site.target(site.get(target, "TargetKeyId"), KEY)
    return target


def members(value: Value) -> list[Value]:
    """What is in a list; a value alone as a list of one."""
    return value if isinstance(value, list) else [] if value is None else [value]


def dead_letters(site: Site) -> dict[Resource, list[Resource]]:
    """Queues that take what others could not do → those others."""
    found: dict[Resource, list[Resource]] = {}
    for resource in site.tree.resources():
        if resource.kind not in SENDERS:
            continue
        for value in _set_aside(site, resource):
            queue = site.target(value, QUEUE)
            if queue is not None and queue != resource:
                found.setdefault(queue, []).append(resource)
    return found


SENDERS = frozenset(
    {
        QUEUE,
        "AWS::Events::Rule",
        "AWS::IoT::TopicRule",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::Function",
        "AWS::SNS::Subscription",
        "AWS::Scheduler::Schedule",
        "AWS::Serverless::Function",
    }
)


def _set_aside(site: Site, resource: Resource) -> Iterator[Value]:
    yield from (
        site.get(resource, *path)
        for path in (
            ("RedrivePolicy", "deadLetterTargetArn"),
            ("DeadLetterConfig", "TargetArn"),
            ("DeadLetterQueue", "TargetArn"),
            ("DestinationConfig", "OnFailure", "Destination"),
            ("TopicRulePayload", "ErrorAction", "Sqs", "QueueUrl"),
            ("Target", "DeadLetterConfig", "Arn"),
        )
    )
    for target in site.items(resource, "Targets"):
        if isinstance(target, dict) and isinstance(target.get("DeadLetterConfig"), dict):
            yield target["DeadLetterConfig"].get("Arn")  # type: ignore[union-attr]


def exported(site: Site, resource: Resource) -> bool:
    """Whether the root hands it out, so that others may use it; or the template stands alone as a child."""
    root = site.tree.root
    values = (site.resolver.value(output, root.address) for output in root.outputs.values())
    return any(isinstance(value, Reference) and value.resource == resource for value in values)
