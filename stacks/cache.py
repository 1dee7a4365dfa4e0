"""The cache of latest values, and who may log in to it."""

from dataclasses import dataclass

from awacs import elasticache as can
from awacs.aws import Allow, Statement
from troposphere import Ref, Sub, elasticache, logs

from parameters import sections as parameters
from stacks.context import why
from stacks.wiring import (
    CacheMemberId,
    CacheUserId,
    HostName,
    KeyArn,
    Port,
    ReplicationGroupId,
    SecurityGroupId,
    StackTemplate,
    SubnetId,
)

# What processor/latest.py and processor/alarms/board.py do, and reading it back: hashes under two prefixes,
# moved by scripts loaded once. Who has it can neither empty nor reconfigure the cache, nor see others' keys.
ACCESS = (
    "on ~latest:* ~alarms:* resetchannels -@all +@hash +@connection +evalsha +script|load -@admin -@dangerous"
)
LOGS = {"slow-log": "SlowLog", "engine-log": "EngineLog"}


@dataclass(frozen=True)
class Inputs:
    data_key_arn: KeyArn
    logs_key_arn: KeyArn
    data_subnets: tuple[SubnetId, ...]
    cache_group: SecurityGroupId


@dataclass(frozen=True)
class Outputs:
    address: HostName
    port: Port
    name: ReplicationGroupId
    user_id: CacheUserId
    members: tuple[CacheMemberId, ...]  # what its metrics are counted by


def may_connect(name: ReplicationGroupId, user_id: CacheUserId) -> Statement:
    """IAM asks for the replication group and for the user; the user group is not part of it.

    https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html
    """
    here = "arn:${AWS::Partition}:elasticache:${AWS::Region}:${AWS::AccountId}"
    return Statement(
        Sid="ConnectToCache",
        Effect=Allow,
        Action=[can.Connect],
        Resource=[
            Sub(here + ":replicationgroup:${Name}", Name=name),
            Sub(here + ":user:${User}", User=user_id),
        ],
    )


def family(settings: parameters.Cache) -> str:
    """The parameter group family: valkey8, redis7."""
    return f"{settings.engine}{settings.engine_version.partition('.')[0]}"


def build(template: StackTemplate, inputs: Inputs, settings: parameters.Cache) -> Outputs:
    users = [template.add_resource(application_user(template.environment, settings))]
    if settings.engine == "redis":
        users.append(template.add_resource(default_user(template.environment)))
    allowed = template.add_resource(
        elasticache.UserGroup(
            "Users",
            Metadata=why("Without a group of users the cache lets everyone in."),
            UserGroupId=f"millrace-{template.environment}",
            Engine=settings.engine,
            UserIds=[Ref(user) for user in users],
        )
    )
    subnets = template.add_resource(
        elasticache.SubnetGroup(
            "Subnets",
            Metadata=why("The data tier: a node may stand in any zone, and no route leads out."),
            Description="The data tier",
            SubnetIds=list(inputs.data_subnets),
        )
    )
    engine_settings = template.add_resource(
        elasticache.ParameterGroup(
            "EngineSettings",
            Metadata=why("A full cache must shed old values, never refuse new ones."),
            CacheParameterGroupFamily=family(settings),
            Description="Sheds the least recently used when full",
            # The default, volatile-lru, sheds only keys that expire; latest values do not.
            Properties={"maxmemory-policy": "allkeys-lru"},
        )
    )
    log_groups = {
        log: template.add_resource(
            logs.LogGroup(
                title,
                LogGroupName=template.log_group_name(f"cache/{log}"),
                KmsKeyId=inputs.logs_key_arn,
                RetentionInDays=settings.log_retention_days,
                **template.retention,
            )
        )
        for log, title in LOGS.items()
    }
    latest = template.add_resource(
        elasticache.ReplicationGroup(
            "Latest",
            DeletionPolicy=settings.on_delete.value,
            UpdateReplacePolicy=settings.on_delete.value,
            Metadata=why(
                "Serves the latest values; rebuildable from the database, so never the truth.",
                "takes no connection without TLS and a user",
            ),
            ReplicationGroupDescription="Latest values of every point",
            Engine=settings.engine,
            EngineVersion=settings.engine_version,
            CacheNodeType=settings.node_type,
            NumCacheClusters=settings.nodes,
            ClusterMode="disabled",  # one primary endpoint; the values of one plant fit on one node
            AutomaticFailoverEnabled=True,
            MultiAZEnabled=True,
            CacheSubnetGroupName=Ref(subnets),
            SecurityGroupIds=[inputs.cache_group],
            CacheParameterGroupName=Ref(engine_settings),
            TransitEncryptionEnabled=True,
            TransitEncryptionMode="required",
            AtRestEncryptionEnabled=True,
            KmsKeyId=inputs.data_key_arn,
            UserGroupIds=[Ref(allowed)],
            SnapshotRetentionLimit=settings.snapshot_days,
            SnapshotWindow=settings.snapshot_window,
            PreferredMaintenanceWindow=settings.maintenance_window,
            AutoMinorVersionUpgrade=True,
            LogDeliveryConfigurations=[
                elasticache.LogDeliveryConfigurationRequest(
                    LogType=log,
                    LogFormat="json",
                    DestinationType="cloudwatch-logs",
                    DestinationDetails=elasticache.DestinationDetails(
                        CloudWatchLogsDetails=elasticache.CloudWatchLogsDestinationDetails(
                            LogGroup=Ref(group)
                        )
                    ),
                )
                for log, group in log_groups.items()
            ],
        )
    )
    return Outputs(
        address=HostName(latest.get_att("PrimaryEndPoint.Address")),
        port=Port(latest.get_att("PrimaryEndPoint.Port")),
        name=ReplicationGroupId(Ref(latest)),
        user_id=CacheUserId(Ref(users[0])),
        # With cluster mode disabled ElastiCache names the nodes so, and knows no metric of the whole group.
        members=tuple(
            CacheMemberId(Sub(f"${{{latest.title}}}-{number:03}")) for number in range(1, settings.nodes + 1)
        ),
    )


def application_user(environment: str, settings: parameters.Cache) -> elasticache.User:
    """With IAM a user's id and name must be one and the same, and CloudFormation makes up neither."""
    name = f"millrace-{environment}-processor"
    return elasticache.User(
        "Processor",
        Metadata=why("The processor logs in with a token of its role: there is no password to keep."),
        UserId=name,
        UserName=name,
        Engine=settings.engine,
        AccessString=ACCESS,
        AuthenticationMode=elasticache.AuthenticationMode(Type="iam"),
    )


def default_user(environment: str) -> elasticache.User:
    """A Redis group must hold a user named `default`; ours is switched off.

    AWS's own `default` may do everything without a password. A Valkey group refuses one without a password
    (https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html) and needs none: aws-cdk's
    packages/@aws-cdk/aws-elasticache-alpha/test/integ.serverless-cache.ts deploys a group of one IAM user.
    """
    return elasticache.User(
        "Nobody",
        Metadata=why("Redis insists on a user named default; this one can do nothing.", "stays off"),
        UserId=f"millrace-{environment}-default",
        UserName="default",
        Engine="redis",
        AccessString="off ~* -@all",
        AuthenticationMode=elasticache.AuthenticationMode(Type="no-password-required"),
    )
