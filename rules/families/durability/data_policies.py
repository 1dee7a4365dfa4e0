"""What becomes of data when its resource is deleted or replaced."""

from collections.abc import Iterator

from rules.families.durability.upkeep import (
    CLUSTER,
    DELETION,
    HOLDS,
    INSTANCE,
    KEEPS,
    KEY,
    QUEUE,
    REPLACEMENT,
    SNAPSHOTS,
    dead_letters,
    encrypted_by,
    flag,
    policy,
    word,
)
from rules.seam.rule import Finding, rule
from rules.seam.site import Site
from topology.tree import Resource

SERVERLESS_CACHE = "AWS::ElastiCache::ServerlessCache"
PAGE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/"
ON_DELETION = f"{PAGE}aws-attribute-deletionpolicy.html"
ON_REPLACEMENT = f"{PAGE}aws-attribute-updatereplacepolicy.html"
UNDELETED = ("AWS::S3::Bucket", "AWS::ECR::Repository")  # while anything is in them


def _holding(site: Site) -> Iterator[Resource]:
    """What is lost with its resource. An instance of a cluster holds nothing of its own."""
    letters, notices = dead_letters(site), _of_notices(site)
    for resource in site.all(*sorted(HOLDS)):
        if resource.kind == INSTANCE and "DBClusterIdentifier" in resource.properties:
            continue
        if resource.kind == "AWS::ElastiCache::CacheCluster" and word(site, resource, "Engine") != "redis":
            continue
        if resource.kind == SERVERLESS_CACHE:  # of which a policy takes no snapshot: it is filled again
            continue
        if resource.kind != QUEUE or (resource in letters and resource not in notices):
            yield resource


def _of_notices(site: Site) -> set[Resource]:
    """Queues of notifications that could not be delivered: what they are about lasts elsewhere."""
    return {
        queue
        for queue, senders in dead_letters(site).items()
        if {one.kind for one in senders} <= {"AWS::Events::Rule", "AWS::SNS::Subscription"}
    }


@rule(
    "W9469",
    cause="queue {queue} keeps notifications that could not be delivered, and its {attribute} lets them go",
    remedy="set Retain, as for other queues of dead letters",
    sources=(ON_DELETION, ON_REPLACEMENT),
    demanding=True,
)
def notifications_that_go_with_their_stack(site: Site) -> Iterator[Finding]:
    for queue in sorted(_of_notices(site), key=str):
        for attribute in (DELETION, REPLACEMENT):
            if policy(queue, attribute) == "Delete" and site.durable(queue):
                yield Finding(queue, (attribute,), {"queue": queue, "attribute": attribute})


@rule(
    "E9400",
    cause="{what} holds data of a lasting environment, and its DeletionPolicy lets it go ({policy})",
    remedy="set DeletionPolicy: RetainExceptOnCreate or Retain, or Snapshot where the type has snapshots",
    sources=(ON_DELETION,),
)
def data_that_goes_with_its_stack(site: Site) -> Iterator[Finding]:
    for resource in _holding(site):
        if policy(resource, DELETION) == "Delete" and site.durable(resource):
            written = "Delete" if DELETION in resource.body else "left out, so Delete"
            yield Finding(resource, (DELETION,), {"what": resource, "policy": written})


@rule(
    "E9401",
    cause="{what} holds data of a lasting environment, and its UpdateReplacePolicy lets it go ({policy})",
    remedy="set UpdateReplacePolicy: Retain, or Snapshot where the type has snapshots",
    sources=(ON_REPLACEMENT,),
)
def data_that_goes_when_it_is_replaced(site: Site) -> Iterator[Finding]:
    for resource in _holding(site):
        if policy(resource, REPLACEMENT) == "Delete" and site.durable(resource):
            written = "Delete" if REPLACEMENT in resource.body else "left out, so Delete"
            yield Finding(resource, (REPLACEMENT,), {"what": resource, "policy": written})


@rule(
    "W9400",
    cause="{what} holds data of a lasting environment and leaves its DeletionPolicy to a default",
    remedy="write the DeletionPolicy: the default is Snapshot here, and Delete for other types",
    sources=(ON_DELETION,),
)
def data_kept_by_a_default(site: Site) -> Iterator[Finding]:
    for resource in site.all(INSTANCE, CLUSTER):
        if (
            DELETION not in resource.body
            and policy(resource, DELETION) == "Snapshot"
            and site.durable(resource)
        ):
            yield Finding(resource, (DELETION,), {"what": resource})


@rule(
    "E9402",
    cause="{what} is an {kind}, and no such resource has a snapshot to take as its {attribute} says",
    remedy="set Retain or Delete",
    sources=(ON_DELETION, ON_REPLACEMENT),
)
def a_snapshot_of_what_has_none(site: Site) -> Iterator[Finding]:
    for resource in site.tree.resources():
        member = resource.kind == INSTANCE and "DBClusterIdentifier" in resource.properties
        for attribute in (DELETION, REPLACEMENT):
            if resource.body.get(attribute) == "Snapshot" and (resource.kind not in SNAPSHOTS or member):
                parts = {"what": resource, "kind": resource.kind, "attribute": attribute}
                yield Finding(resource, (attribute,), parts)


@rule(
    "E9403",
    cause="{what} says {attribute}: {written}, which CloudFormation does not know",
    remedy="set Delete, Retain or, where the type has snapshots, Snapshot; "
    "RetainExceptOnCreate is for DeletionPolicy alone",
    sources=(ON_DELETION, ON_REPLACEMENT),
)
def a_policy_that_there_is_not(site: Site) -> Iterator[Finding]:
    for resource in site.tree.resources():
        for attribute, known in ((DELETION, KEEPS), (REPLACEMENT, KEEPS - {"RetainExceptOnCreate"})):
            written = resource.body.get(attribute)
            if isinstance(written, str) and written not in known | {"Delete"}:
                parts = {"what": resource, "attribute": attribute, "written": written}
                yield Finding(resource, (attribute,), parts)


@rule(
    "E9404",
    cause="{what} is kept when its stack is deleted, and lost when it is replaced",
    remedy="set UpdateReplacePolicy as DeletionPolicy: Retain, or Snapshot where the type has snapshots",
    sources=(ON_REPLACEMENT,),
)
def data_kept_from_deletion_alone(site: Site) -> Iterator[Finding]:
    """In a lasting environment that is E9401; in a passing one nothing need be kept. A bucket or a repository
    is not deleted before it is empty, so what is in it stays.
    """
    for resource in _holding(site):
        if resource.kind in UNDELETED and not flag(site, resource, "EmptyOnDelete"):
            continue
        kept = DELETION in resource.body and policy(resource, DELETION) in KEEPS
        if kept and policy(resource, REPLACEMENT) == "Delete" and site.durable(resource) is None:
            yield Finding(resource, (REPLACEMENT,), {"what": resource})


@rule(
    "W9401",
    cause="{what} is of a passing environment, and its {attribute} leaves it behind ({policy})",
    remedy="set {attribute}: Delete, so that a name can be used again and nothing is paid for unseen",
    sources=(ON_DELETION, ON_REPLACEMENT),
)
def what_a_passing_environment_leaves_behind(site: Site) -> Iterator[Finding]:
    for resource in site.tree.resources():
        for attribute in (DELETION, REPLACEMENT):
            rest = policy(resource, attribute)
            if rest in KEEPS and site.durable(resource) is False:
                parts = {"what": resource, "attribute": attribute, "policy": rest}
                yield Finding(resource, (attribute,), parts)


@rule(
    "E9405",
    cause="key {key} goes ({attributes}: Delete), while what it encrypts stays: {kept}",
    remedy="keep the key at least as long as the data: DeletionPolicy and UpdateReplacePolicy Retain",
    sources=("https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html", ON_DELETION),
)
def a_key_that_goes_before_its_data(site: Site) -> Iterator[Finding]:
    for key in site.all(KEY):
        users = list(dict.fromkeys(encrypted_by(site, key)))
        kept = ", ".join(str(one) for one in users if policy(one, DELETION) in KEEPS)
        going = [name for name in (DELETION, REPLACEMENT) if policy(key, name) == "Delete"]
        if kept and going:
            yield Finding(key, (going[0],), {"key": key, "attributes": " and ".join(going), "kept": kept})


PROTECTED = (INSTANCE, CLUSTER, "AWS::DocDB::DBCluster", "AWS::Neptune::DBCluster")


@rule(
    "E9406",
    cause="{what} of a lasting environment can be deleted by one call: DeletionProtection is off",
    remedy="set DeletionProtection: true",
    sources=(
        "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_DeleteInstance.html",
        "https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html",
    ),
)
def a_database_without_deletion_protection(site: Site) -> Iterator[Finding]:
    for resource in site.all(*PROTECTED):
        if "DBClusterIdentifier" in resource.properties or not site.durable(resource):
            continue
        if flag(site, resource, "DeletionProtection") is False:
            yield Finding(resource, ("Properties", "DeletionProtection"), {"what": resource})


@rule(
    "W9402",
    cause="{what} is of a passing environment, and its DeletionProtection keeps the stack from going",
    remedy="set DeletionProtection: false",
    sources=("https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_DeleteInstance.html",),
)
def a_protection_that_a_passing_environment_trips_over(site: Site) -> Iterator[Finding]:
    for resource in site.all(*PROTECTED):
        if flag(site, resource, "DeletionProtection") and site.durable(resource) is False:
            yield Finding(resource, ("Properties", "DeletionProtection"), {"what": resource})


@rule(
    "E9407",
    cause="repository {repository} of a lasting environment is deleted with all its images",
    remedy="set EmptyOnDelete: false",
    sources=(f"{PAGE}aws-resource-ecr-repository.html",),
)
def a_repository_that_goes_with_its_images(site: Site) -> Iterator[Finding]:
    for repository in site.all("AWS::ECR::Repository"):
        if flag(site, repository, "EmptyOnDelete") and site.durable(repository):
            yield Finding(repository, ("Properties", "EmptyOnDelete"), {"repository": repository})
