"""Data lies under the tree's own keys, and each key keeps to its kind of data."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rules.families.durability.upkeep import (
    BUCKET,
    CLUSTER,
    GROUP,
    INSTANCE,
    KEY,
    LOG_GROUP,
    QUEUE,
    STREAM,
    TABLE,
    declared,
    flag,
    key_of,
    standalone,
)
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Unknown, Value

KMS = "https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html"
SECURE = (
    "https://docs.aws.amazon.com/prescriptive-guidance/latest/aws-kms-best-practices/data-protection-cmk.html"
)
Path = tuple[str | int, ...]
DATA, SECRETS, LOGS, NEWS, EITHER = "stored data", "secrets", "logs", "notifications", ""

BUCKET_KEY: Path = (
    "BucketEncryption",
    "ServerSideEncryptionConfiguration",
    0,
    "ServerSideEncryptionByDefault",
    "KMSMasterKeyID",
)
# Type → where a key may be named, what must be on for it to matter, what lies under it.
PLACES: Mapping[str, tuple[tuple[Path, Path, str], ...]] = {
    INSTANCE: (
        (("KmsKeyId",), ("StorageEncrypted",), DATA),
        (("PerformanceInsightsKMSKeyId",), ("EnablePerformanceInsights",), DATA),
        (("MasterUserSecret", "KmsKeyId"), ("ManageMasterUserPassword",), SECRETS),
    ),
    CLUSTER: (
        (("KmsKeyId",), ("StorageEncrypted",), DATA),
        (("MasterUserSecret", "KmsKeyId"), ("ManageMasterUserPassword",), SECRETS),
    ),
    GROUP: ((("KmsKeyId",), ("AtRestEncryptionEnabled",), DATA),),
    STREAM: ((("StreamEncryption", "KeyId"), (), DATA),),
    TABLE: ((("SSESpecification", "KMSMasterKeyId"), (), DATA),),
    "AWS::EFS::FileSystem": ((("KmsKeyId",), ("Encrypted",), DATA),),
    "AWS::EC2::Volume": ((("KmsKeyId",), ("Encrypted",), DATA),),
    "AWS::Redshift::Cluster": ((("KmsKeyId",), ("Encrypted",), DATA),),
    BUCKET: ((BUCKET_KEY, (), EITHER),),
    "AWS::ECR::Repository": ((("EncryptionConfiguration", "KmsKey"), (), EITHER),),
    "AWS::SecretsManager::Secret": ((("KmsKeyId",), (), SECRETS),),
    LOG_GROUP: ((("KmsKeyId",), (), LOGS),),
    "AWS::SNS::Topic": ((("KmsMasterKeyId",), (), NEWS),),
    QUEUE: ((("KmsMasterKeyId",), (), EITHER),),
}


@dataclass(frozen=True)
class _Place:
    resource: Resource
    path: Path
    domain: str
    own: bool
    key: Resource | None  # where it is one of this tree


def _places(site: Site) -> list[_Place]:
    return [
        _Place(resource, path, domain, _own(value), key_of(site, value))
        for kind, places in PLACES.items()
        for resource in site.all(kind)
        if not _apart(site, resource)
        for path, switch, domain in places
        for value in (site.get(resource, *path),)
        if not isinstance(value, Unknown) and (not switch or flag(site, resource, *switch))
    ]


def _own(value: Value) -> bool:
    return value is not None and "alias/aws/" not in str(value)


def _apart(site: Site, resource: Resource) -> bool:
    """What takes its key from elsewhere, or can have none: S3 delivers its logs to no key of ours."""
    if resource.kind == BUCKET:
        targets = (
            site.target(site.get(one, "LoggingConfiguration", "DestinationBucketName"), BUCKET)
            for one in site.all(BUCKET)
        )
        itself = isinstance(site.get(resource, "LoggingConfiguration"), dict)
        return resource in targets or (
            itself and site.get(resource, "LoggingConfiguration", "DestinationBucketName") is None
        )
    return resource.kind == INSTANCE and not standalone(resource)


@rule(
    "W9440",
    cause="{what} lies under a key of AWS ({property}), and {count} others under keys of this tree",
    remedy="name a key of your own, whose policy says who may read",
    sources=(KMS, SECURE),
    demanding=True,
)
def data_under_a_key_of_aws(site: Site) -> Iterator[Finding]:
    if not any(site.all(KEY)):
        return
    places = _places(site)
    own = sum(place.own for place in places)
    for place in places:
        others = len(places) - 1
        enough = 2 * own > others if declared(site, place.resource) else own >= 3 and 2 * own > others
        if not place.own and own and enough:
            name = str(place.path[-1])
            yield found(place.resource, *place.path, what=place.resource, property=name, count=own)


@rule(
    "W9441",
    cause="{what} lies under {key}, which is the key of {theirs} here, and not under one of {domain}",
    remedy="name {better}, so that who may read the one may not thereby read the other",
    sources=(SECURE,),
    demanding=True,
)
def data_under_a_key_of_another_kind(site: Site) -> Iterator[Finding]:
    under: dict[Resource, Counter[str]] = defaultdict(Counter)
    places = [place for place in _places(site) if place.key is not None]
    for place in places:
        if place.key is not None and place.domain != EITHER:
            under[place.key][place.domain] += 1
    home = {key: _home(counted) for key, counted in under.items()}
    idle = [key for key in site.all(KEY) if not any(place.key == key for place in places)]
    for place in places:
        theirs = home.get(place.key, "") if place.key is not None else ""
        if place.domain == EITHER or not theirs or theirs == place.domain:
            continue
        better = [key for key, domain in home.items() if domain == place.domain] or idle
        if better:
            yield found(
                place.resource,
                *place.path,
                what=place.resource,
                key=place.key,
                theirs=theirs,
                domain=place.domain,
                better=better[0],
            )


def _home(counted: Counter[str]) -> str:
    """What most of it is; nothing where two kinds share a key alike."""
    first, *others = counted.most_common(2)
    return "" if others and others[0][1] == first[1] else first[0]
