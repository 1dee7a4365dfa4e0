"""Which metrics AWS publishes, and under which sets of dimensions: what an alarm may watch.

Names and dimensions stand in published.json, by namespace: those of the directory in npm's
@aws-cdk/aws-service-spec 0.1.216, of the lists in grafana-aws-sdk's pkg/cloudWatchConsts (both Apache-2.0),
and of AWS's pages where both lag behind. A namespace without metrics there exists, and that is all that is
known.
"""

import json
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

# Namespaces of which the list is whole: a name that is not in it is published by nobody. Of the others only a
# name that is nearly one of the list's is told, since services add metrics faster than lists do.
WHOLE = frozenset(
    {
        "AWS/ApplicationELB",
        "AWS/AutoScaling",
        "AWS/DynamoDB",
        "AWS/EC2",
        "AWS/ECS",
        "AWS/ELB",
        "AWS/ElastiCache",
        "AWS/Events",
        "AWS/IoT",
        "AWS/Kinesis",
        "AWS/Lambda",
        "AWS/NATGateway",
        "AWS/RDS",
        "AWS/S3",
        "AWS/SNS",
        "AWS/SQS",
        "AWS/States",
        "ECS/ContainerInsights",
    }
)
# AWS's own that do not begin so.
OTHERS = frozenset({"ECS/ContainerInsights", "ContainerInsights", "CloudWatchSynthetics"})

SLIP = 0.92  # so alike are a name and its misspelling; two names of one service are less
Sets = tuple[frozenset[str], ...]


def _sets(*written: str) -> Sets:
    return tuple(frozenset(one.split()) for one in written)


SERVICE = _sets("ClusterName ServiceName")
SHARD = _sets("ShardId StreamName")
STREAM = _sets("StreamName")
INSTANCE = _sets(
    "DBInstanceIdentifier",
    "DBClusterIdentifier",
    "DBClusterIdentifier Role",
    "DatabaseClass",
    "EngineName",
    "",
)
ACTION = _sets("ActionType RuleName")
TARGETS = _sets("LoadBalancer TargetGroup", "AvailabilityZone LoadBalancer TargetGroup")

# (namespace, metric, or "" for all others of it) -> the sets under which it is published.
SETS: Mapping[tuple[str, str], Sets] = {
    ("AWS/SQS", ""): _sets("QueueName"),
    ("AWS/SNS", "NumberOfMessagesPublished"): _sets(
        "TopicName", "Application", "Application Platform", "Platform"
    ),
    ("AWS/SNS", "NumberOfNotificationsDelivered"): _sets(
        "TopicName", "Application", "Application Platform", "Platform", "PhoneNumber"
    ),
    ("AWS/SNS", "NumberOfNotificationsFailed"): _sets(
        "TopicName", "Application", "Application Platform", "Platform", "PhoneNumber"
    ),
    ("AWS/Kinesis", ""): STREAM,
    ("AWS/Kinesis", "IncomingBytes"): STREAM + SHARD,
    ("AWS/Kinesis", "IncomingRecords"): STREAM + SHARD,
    ("AWS/Kinesis", "ReadProvisionedThroughputExceeded"): STREAM + SHARD,
    ("AWS/Kinesis", "WriteProvisionedThroughputExceeded"): STREAM + SHARD,
    ("AWS/Kinesis", "IteratorAgeMilliseconds"): SHARD,
    ("AWS/Kinesis", "OutgoingBytes"): SHARD,
    ("AWS/Kinesis", "OutgoingRecords"): SHARD,
    **{
        ("AWS/Kinesis", f"SubscribeToShard{name}"): _sets("ConsumerName StreamName")
        for name in (
            ".RateExceeded",
            ".Success",
            "Event.Bytes",
            "Event.MillisBehindLatest",
            "Event.Records",
            "Event.Success",
        )
    },
    ("AWS/Lambda", ""): _sets(
        "",
        "FunctionName",
        "FunctionName Resource",
        "ExecutedVersion FunctionName Resource",
        "EventSourceMappingUUID",
        "EventSourceMappingUUID FunctionName",
        "EventSourceMappingUUID FunctionName KafkaTopic",
    ),
    ("AWS/Events", ""): _sets("", "RuleName", "EventBusName RuleName", "EventBusName", "EventSourceName"),
    ("AWS/NATGateway", ""): _sets("NatGatewayId"),
    ("AWS/ECS", "CPUUtilization"): _sets("ClusterName") + SERVICE,
    ("AWS/ECS", "MemoryUtilization"): _sets("ClusterName") + SERVICE,
    ("AWS/ECS", "CPUReservation"): _sets("ClusterName"),
    ("AWS/ECS", "MemoryReservation"): _sets("ClusterName"),
    ("AWS/ECS", "GPUReservation"): _sets("ClusterName"),
    ("ECS/ContainerInsights", "RunningTaskCount"): SERVICE,
    ("ECS/ContainerInsights", "DesiredTaskCount"): SERVICE,
    ("ECS/ContainerInsights", "PendingTaskCount"): SERVICE,
    ("ECS/ContainerInsights", "DeploymentCount"): SERVICE,
    ("ECS/ContainerInsights", "TaskSetCount"): SERVICE,
    ("ECS/ContainerInsights", "TaskCount"): _sets("ClusterName"),
    ("ECS/ContainerInsights", "ServiceCount"): _sets("ClusterName"),
    ("ECS/ContainerInsights", "ContainerInstanceCount"): _sets(
        "ClusterName", "CapacityProviderName ClusterName"
    ),
    **{
        ("AWS/RDS", name): INSTANCE
        for name in (
            "CPUUtilization",
            "DatabaseConnections",
            "DiskQueueDepth",
            "EBSByteBalance%",
            "EBSIOBalance%",
            "FreeableMemory",
            "FreeStorageSpace",
            "MaximumUsedTransactionIDs",
            "ReadIOPS",
            "ReadLatency",
            "ReadThroughput",
            "ReplicaLag",
            "SwapUsage",
            "WriteIOPS",
            "WriteLatency",
            "WriteThroughput",
        )
    },
    ("AWS/ElastiCache", ""): _sets(
        "",
        "CacheClusterId",
        "CacheClusterId CacheNodeId",
        "CacheClusterId CacheNodeId Tier",
        "CacheClusterId Tier",
        "clusterId",
    ),
    ("AWS/ElastiCache", "GlobalDatastoreReplicationLag"): (),
    ("AWS/IoT", "TopicMatch"): _sets("RuleName"),
    ("AWS/IoT", "ParseError"): _sets("RuleName"),
    ("AWS/IoT", "RuleNotFound"): _sets("RuleName"),
    ("AWS/IoT", "RuleMessageThrottled"): _sets("RuleName"),
    ("AWS/IoT", "Failure"): ACTION,
    ("AWS/IoT", "Success"): ACTION,
    ("AWS/IoT", "ErrorActionFailure"): ACTION,
    ("AWS/IoT", "ErrorActionSuccess"): ACTION,
    **{
        ("AWS/IoT", f"{door}.{way}"): _sets("Protocol")
        for door in ("Connect", "PublishIn", "PublishOut", "Subscribe", "Unsubscribe")
        for way in ("AuthError", "ClientError", "ServerError", "Success", "Throttle")
    },
    **{
        (f"AWS/{kind}", name): TARGETS
        for kind in ("ApplicationELB", "NetworkELB")
        for name in ("HealthyHostCount", "UnHealthyHostCount")
    },
    ("AWS/AutoScaling", ""): _sets("AutoScalingGroupName", ""),
    ("AWS/EC2", "StatusCheckFailed"): _sets(
        "InstanceId", "AutoScalingGroupName", "ImageId", "InstanceType", ""
    ),
    ("AWS/EC2", "CPUUtilization"): _sets("InstanceId", "AutoScalingGroupName", "ImageId", "InstanceType", ""),
    ("AWS/S3", "BucketSizeBytes"): _sets("BucketName StorageType"),
    ("AWS/S3", "NumberOfObjects"): _sets("BucketName StorageType"),
    ("AWS/S3", "4xxErrors"): _sets("BucketName FilterId", "AccessPointName BucketName FilterId"),
    ("AWS/S3", "5xxErrors"): _sets("BucketName FilterId", "AccessPointName BucketName FilterId"),
}
# Names that a namespace has in such number, or that users make, so that no list holds them.
OPEN = ("Cmds", "Latency")


@cache
def published() -> Mapping[str, Mapping[str, Any]]:
    """Namespace -> its metrics and dimensions."""
    written = json.loads((Path(__file__).parent / "published.json").read_text())
    return {
        name: {"metrics": frozenset(one["metrics"]), "dimensions": frozenset(one["dimensions"])}
        for name, one in written.items()
    }


def of_aws(namespace: str) -> bool:
    return namespace.lower().startswith("aws/") or namespace in OTHERS


def is_namespace(namespace: str) -> bool:
    return namespace in published()


def nearest_namespace(namespace: str) -> str:
    return _nearest(namespace, frozenset(published()))


def is_metric(namespace: str, name: str) -> bool | None:
    """None where the list does not say."""
    names = published().get(namespace, {}).get("metrics", frozenset())
    if not names or name in names:
        return True if names else None
    if namespace in WHOLE and not (namespace == "AWS/ElastiCache" and name.endswith(OPEN)):
        return False
    return False if _nearest(name, names, SLIP) else None


def nearest_metric(namespace: str, name: str) -> str:
    return _nearest(name, published()[namespace]["metrics"])


def sets_of(namespace: str, name: str) -> Sets:
    """The sets of dimensions; none where they are not listed."""
    return SETS.get((namespace, name), SETS.get((namespace, ""), ()))


def dimensions_of(namespace: str) -> frozenset[str]:
    """Every dimension that the namespace has; none where they are not listed."""
    found: frozenset[str] = published().get(namespace, {}).get("dimensions", frozenset())
    return found.union(*(one for (where, _), sets in SETS.items() if where == namespace for one in sets))


def _nearest(name: str, among: frozenset[str], least: float = 0.8) -> str:
    alike = {one.lower(): one for one in sorted(among)}
    close = get_close_matches(name.lower(), alike, 1, least)
    return alike[close[0]] if close else ""
