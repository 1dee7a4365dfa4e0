"""The service that carries readings from the stream into database and cache, and what it may do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from troposphere import Ref, cloudwatch, ecs, kinesis, logs, sns

from parameters import memory
from parameters import sections as parameters
from processor.settings import MigrationSettings, Settings
from stacks import cache, engine_table, keys, plant_topic, retrieval, rotation, scaling, stream
from stacks.alarm import Guidance, Series, alarm
from stacks.context import why
from stacks.environment import Value, variables
from stacks.task_roles import execution_role, task_role
from stacks.wiring import (
    Address,
    CacheUserId,
    ClusterName,
    ConsumerName,
    HostName,
    ImageUri,
    KeyArn,
    Port,
    ReplicationGroupId,
    SecretArn,
    SecurityGroupId,
    ServiceName,
    StackTemplate,
    StreamArn,
    StreamName,
    SubnetId,
    TopicArn,
    TopicName,
)

CONTAINER = "processor"
MIGRATIONS = "migrate"
VOLUME = "written"
CA_FILE = "/app/certificates/rds-eu-west-2.pem"  # where the image has it
USER = "65532:65532"  # as in processor/Dockerfile; a number is no root whatever the image's passwd says
# The root file system is read-only. Here the engine writes its properties, Java its temporary files, and each
# child how it stands. An empty volume: Fargate takes no tmpfs of LinuxParameters.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/bind-mounts.html
WRITTEN = "/run/millrace"
CHILDREN = f"{WRITTEN}/children"
# Fargate's longest: after SIGTERM each child commits what it has, and each shard is handed over; the engine
# gives up after 100 s (processor/engine/properties.py, shutdownGraceMillis).
STOP_SECONDS = 120
# ECS's longest: the first start may wait for the first rotation, which makes the user it logs in with.
START_SECONDS = 300
# Above what a fail-over of the database costs, so it says "the new one does not keep up".
ROLLBACK_LAG_SECONDS = 600


@dataclass(frozen=True)
class Inputs:
    image_uri: ImageUri
    stream_arn: StreamArn
    stream_name: StreamName
    secret_arn: SecretArn
    migrator_secret_arn: SecretArn
    cache_address: HostName
    cache_port: Port
    cache_name: ReplicationGroupId
    cache_user_id: CacheUserId
    data_key_arn: KeyArn
    secrets_key_arn: KeyArn
    logs_key_arn: KeyArn
    alerts_key_arn: KeyArn
    app_subnets: tuple[SubnetId, ...]
    processor_group: SecurityGroupId
    topic_arn: TopicArn
    plant_address: Address


@dataclass(frozen=True)
class Outputs:
    cluster_name: ClusterName
    service_name: ServiceName
    consumers: tuple[ConsumerName, ...]
    plant_topic_name: TopicName


def build(template: StackTemplate, inputs: Inputs, settings: parameters.Processor) -> Outputs:
    log = template.add_resource(
        logs.LogGroup(
            "Log",
            LogGroupName=template.log_group_name("processor"),
            KmsKeyId=inputs.logs_key_arn,
            RetentionInDays=settings.log_retention_days,
            **template.retention,
        )
    )
    cluster = template.add_resource(cluster_of(template, inputs, settings))
    leases = template.add_resource(engine_table.lease_table(template, inputs.data_key_arn))
    pushed = [retrieval.consumer(template, inputs.stream_arn)] if settings.retrieval == "fan_out" else []
    consumers = tuple(ConsumerName(template.add_resource(one).get_att("ConsumerName")) for one in pushed)
    told = template.add_resource(plant_topic.topic(template.environment, inputs.alerts_key_arn))
    starts = template.add_resource(
        execution_role(
            template.environment,
            log,
            rotation.may_inject_secret(inputs.migrator_secret_arn),
            keys.may_decrypt(inputs.secrets_key_arn),
        )
    )
    runs = template.add_resource(
        task_role(
            stream.may_read(inputs.stream_arn),
            *[retrieval.may_subscribe(one) for one in pushed],
            keys.may_decrypt(inputs.data_key_arn),
            rotation.may_read_secret(inputs.secret_arn),
            keys.may_decrypt(inputs.secrets_key_arn),
            cache.may_connect(inputs.cache_name, inputs.cache_user_id),
            *engine_table.may_lease(leases, template.environment),
            engine_table.may_use_key(inputs.data_key_arn),
            plant_topic.may_publish(told),
            keys.may_encrypt_through(inputs.alerts_key_arn, "sns"),
        )
    )
    template.add_resource(plant_topic.closed(told, runs))
    template.add_resource(plant_topic.subscription(told, inputs.plant_address))
    task = template.add_resource(
        ecs.TaskDefinition(
            "Task",
            Metadata=why(
                "A container with the engine and a child for each of its shards, and one that first brings "
                "the tables up to date for it; what they write is gone when they end.",
                "keep the migrations' login from the processor's container",
            ),
            RequiresCompatibilities=["FARGATE"],
            NetworkMode="awsvpc",
            Cpu=str(settings.cpu),
            Memory=str(settings.memory_mib),
            RuntimePlatform=ecs.RuntimePlatform(
                CpuArchitecture=settings.architecture, OperatingSystemFamily="LINUX"
            ),
            ExecutionRoleArn=starts.get_att("Arn"),
            TaskRoleArn=runs.get_att("Arn"),
            Volumes=[ecs.Volume(Name=VOLUME)],
            ContainerDefinitions=[
                container(template.environment, inputs, settings, log, pushed, topic=told),
                migrations(template.environment, inputs, settings, log),
            ],
        )
    )
    lag = retrieval.lag(inputs.stream_name, consumers)
    behind = template.add_resource(rollback_alarm(inputs.topic_arn, lag))
    service = template.add_resource(service_of(cluster, task, behind, inputs, settings))
    scaling.scale(template, cluster, service, lag, settings)
    return Outputs(
        cluster_name=ClusterName(Ref(cluster)),
        service_name=ServiceName(service.get_att("Name")),
        consumers=consumers,
        plant_topic_name=TopicName(told.get_att("TopicName")),
    )


def cluster_of(template: StackTemplate, inputs: Inputs, settings: parameters.Processor) -> ecs.Cluster:
    """Named, and its log group made before it: docs/decisions/cluster-name.md.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-reference.html
    """
    name = f"millrace-{template.environment}"
    performance = template.add_resource(
        logs.LogGroup(
            "PerformanceLog",
            LogGroupName=f"/aws/ecs/containerinsights/{name}/performance",
            KmsKeyId=inputs.logs_key_arn,
            RetentionInDays=settings.log_retention_days,
            **template.retention,
        )
    )
    return ecs.Cluster(
        "Cluster",
        DependsOn=[performance.title],
        Metadata=why("Fargate only: there are no hosts to patch."),
        ClusterName=name,
        # ECS assumes its service-linked role for these, and at an account's first cluster it has only
        # begun to make that role: https://github.com/aws/containers-roadmap/issues/2614. No template can
        # make it, since one that finds it there fails; README.md says how to make it beforehand.
        CapacityProviders=["FARGATE", "FARGATE_SPOT"],
        # Running and desired tasks are metrics of Container Insights only; an alarm needs them.
        ClusterSettings=[ecs.ClusterSetting(Name="containerInsights", Value="enhanced")],
    )


def container(
    environment: str,
    inputs: Inputs,
    settings: parameters.Processor,
    log: logs.LogGroup,
    pushed: Sequence[kinesis.StreamConsumer],
    *,
    topic: sns.Topic,
) -> ecs.ContainerDefinition:
    """The engine, which starts a child for each shard that it leases (docs/engine.md).

    The login is read at run time, not injected: an injected one is stale after the next rotation. The image
    is named by its digest, so ECS has no tag to resolve and `VersionConsistency` nothing to do. The volume
    holds kilobytes, none of them readings, so its size and its key stay AWS's.
    """
    room = memory.held(settings.memory_mib)
    told = variables(
        Settings,
        {
            "environment": environment,
            "stream_name": inputs.stream_name,
            "database_secret_arn": inputs.secret_arn,
            "database_ca_file": CA_FILE,
            "cache_host": inputs.cache_address,
            "cache_port": inputs.cache_port,
            "cache_name": inputs.cache_name,
            "cache_user": inputs.cache_user_id,
            "oldest_reading_days": str(settings.oldest_reading_days),
            "newest_reading_minutes": str(settings.newest_reading_minutes),
            **({"site_time_zone": settings.site_time_zone} if settings.site_time_zone else {}),
            **({} if settings.bind_devices else {"bind_devices": "0"}),
            "alarm_topic_arn": Ref(topic),
            "source": "kcl",
            "engine_name": engine_table.application(environment),
            "most_shards": str(room.shards),
            "heap_mib": str(room.heap_mib),
            "children_directory": CHILDREN,
            **({"consumer_arn": Ref(pushed[0])} if pushed else {}),
        },
    )
    return ecs.ContainerDefinition(
        Name=CONTAINER,
        Essential=True,
        Command=["engine"],  # the image's own program, told to become Java: SIGTERM reaches the engine itself
        MountPoints=[ecs.MountPoint(SourceVolume=VOLUME, ContainerPath=WRITTEN, ReadOnly=False)],
        # A task whose migrations fail ends here: ECS starts no container whose dependency did not succeed.
        # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html
        DependsOn=[ecs.ContainerDependency(ContainerName=MIGRATIONS, Condition="SUCCESS")],
        **confined(inputs, told),
        # Whether its shards advance: docs/decisions/children-health.md.
        HealthCheck=ecs.HealthCheck(
            Command=["CMD", "python", "-m", "processor", "health"],
            Interval=30,
            Timeout=10,
            Retries=3,
            StartPeriod=START_SECONDS,
        ),
        StopTimeout=STOP_SECONDS,
        LogConfiguration=logged(log, CONTAINER),
    )


def migrations(
    environment: str, inputs: Inputs, settings: parameters.Processor, log: logs.LogGroup
) -> ecs.ContainerDefinition:
    """Runs to its end before the processor starts: docs/decisions/migrations.md.

    Its login is injected, by the execution role, so that the task role cannot read it; it has no time to go
    stale. Without a StartTimeout, whose most is two minutes, Fargate waits three for it.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
    """
    told = variables(
        MigrationSettings,
        {
            "environment": environment,
            "database_login": inputs.migrator_secret_arn,
            "database_ca_file": CA_FILE,
            "reading_retention_days": str(settings.reading_retention_days),
            "minute_retention_days": str(settings.minute_retention_days),
            "hour_retention_days": str(settings.hour_retention_days),
            "quarantine_retention_days": str(settings.quarantine_retention_days),
        },
    )
    login = told.pop("DATABASE_LOGIN")
    return ecs.ContainerDefinition(
        Name=MIGRATIONS,
        Essential=False,
        Command=["migrate"],
        Secrets=[ecs.Secret(Name="DATABASE_LOGIN", ValueFrom=login)],
        **confined(inputs, told),
        LogConfiguration=logged(log, MIGRATIONS),
    )


def confined(inputs: Inputs, told: Mapping[str, Value]) -> dict[str, Any]:
    """What every container of the task has: one image, no root, a read-only root file system, variables."""
    return {
        "Image": inputs.image_uri,
        "User": USER,
        "ReadonlyRootFilesystem": True,
        "Privileged": False,
        "LinuxParameters": ecs.LinuxParameters(
            Capabilities=ecs.KernelCapabilities(Drop=["ALL"]),
            InitProcessEnabled=True,  # a first process that passes SIGTERM on and leaves no zombies
        ),
        "Environment": [ecs.Environment(Name=name, Value=value) for name, value in told.items()],
    }


def logged(log: logs.LogGroup, container: str) -> ecs.LogConfiguration:
    return ecs.LogConfiguration(
        LogDriver="awslogs",
        Options={
            "awslogs-group": Ref(log),
            "awslogs-region": Ref("AWS::Region"),
            "awslogs-stream-prefix": container,
            "mode": "non-blocking",  # a log service that hangs must not stop readings
            "max-buffer-size": "4m",
        },
    )


def service_of(
    cluster: ecs.Cluster,
    task: ecs.TaskDefinition,
    behind: cloudwatch.Alarm,
    inputs: Inputs,
    settings: parameters.Processor,
) -> ecs.Service:
    """Several tasks, which share the stream's shards by leases (docs/decisions/engine.md).

    A deployment starts the new ones first: they take over shards, and an old one hands over the rest when it
    is told to stop. Zones are evened out in the same way. How many run is autoscaling's: without
    `DesiredCount` a new service starts with one and an existing one keeps what it has.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecs-service.html
    """
    return ecs.Service(
        "Service",
        Metadata=why(
            "Keeps the processor running, and the last version that worked.",
            "starts the new tasks before it stops the old ones",
            "names no number of tasks",
        ),
        Cluster=Ref(cluster),
        TaskDefinition=Ref(task),
        CapacityProviderStrategy=capacity(settings.on_demand_tasks, settings.spot_share),
        PlatformVersion="LATEST",  # where Fargate's own patches go; 1.4.0 is the least that has ARM64 on Spot
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html
        AvailabilityZoneRebalancing="ENABLED",
        DeploymentConfiguration=ecs.DeploymentConfiguration(
            MinimumHealthyPercent=100,
            MaximumPercent=200,
            DeploymentCircuitBreaker=ecs.DeploymentCircuitBreaker(Enable=True, Rollback=True),
            Alarms=ecs.DeploymentAlarms(AlarmNames=[Ref(behind)], Enable=True, Rollback=True),
        ),
        EnableExecuteCommand=False,
        EnableECSManagedTags=True,
        PropagateTags="SERVICE",
        NetworkConfiguration=ecs.NetworkConfiguration(
            AwsvpcConfiguration=ecs.AwsvpcConfiguration(
                AssignPublicIp="DISABLED",
                SecurityGroups=[inputs.processor_group],
                Subnets=list(inputs.app_subnets),
            )
        ),
    )


def capacity(on_demand_tasks: int, spot_share: int) -> list[ecs.CapacityProviderStrategyItem]:
    """The first tasks on demand, so that no want of Spot capacity takes the last one; of the rest a share.

    A provider of weight 0 "can't be used to place tasks", base or not, so on demand has a weight always.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CapacityProviderStrategyItem.html
    """
    on_demand = ecs.CapacityProviderStrategyItem(
        CapacityProvider="FARGATE", Base=on_demand_tasks, Weight=100 - spot_share
    )
    if spot_share == 0:
        return [on_demand]
    return [
        on_demand,
        ecs.CapacityProviderStrategyItem(CapacityProvider="FARGATE_SPOT", Weight=spot_share),
    ]


def rollback_alarm(topic: TopicArn, lag: Series) -> cloudwatch.Alarm:
    """A new version that is healthy and yet does not keep up is taken back.

    One that is already behind when the deployment starts is not watched during it, as ECS has it, and that
    is what a person must know before deploying:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
    """
    return alarm(
        "Behind",
        topic,
        Guidance(
            means=f"The processor is {ROLLBACK_LAG_SECONDS // 60} minutes behind the stream. A deployment "
            "that raises this alarm goes back to the version before by itself; one that begins while it is "
            "on is not watched, and nothing takes it back for lag.",
            look="During a deployment, the log of the task that was replaced. At other times the alarm Lag, "
            "which says more and came before.",
            do="Mend the version that was taken back. At other times deploy nothing until this alarm ends, "
            "except what mends the lag, and watch that yourself.",
        ),
        lag,
        above=ROLLBACK_LAG_SECONDS * 1000,
        minutes=3,
        missing="notBreaching",  # no data is how the first deployment starts
    )
