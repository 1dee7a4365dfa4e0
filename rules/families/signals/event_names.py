"""Which events AWS sends, and what is in them: what a pattern may wait for.

Sources, detail types and the keys of their details stand in events.json: those of the directory in npm's
@aws-cdk/aws-service-spec 0.1.216 (Apache-2.0), and of the services' pages where it has none. Under "" stand
the types that CloudTrail sends for every service.
"""

import json
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path

# Sources of which every detail type is listed.
WHOLE = frozenset({"aws.ecr", "aws.ecs", "aws.kms", "aws.rds", "aws.secretsmanager"})
OUTER = frozenset(
    {
        "account",
        "detail",
        "detail-type",
        "id",
        "region",
        "resources",
        "source",
        "time",
        "version",
        "replay-name",
        "$or",
    }
)
# Sources of which no event is listed, and that send some.
UNLISTED = frozenset(
    [
        "aws.amplify",
        "aws.apigateway",
        "aws.appconfig",
        "aws.appflow",
        "aws.backup",
        "aws.bedrock",
        "aws.cloudfront",
        "aws.cloudtrail",
        "aws.cognito-idp",
        "aws.config",
        "aws.controltower",
        "aws.cost-explorer",
        "aws.ce",
        "aws.detective",
        "aws.devicefarm",
        "aws.dms",
        "aws.dynamodb",
        "aws.eks",
        "aws.es",
        "aws.firehose",
        "aws.iam",
        "aws.inspector",
        "aws.inspector2",
        "aws.iot",
        "aws.kafka",
        "aws.kinesis",
        "aws.lambda",
        "aws.macie2",
        "aws.mediaconvert",
        "aws.memorydb",
        "aws.mq",
        "aws.neptune",
        "aws.outposts",
        "aws.pipes",
        "aws.proton",
        "aws.ram",
        "aws.redshift",
        "aws.redshift-serverless",
        "aws.resiliencehub",
        "aws.route53",
        "aws.savingsplans",
        "aws.scheduler",
        "aws.secretsmanager",
        "aws.servicecatalog",
        "aws.servicediscovery",
        "aws.shield",
        "aws.sns",
        "aws.sqs",
        "aws.sso",
        "aws.ssm-incidents",
        "aws.support",
        "aws.vpc-lattice",
        "aws.waf",
        "aws.wafv2",
        "aws.workmail",
    ]
)
TRAIL = "AWS API Call via CloudTrail"
SERVICE = "AWS Service Event via CloudTrail"

RDS_CATEGORIES = frozenset(
    # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html
    {
        "availability",
        "backup",
        "configuration change",
        "creation",
        "deletion",
        "failover",
        "failure",
        "global-failover",
        "low storage",
        "maintenance",
        "migration",
        "notification",
        "patching",
        "read replica",
        "recovery",
        "restoration",
        "security",
        "security patching",
        "serverless",
    }
)
# (source, detail type, key) -> every value that it has.
VALUES: Mapping[tuple[str, str, str], frozenset[str]] = {
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html
    ("aws.ecs", "ECS Deployment State Change", "eventName"): frozenset(
        {"SERVICE_DEPLOYMENT_IN_PROGRESS", "SERVICE_DEPLOYMENT_COMPLETED", "SERVICE_DEPLOYMENT_FAILED"}
    ),
    ("aws.ecs", "ECS Deployment State Change", "eventType"): frozenset({"INFO", "ERROR"}),
    ("aws.ecs", "ECS Service Action", "eventType"): frozenset({"INFO", "WARN", "ERROR"}),
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
    **{
        ("aws.ecs", "ECS Task State Change", key): frozenset(
            [
                "PROVISIONING",
                "PENDING",
                "ACTIVATING",
                "RUNNING",
                "DEACTIVATING",
                "STOPPING",
                "DEPROVISIONING",
                "STOPPED",
                "DELETED",
            ]
        )
        for key in ("lastStatus", "desiredStatus")
    },
    ("aws.ecs", "ECS Task State Change", "stopCode"): frozenset(
        [
            "TaskFailedToStart",
            "EssentialContainerExited",
            "UserInitiated",
            "ServiceSchedulerInitiated",
            "SpotInterruption",
            "TerminationNotice",
        ]
    ),
    ("aws.rds", "RDS DB Instance Event", "EventCategories"): RDS_CATEGORIES,
    ("aws.rds", "RDS DB Cluster Event", "EventCategories"): RDS_CATEGORIES,
    ("aws.rds", "RDS DB Instance Event", "SourceType"): frozenset({"DB_INSTANCE"}),
    # https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html
    ("aws.secretsmanager", SERVICE, "eventName"): frozenset(
        [
            "RotationStarted",
            "RotationSucceeded",
            "RotationFailed",
            "RotationAbandoned",
            "TestRotationStarted",
            "TestRotationSucceeded",
            "TestRotationFailed",
            "StartSecretVersionDelete",
            "CancelSecretVersionDelete",
            "EndSecretVersionDelete",
            "SecretVersionDeletion",
        ]
    ),
    # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Operations.html
    ("aws.secretsmanager", TRAIL, "eventName"): frozenset(
        [
            "BatchGetSecretValue",
            "CancelRotateSecret",
            "CreateSecret",
            "DeleteResourcePolicy",
            "DeleteSecret",
            "DescribeSecret",
            "GetRandomPassword",
            "GetResourcePolicy",
            "GetSecretValue",
            "ListSecretVersionIds",
            "ListSecrets",
            "PutResourcePolicy",
            "PutSecretValue",
            "RemoveRegionsFromReplication",
            "ReplicateSecretToRegions",
            "RestoreSecret",
            "RotateSecret",
            "StopReplicationToReplica",
            "TagResource",
            "UntagResource",
            "UpdateSecret",
            "UpdateSecretVersionStage",
            "ValidateResourcePolicy",
        ]
    ),
    ("aws.kms", SERVICE, "eventName"): frozenset(
        ["RotateKey", "DeleteKey", "DeleteExpiredKeyMaterial", "SynchronizeMultiRegionKey"]
    ),
    # https://docs.aws.amazon.com/kms/latest/APIReference/API_Operations.html
    ("aws.kms", TRAIL, "eventName"): frozenset(
        [
            "CancelKeyDeletion",
            "ConnectCustomKeyStore",
            "CreateAlias",
            "CreateCustomKeyStore",
            "CreateGrant",
            "CreateKey",
            "Decrypt",
            "DeleteAlias",
            "DeleteCustomKeyStore",
            "DeleteImportedKeyMaterial",
            "DeriveSharedSecret",
            "DescribeCustomKeyStores",
            "DescribeKey",
            "DisableKey",
            "DisableKeyRotation",
            "DisconnectCustomKeyStore",
            "EnableKey",
            "EnableKeyRotation",
            "Encrypt",
            "GenerateDataKey",
            "GenerateDataKeyPair",
            "GenerateDataKeyPairWithoutPlaintext",
            "GenerateDataKeyWithoutPlaintext",
            "GenerateMac",
            "GenerateRandom",
            "GetKeyPolicy",
            "GetKeyRotationStatus",
            "GetParametersForImport",
            "GetPublicKey",
            "ImportKeyMaterial",
            "ListAliases",
            "ListGrants",
            "ListKeyPolicies",
            "ListKeyRotations",
            "ListResourceTags",
            "ListRetirableGrants",
            "PutKeyPolicy",
            "ReEncrypt",
            "ReplicateKey",
            "RetireGrant",
            "RevokeGrant",
            "RotateKeyOnDemand",
            "ScheduleKeyDeletion",
            "Sign",
            "TagResource",
            "UntagResource",
            "UpdateAlias",
            "UpdateCustomKeyStore",
            "UpdateKeyDescription",
            "UpdatePrimaryRegion",
            "Verify",
            "VerifyMac",
        ]
    ),
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
    ("aws.ecr", "ECR Image Scan", "scan-status"): frozenset({"COMPLETE", "FAILED", "IN_PROGRESS", "ACTIVE"}),
    ("aws.ecr", "ECR Image Action", "action-type"): frozenset({"PUSH", "DELETE", "UPDATE_STORAGE_CLASS"}),
    ("aws.ecr", "ECR Image Action", "result"): frozenset({"SUCCESS", "FAILURE"}),
    ("aws.cloudwatch", "CloudWatch Alarm State Change", "value"): frozenset(
        {"ALARM", "OK", "INSUFFICIENT_DATA"}
    ),
}
# (source, detail type, key) -> the keys within it.
WITHIN: Mapping[tuple[str, str, str], frozenset[str]] = {
    ("aws.ecr", "ECR Image Scan", "finding-severity-counts"): frozenset(
        ["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNDEFINED", "UNTRIAGED"]
    ),
    ("aws.kms", TRAIL, "resources"): frozenset({"ARN", "accountId", "type", "ARNPrefix"}),
    ("aws.secretsmanager", SERVICE, "additionalEventData"): frozenset(
        {"SecretId", "OldSecretVersionId", "VersionId", "SecretVersionId"}
    ),
}
# (source, detail type, key) -> values that are one piece of news: who waits for one of them waits for all.
TOGETHER: Mapping[tuple[str, str, str], tuple[str, ...]] = {
    ("aws.secretsmanager", SERVICE, "eventName"): ("RotationFailed", "RotationAbandoned"),
    ("aws.kms", TRAIL, "eventName"): ("DisableKey", "ScheduleKeyDeletion"),
    ("aws.rds", "RDS DB Instance Event", "EventCategories"): (
        "availability",
        "failover",
        "failure",
        "low storage",
    ),
}


@cache
def sent() -> Mapping[str, Mapping[str, frozenset[str]]]:
    """Source -> detail type -> the keys of its detail, none where they are not listed."""
    written = json.loads((Path(__file__).parent / "events.json").read_text())
    return {
        source: {kind: frozenset(keys) for kind, keys in kinds.items()} for source, kinds in written.items()
    }


def keys_of(source: str, kind: str) -> frozenset[str]:
    return sent().get(source, {}).get(kind, sent()[""].get(kind, frozenset()))


def is_sent(source: str, kind: str) -> bool | None:
    """Whether a source sends events of a type; None where the list does not say."""
    if (source.startswith("aws.") and kind in sent()[""]) or kind in sent().get(source, {}):
        return True
    if not source.startswith("aws."):
        return False if kind in sent()[""] or any(kind in kinds for kinds in sent().values()) else None
    others = any(kind in kinds for kinds in sent().values())
    return False if others or source in WHOLE or nearest(kind, sent().get(source, {})) else None


def nearest(name: str, among: Mapping[str, object] | frozenset[str]) -> str:
    alike = {one.lower(): one for one in sorted(among)}
    close = get_close_matches(name.lower(), alike, 1, 0.8)
    return alike[close[0]] if close else ""
