"""What stands in the events that AWS sends: every value of a key, where it has few."""

from collections.abc import Mapping

from rules.families.signals.event_names import SERVICE, TRAIL

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
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_events.html
    ("aws.ecs", "ECS Service Action", "eventName"): frozenset(
        {
            "SERVICE_STEADY_STATE",
            "TASKSET_STEADY_STATE",
            "CAPACITY_PROVIDER_STEADY_STATE",
            "SERVICE_DESIRED_COUNT_UPDATED",
            "TASKS_STOPPED",
            "SERVICE_TASK_START_IMPAIRED",
            "SERVICE_DISCOVERY_INSTANCE_UNHEALTHY",
            "VPC_LATTICE_TARGET_UNHEALTHY",
            "SERVICE_TASK_PLACEMENT_FAILURE",
            "SERVICE_TASK_CONFIGURATION_FAILURE",
            "SERVICE_HEALTH_UNKNOWN",
            "SERVICE_DAEMON_PLACEMENT_CONSTRAINT_VIOLATED",
            "ECS_OPERATION_THROTTLED",
            "SERVICE_DISCOVERY_OPERATION_THROTTLED",
        }
    ),
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
