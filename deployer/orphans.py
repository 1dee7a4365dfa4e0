"""What a destroyed stack leaves behind on purpose: what it goes on costing, and how a stack takes it back."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deployer.removal import Leaving

IMPORTING = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-existing-stack.html"
)


@dataclass(frozen=True)
class Kept:
    """`identifier` is the property by which a change set of type IMPORT names it; `page` tells its price."""

    identifier: str
    costs: str
    page: str


# Each identifier is the type's primaryIdentifier in CloudFormation's registry; a test holds that.
KEPT = {
    "AWS::DynamoDB::Table": Kept("TableName", "what it stores", "dynamodb/pricing"),
    "AWS::ECR::Repository": Kept("RepositoryName", "what it stores", "ecr/pricing"),
    "AWS::ElastiCache::ReplicationGroup": Kept(
        "ReplicationGroupId", "each node, by the hour", "elasticache/pricing"
    ),
    "AWS::KMS::Key": Kept("KeyId", "each key, by the month", "kms/pricing"),
    "AWS::Kinesis::Stream": Kept("Name", "the stream, by the hour", "kinesis/data-streams/pricing"),
    "AWS::Logs::LogGroup": Kept("LogGroupName", "what it stores", "cloudwatch/pricing"),
    "AWS::RDS::DBCluster": Kept("DBClusterIdentifier", "what it stores, and its instances", "rds/pricing"),
    "AWS::RDS::DBInstance": Kept(
        "DBInstanceIdentifier", "the instance by the hour, and what it stores", "rds/pricing"
    ),
    "AWS::S3::Bucket": Kept("BucketName", "what it stores", "s3/pricing"),
    "AWS::SQS::Queue": Kept("QueueUrl", "nothing while nobody calls it", "sqs/pricing"),
    "AWS::SecretsManager::Secret": Kept("Id", "each secret, by the month", "secrets-manager/pricing"),
}


def notes(kept: Sequence["Leaving"]) -> Iterator[str]:
    """What to know of them together, a line each."""
    if not kept:
        return
    yield "what is kept goes on costing and keeps its name, so a new stack cannot make it again:"
    for kind in sorted({leaving.type for leaving in kept if leaving.type in KEPT}):
        known = KEPT[kind]
        yield f"  {kind}: {known.costs} (https://aws.amazon.com/{known.page}/)"
    yield f"a change set of type IMPORT takes each back, by its identifier: {IMPORTING}"


def identifier(leaving: "Leaving") -> str | None:
    """ResourceIdentifier of CreateChangeSet's ResourcesToImport, as JSON; None where it is not known."""
    known = KEPT.get(leaving.type)
    return json.dumps({known.identifier: leaving.physical_id}) if known and leaving.physical_id else None
