"""What nobody watches, what is watched and not published, and what is recorded."""

from typing import Any

import pytest

from tests.unit.rules.conftest import Say
from tests.unit.rules.signal_cases import (
    BEHIND,
    CPU,
    ERRORS,
    FUNCTION,
    PAGER,
    QUEUE,
    STREAM,
    WAITING,
    alarm,
    att,
    made,
    metric,
    ref,
    template,
    watching,
)

NODE = {"Fn::Sub": "${Cache}-001"}


def of_store(name: str) -> dict[str, Any]:
    return alarm(metric("AWS/RDS", name, DBInstanceIdentifier=ref("Store")))


def of_node(name: str) -> dict[str, Any]:
    return alarm(metric("AWS/ElastiCache", name, CacheClusterId=NODE))


PLANT: dict[str, Any] = {
    "Pager": PAGER,
    "Store": made("RDS::DBInstance", Engine="postgres", DBInstanceClass="db.r6g.16xlarge"),
    "Worker": made("Lambda::Function", DeadLetterConfig={"TargetArn": att("Jobs")}),
    "Clicks": STREAM,
    "Jobs": QUEUE,
    "Cache": made("ElastiCache::ReplicationGroup", NumCacheClusters=1),
    "Gate": made("IoT::Policy", PolicyDocument={"Version": "2012-10-17", "Statement": []}),
    "Secret": made("SecretsManager::Secret"),
    "Turn": made("SecretsManager::RotationSchedule", SecretId=ref("Secret")),
    "Web": made(
        "ECS::Service",
        Cluster=ref("Cluster"),
        DeploymentConfiguration={"DeploymentCircuitBreaker": {"Enable": True}},
    ),
    "Cluster": made("ECS::Cluster"),
    "Rotations": made(
        "Events::Rule",
        EventPattern={
            "source": ["aws.secretsmanager"],
            "detail": {"eventName": ["RotationFailed"], "additionalEventData": {"SecretId": [ref("Secret")]}},
        },
        Targets=[{"Id": "a", "Arn": ref("Pager")}],
    ),
    "Stores": made(
        "Events::Rule", EventPattern={"source": ["aws.rds"]}, Targets=[{"Id": "a", "Arn": ref("Pager")}]
    ),
    "Deployments": made(
        "Events::Rule",
        EventPattern={"source": ["aws.ecs"], "detail": {"eventName": ["SERVICE_DEPLOYMENT_FAILED"]}},
        Targets=[{"Id": "a", "Arn": ref("Pager")}],
    ),
    "Lag": alarm(BEHIND),
    "Errors": alarm(ERRORS),
    "Waiting": alarm(WAITING),
    "Load": alarm(CPU),
    "Untold": alarm(metric("AWS/SNS", "NumberOfNotificationsFailed", TopicName=att("Pager", "TopicName"))),
    "Refused": alarm(metric("AWS/IoT", "Connect.AuthError", Protocol="MQTT")),
    "Throttled": alarm(metric("AWS/Kinesis", "WriteProvisionedThroughputExceeded", StreamName=ref("Clicks"))),
    "Reads": alarm(metric("AWS/Kinesis", "ReadProvisionedThroughputExceeded", StreamName=ref("Clicks"))),
    **{
        f"Of{name}": of_store(name)
        for name in ("FreeStorageSpace", "FreeableMemory", "DatabaseConnections", "MaximumUsedTransactionIDs")
    },
    **{
        f"Node{name}": of_node(name)
        for name in ("DatabaseMemoryUsagePercentage", "Evictions", "EngineCPUUtilization")
    },
    **{
        f"Web{name}": alarm(
            metric("AWS/ECS", name, ClusterName=ref("Cluster"), ServiceName=att("Web", "Name"))
        )
        for name in ("CPUUtilization", "MemoryUtilization")
    },
    "Running": alarm(
        metric(
            "ECS/ContainerInsights",
            "RunningTaskCount",
            ClusterName=ref("Cluster"),
            ServiceName=att("Web", "Name"),
        )
    ),
}


def without(*names: str, **others: Any) -> str:
    return template(**{name: body for name, body in PLANT.items() if name not in names}, **others)


def groups(*days: int | None) -> str:
    made_ = {
        f"G{place}": made("Logs::LogGroup", **({} if kept is None else {"RetentionInDays": kept}))
        for place, kept in enumerate(days)
    }
    return template(**made_)


def shards(*names: str) -> str:
    on = metric("AWS/Kinesis", "IncomingBytes", StreamName=ref("Clicks"), ShardId="shardId-000000000000")
    return template(
        Alarm=alarm(on), Clicks=made("Kinesis::Stream", DesiredShardLevelMetrics=list(names)), Pager=PAGER
    )


def exported(*logs: str, **more: Any) -> str:
    store = made(
        "RDS::DBInstance", DBInstanceIdentifier="store", EnableCloudwatchLogsExports=list(logs), **more
    )
    return template(
        Store=store, Log=made("Logs::LogGroup", LogGroupName="/aws/rds/instance/store/postgresql")
    )


def insights(**cluster: Any) -> str:
    log = made("Logs::LogGroup", LogGroupName="/aws/ecs/containerinsights/shop/performance")
    return template(Log=log, Cluster=made("ECS::Cluster", ClusterName="shop", **cluster))


def machine(**changes: Any) -> str:
    on = metric("AWS/EC2", "CPUUtilization", InstanceId=ref("Machine"))
    return watching(alarm(on, Statistic="Average", Threshold=80), Machine=made("EC2::Instance", **changes))


def logging(option: str) -> str:
    container = {"Name": "web", "LogConfiguration": {"Options": {"awslogs-group": option}}}
    task = made("ECS::TaskDefinition", ContainerDefinitions=[container])
    return template(Log=made("Logs::LogGroup", LogGroupName="/shop/web"), Task=task)


def measured(rate: str) -> str:
    on = metric("Shop", "BackupAgeDays", Store=ref("Store"))
    watched = alarm(on, Statistic="Maximum", Threshold=2, Period=21600, TreatMissingData="breaching")
    target = {"Id": "run", "Arn": att("Worker"), "Input": {"Fn::Sub": '{"of": "${Store}"}'}}
    return watching(watched, Timer=made("Events::Rule", ScheduleExpression=rate, Targets=[target]))


def aside(threshold: int = 0, rest: bool = True) -> str:
    """Two queues that are watched; the second is where something fails, or is not."""
    into = made("SQS::Queue", RedrivePolicy={"deadLetterTargetArn": att("Rest"), "maxReceiveCount": 3})
    return template(
        One=alarm(WAITING, Threshold=threshold),
        Two=alarm(metric("AWS/SQS", WAITING["MetricName"], QueueName=att("Rest", "QueueName"))),
        Worker=PLANT["Worker"],
        Jobs=QUEUE,
        Rest=QUEUE,
        Pager=PAGER,
        **({"Work": into} if rest else {}),
    )


ON = [{"Name": "containerInsights", "Value": "enabled"}]
FARGATE = made("ECS::Cluster", CapacityProviders=["FARGATE"])
HOSTS = alarm(
    metric("AWS/ECS", "CPUUtilization", ClusterName=ref("Cluster")), Statistic="Average", Threshold=80
)
ALL = without()

CASES = [
    ("W9698", ALL, without("Errors")),
    ("W9698", ALL, without("OfFreeStorageSpace")),
    ("W9698", ALL, without("Running")),
    ("W9698", ALL, without("Untold")),
    ("W9699", ALL, without("NodeEvictions")),
    ("W9608", ALL, without("Waiting")),
    ("W9609", ALL, without("Rotations")),
    ("W9602", ALL, without("Refused")),
    ("W9603", ALL, without("Stores")),
    ("W9604", ALL, without("Deployments")),
    ("W9635", aside(), aside(10000)),
    ("W9636", aside(), aside(rest=False)),
    ("W9638", measured("rate(6 hours)"), measured("rate(7 days)")),
    ("E9608", shards("IncomingBytes"), shards("OutgoingBytes")),
    ("W9610", insights(ClusterSettings=ON), insights()),
    ("W9611", exported("postgresql"), exported("postgresql", "upgrade")),
    (
        "W9612",
        exported(MonitoringInterval=60, MonitoringRoleArn="arn:aws:iam::111122223333:role/x"),
        exported(MonitoringInterval=60),
    ),
    ("W9615", machine(Monitoring=True), machine()),
    (
        "W9645",
        template(Alarm=HOSTS, Cluster=made("ECS::Cluster"), Pager=PAGER),
        template(Alarm=HOSTS, Cluster=FARGATE, Pager=PAGER),
    ),
    ("W9619", groups(7, 7, 7), groups(7, 7, None)),
    ("W9619", groups(90, 90, 90), groups(90, 90, 1)),
]


@pytest.mark.parametrize(("rule", "fine", "wrong"), CASES)
def test_a_rule_tells_the_wrong_from_the_fine(say: Say, rule: str, fine: str, wrong: str) -> None:
    assert say(rule, fine) == []
    assert [line for line in say(rule, wrong) if f" {rule} " in line]


def test_a_tree_that_watches_little_is_not_told_to_watch_more(say: Say) -> None:
    few = template(Lag=alarm(BEHIND), Clicks=STREAM, Worker=FUNCTION, Pager=PAGER)

    assert say("W9698", few) == []


def test_an_output_that_the_child_does_not_have(say: Say) -> None:
    root = """\
Resources:
  Data:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: data.yaml}
  Watch:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: watch.yaml
      Parameters: {Queue: !GetAtt Data.Outputs.OUTPUT}
"""
    data = template(Jobs=QUEUE, outputs={"Name": att("Jobs", "QueueName")})
    watch = template(
        parameters={"Queue": {"Type": "String"}},
        Alarm=alarm(metric("AWS/SQS", WAITING["MetricName"], QueueName=ref("Queue"))),
        Pager=PAGER,
    )

    assert say("E9697", root.replace("OUTPUT", "Name"), data=data, watch=watch) == []
    (finding,) = say("E9697", root.replace("OUTPUT", "Title"), data=data, watch=watch)
    assert "Queue" in finding
    assert "Title" in finding


def test_a_child_alone_is_silent(say: Say) -> None:
    watch = template(
        parameters={name: {"Type": "String"} for name in ("Queue", "Topic", "Cluster", "Stream")},
        Waiting=alarm(
            metric("AWS/SQS", WAITING["MetricName"], QueueName=ref("Queue")),
            Statistic="Maximum",
            AlarmActions=[ref("Topic")],
        ),
        Tasks=alarm(
            metric(
                "ECS/ContainerInsights", "RunningTaskCount", ClusterName=ref("Cluster"), ServiceName="web"
            ),
            AlarmActions=[ref("Topic")],
            TreatMissingData="breaching",
            ComparisonOperator="LessThanThreshold",
            Statistic="Minimum",
            Threshold=1,
        ),
        Lag=alarm(
            metric("AWS/Kinesis", "GetRecords.IteratorAgeMilliseconds", StreamName=ref("Stream")),
            AlarmActions=[ref("Topic")],
            Statistic="Maximum",
            Threshold=60000,
        ),
    )

    assert say("E96", watch) == []
    assert say("W96", watch) == []
