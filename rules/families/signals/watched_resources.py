"""Which resource a dimension's value names: by reference, by a fixed name, or as a node of a group."""

from collections.abc import Iterator, Mapping

from rules.families.signals.alarm_series import Series, number
from rules.families.signals.dashboard_series import every_series
from rules.families.signals.site_memory import once
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Text, Value, known

REF = "Ref"
Kinds = Mapping[str, tuple[str, ...]]

FUNCTION: Kinds = {"AWS::Lambda::Function": (REF,), "AWS::Serverless::Function": (REF,)}
BALANCER: Kinds = {"AWS::ElasticLoadBalancingV2::LoadBalancer": ("LoadBalancerFullName",)}
TARGETS: Kinds = {"AWS::ElasticLoadBalancingV2::TargetGroup": ("TargetGroupFullName",)}
CLUSTER: Kinds = {"AWS::ECS::Cluster": (REF,)}
SERVICE: Kinds = {"AWS::ECS::Service": ("Name",)}
GROUP: Kinds = {"AWS::AutoScaling::AutoScalingGroup": (REF,)}
NODE: Kinds = {"AWS::ElastiCache::CacheCluster": (REF,)}
REPLICATION = "AWS::ElastiCache::ReplicationGroup"

# (namespace, dimension) -> the types that it names, and which of their answers is the name.
# Of each service's page on its metrics, and of each type's page on what it returns, in
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
KINDS: Mapping[tuple[str, str], Kinds] = {
    ("AWS/SQS", "QueueName"): {"AWS::SQS::Queue": ("QueueName",)},
    ("AWS/SNS", "TopicName"): {"AWS::SNS::Topic": ("TopicName",)},
    ("AWS/Kinesis", "StreamName"): {"AWS::Kinesis::Stream": (REF,)},
    ("AWS/Kinesis", "ConsumerName"): {"AWS::Kinesis::StreamConsumer": ("ConsumerName",)},
    ("AWS/Lambda", "FunctionName"): FUNCTION,
    ("AWS/Events", "RuleName"): {"AWS::Events::Rule": (REF,)},
    ("AWS/IoT", "RuleName"): {"AWS::IoT::TopicRule": (REF,)},
    ("AWS/NATGateway", "NatGatewayId"): {"AWS::EC2::NatGateway": (REF, "NatGatewayId")},
    ("AWS/ECS", "ClusterName"): CLUSTER,
    ("AWS/ECS", "ServiceName"): SERVICE,
    ("ECS/ContainerInsights", "ClusterName"): CLUSTER,
    ("ECS/ContainerInsights", "ServiceName"): SERVICE,
    ("AWS/RDS", "DBInstanceIdentifier"): {"AWS::RDS::DBInstance": (REF,)},
    ("AWS/RDS", "DBClusterIdentifier"): {"AWS::RDS::DBCluster": (REF,)},
    ("AWS/ElastiCache", "CacheClusterId"): NODE,
    ("AWS/EC2", "InstanceId"): {"AWS::EC2::Instance": (REF, "InstanceId")},
    ("AWS/EC2", "AutoScalingGroupName"): GROUP,
    ("AWS/AutoScaling", "AutoScalingGroupName"): GROUP,
    ("AWS/DynamoDB", "TableName"): {
        "AWS::DynamoDB::Table": (REF,),
        "AWS::DynamoDB::GlobalTable": (REF,),
        "AWS::Serverless::SimpleTable": (REF,),
    },
    ("AWS/ApplicationELB", "LoadBalancer"): BALANCER,
    ("AWS/ApplicationELB", "TargetGroup"): TARGETS,
    ("AWS/NetworkELB", "LoadBalancer"): BALANCER,
    ("AWS/NetworkELB", "TargetGroup"): TARGETS,
    ("AWS/ELB", "LoadBalancerName"): {"AWS::ElasticLoadBalancing::LoadBalancer": (REF,)},
    ("AWS/S3", "BucketName"): {"AWS::S3::Bucket": (REF,)},
    ("AWS/States", "StateMachineArn"): {
        "AWS::StepFunctions::StateMachine": (REF, "Arn"),
        "AWS::Serverless::StateMachine": (REF, "Arn"),
    },
    ("AWS/Firehose", "DeliveryStreamName"): {"AWS::KinesisFirehose::DeliveryStream": (REF,)},
    ("AWS/EFS", "FileSystemId"): {"AWS::EFS::FileSystem": (REF, "FileSystemId")},
    ("AWS/Logs", "LogGroupName"): {"AWS::Logs::LogGroup": (REF,)},
}
# The property that fixes the name.
NAMES: Mapping[str, str] = {
    "AWS::SQS::Queue": "QueueName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::Kinesis::Stream": "Name",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Serverless::Function": "FunctionName",
    "AWS::Events::Rule": "Name",
    "AWS::IoT::TopicRule": "RuleName",
    "AWS::ECS::Cluster": "ClusterName",
    "AWS::ECS::Service": "ServiceName",
    "AWS::RDS::DBInstance": "DBInstanceIdentifier",
    "AWS::RDS::DBCluster": "DBClusterIdentifier",
    "AWS::ElastiCache::CacheCluster": "ClusterName",
    "AWS::AutoScaling::AutoScalingGroup": "AutoScalingGroupName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::DynamoDB::GlobalTable": "TableName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::KinesisFirehose::DeliveryStream": "DeliveryStreamName",
    "AWS::Logs::LogGroup": "LogGroupName",
}


def member(value: Value) -> tuple[Resource, str] | None:
    """A replication group and the suffix of one of its nodes."""
    if isinstance(value, Text) and len(value.parts) == 2:
        group, rest = value.parts
        if isinstance(group, Reference) and group.resource.kind == REPLICATION and isinstance(rest, str):
            return group.resource, rest
    return None


def named(site: Site, namespace: Value, dimension: Value, value: Value) -> Resource | None:
    """The resource of the tree that a dimension's value names."""
    kinds = KINDS.get((str(namespace), str(dimension)), {})
    if isinstance(value, Reference):
        return value.resource
    node = member(value)
    if node is not None:
        return node[0]
    for kind in kinds:
        if kind in NAMES and isinstance(value, str | Text):
            fixed = site.named(kind, NAMES[kind], value)
            if fixed is not None:
                return fixed
    return None


def subjects(site: Site, series: Series) -> dict[str, Resource]:
    """Dimension -> the resource that it names."""
    found = {str(name): named(site, series.namespace, name, value) for name, value in series.dimensions or ()}
    return {name: resource for name, resource in found.items() if resource is not None}


@once
def watched(site: Site) -> Mapping[str, tuple[Series, ...]]:
    """Address -> the series that are about it."""
    about: dict[str, list[Series]] = {}
    for series in every_series(site):
        for resource in subjects(site, series).values():
            about.setdefault(resource.address, []).append(series)
    return {address: tuple(found) for address, found in about.items()}


def nodes(site: Site, group: Resource) -> int | None:
    """How many nodes a group without cluster mode has; None where that is not known."""
    if str(site.get(group, "ClusterMode") or "disabled").lower() != "disabled" or site.get(
        group, "NumNodeGroups"
    ):
        return None
    count = number(site.get(group, "NumCacheClusters"))
    return int(count) if count is not None else None


@rule(
    "W9607",
    cause=(
        "{watcher} gives {value} as {dimension} of {namespace}, which is no {kind} of this tree, "
        "though it has some"
    ),
    remedy="refer to the resource, so that what is watched follows what is deployed",
    sources=("https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html",),
)
def a_dimension_in_words_that_names_nothing_here(site: Site) -> Iterator[Finding]:
    for series in every_series(site):
        for name, value in series.dimensions or ():
            kinds = KINDS.get((str(series.namespace), str(name)))
            if kinds is None or not isinstance(value, str | Text) or not known(value) or "*" in str(value):
                continue
            owned = [one for kind in kinds for one in site.all(kind)]
            if str(name) == "CacheClusterId" and member(value) is None:
                owned += site.all(REPLICATION)
            elif member(value) is not None:
                continue
            if owned and named(site, series.namespace, name, value) is None and not _elsewhere(value):
                yield found(
                    series.resource,
                    *series.place("Dimensions"),
                    watcher=series.resource,
                    value=value,
                    dimension=name,
                    namespace=series.namespace,
                    kind=owned[0].kind,
                )


def _elsewhere(value: Value) -> bool:
    """An ARN and an address are told as such; a name of a parameter's is of who gives it."""
    return str(value).startswith(("arn:", "https://"))
