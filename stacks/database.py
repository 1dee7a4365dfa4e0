"""The PostgreSQL database that keeps the readings, what it is told, and how it is watched from inside."""

from dataclasses import dataclass

from awacs import sts
from awacs.aws import Allow, Condition, PolicyDocument, Principal, Statement, StringEquals
from troposphere import Ref, Sub, iam, logs, rds

from parameters import sections as parameters
from stacks.context import why
from stacks.wiring import (
    DatabaseId,
    HostName,
    KeyArn,
    Port,
    SecretArn,
    SecurityGroupId,
    StackTemplate,
    SubnetId,
)

NAME = "millrace"  # of the database in the instance; the application's secret and schema say the same
MASTER = "millrace_master"  # only the rotation function logs in with it
MONITORING_SECONDS = 60
LOGS = ("postgresql", "upgrade")

# Each is a string, since RDS takes no other. Meaning: https://www.postgresql.org/docs/current/runtime-config.html
PARAMETERS = {
    "rds.force_ssl": "1",
    # A task that hangs in a transaction holds its shard's row; the next one must not wait for it for ever.
    "idle_in_transaction_session_timeout": "60000",
    # What is slow is logged. log_statement stays none: docs/decisions/database-log.md.
    "log_min_duration_statement": "1000",
    "log_lock_waits": "1",
    "track_io_timing": "1",
    # Who was there, from where and for how long, a line at the end of each session. log_connections stays
    # out: what RDS takes for it since it is a list is not documented (docs/decisions/database-log.md).
    "log_disconnections": "1",
}


@dataclass(frozen=True)
class Inputs:
    data_key_arn: KeyArn
    secrets_key_arn: KeyArn
    logs_key_arn: KeyArn
    data_subnets: tuple[SubnetId, ...]
    database_group: SecurityGroupId


@dataclass(frozen=True)
class Outputs:
    database_id: DatabaseId
    address: HostName
    port: Port
    master_secret_arn: SecretArn


def family(engine_version: str) -> str:
    """The parameter group family of a full version: 18.6 → postgres18."""
    return f"postgres{engine_version.partition('.')[0]}"


def build(template: StackTemplate, inputs: Inputs, settings: parameters.Database) -> Outputs:
    # Named, since RDS makes a log group it does not find: one without our key, that never expires and
    # stays behind when the stack goes. Ours must exist first, under the name that RDS will use. In return
    # CloudFormation refuses to replace a database that has a name, which is what one wants of it; a rebuild
    # from a snapshot takes a new name.
    instance_name = f"millrace-{template.environment}"
    log_groups = [
        template.add_resource(
            logs.LogGroup(
                f"{log.capitalize()}Log",
                LogGroupName=f"/aws/rds/instance/{instance_name}/{log}",
                KmsKeyId=inputs.logs_key_arn,
                RetentionInDays=settings.log_retention_days,
                **template.retention,
            )
        )
        for log in LOGS
    ]
    subnets = template.add_resource(
        rds.DBSubnetGroup(
            "Subnets",
            Metadata=why("The data tier: an instance may stand in any zone, and no route leads out."),
            DBSubnetGroupDescription="The data tier",
            SubnetIds=list(inputs.data_subnets),
        )
    )
    settings_of_engine = template.add_resource(
        rds.DBParameterGroup(
            "EngineSettings",
            Metadata=why("The engine's defaults allow plain text and say little.", "forces TLS"),
            Description="TLS only, and logs that say what was slow or blocked",
            Family=family(settings.engine_version),
            Parameters=PARAMETERS,
        )
    )
    monitoring = template.add_resource(monitoring_role(instance_name))
    database = template.add_resource(
        rds.DBInstance(
            "Database",
            DeletionPolicy=settings.on_delete.value,
            UpdateReplacePolicy=settings.on_delete.value,
            DependsOn=[group.title for group in log_groups],
            Metadata=why(
                "Holds every reading: the truth that all else is rebuilt from.",
                "is never replaced",
                "is never public",
                "takes no connection without TLS",
            )
            | spared(settings),
            DBInstanceIdentifier=instance_name,
            DBName=NAME,
            Engine="postgres",
            EngineVersion=settings.engine_version,
            DBInstanceClass=settings.instance_class,
            AllocatedStorage=str(settings.storage_gib),
            MaxAllocatedStorage=settings.max_storage_gib,
            StorageType="gp3",
            StorageEncrypted=True,
            KmsKeyId=inputs.data_key_arn,
            MultiAZ=settings.multi_az,
            DBSubnetGroupName=Ref(subnets),
            VPCSecurityGroups=[inputs.database_group],
            PubliclyAccessible=False,
            DBParameterGroupName=Ref(settings_of_engine),
            CACertificateIdentifier="rds-ca-rsa2048-g1",  # in the bundle that function and image carry
            MasterUsername=MASTER,
            ManageMasterUserPassword=True,  # RDS makes it and renews it every 7 days: nobody types it
            MasterUserSecret=rds.MasterUserSecret(KmsKeyId=inputs.secrets_key_arn),
            EnableIAMDatabaseAuthentication=True,  # people come with a token of minutes, not with a password
            BackupRetentionPeriod=settings.backup_days,
            PreferredBackupWindow=settings.backup_window,
            CopyTagsToSnapshot=True,
            # Point-in-time recovery outlives the instance wherever its data matters.
            DeleteAutomatedBackups=settings.on_delete is parameters.OnDelete.DELETE,
            DeletionProtection=settings.deletion_protection,
            PreferredMaintenanceWindow=settings.maintenance_window,
            # Security fixes wait for no deployment; engine_version follows what runs, never below it.
            AutoMinorVersionUpgrade=True,
            # Otherwise a major version past its end is kept, unasked, at an extra price.
            EngineLifecycleSupport="open-source-rds-extended-support-disabled",
            DatabaseInsightsMode=settings.insights,
            EnablePerformanceInsights=True,
            PerformanceInsightsKMSKeyId=inputs.data_key_arn,  # it shows statements, and those show data
            PerformanceInsightsRetentionPeriod=settings.insights_retention_days,
            MonitoringInterval=MONITORING_SECONDS,
            MonitoringRoleArn=monitoring.get_att("Arn"),
            EnableCloudwatchLogsExports=list(LOGS),
        )
    )
    return Outputs(
        database_id=DatabaseId(Ref(database)),
        address=HostName(database.get_att("Endpoint.Address")),
        port=Port(database.get_att("Endpoint.Port")),
        master_secret_arn=SecretArn(database.get_att("MasterUserSecret.SecretArn")),
    )


def spared(settings: parameters.Database) -> dict[str, object]:
    """What a scanner must know of a second instance that the parameters spare, in checkov's own form.

    https://www.checkov.io/2.Basics/Suppressing%20and%20Skipping%20Policies.html
    """
    if settings.multi_az:
        return {}
    reason = "multi_az is off: this environment saves the second instance, and waits for a restore instead"
    return {"checkov": {"skip": [{"id": "CKV_AWS_157", "comment": reason}]}}


def monitoring_role(instance_name: str) -> iam.Role:
    """https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Monitoring.OS.Enabling.html"""
    instance = f"arn:${{AWS::Partition}}:rds:${{AWS::Region}}:${{AWS::AccountId}}:db:{instance_name}"
    return iam.Role(
        "Monitoring",
        Metadata=why("Lets RDS report the host's own figures, for this instance only."),
        AssumeRolePolicyDocument=PolicyDocument(
            Version="2012-10-17",
            Statement=[
                Statement(
                    Effect=Allow,
                    Principal=Principal("Service", ["monitoring.rds.amazonaws.com"]),
                    Action=[sts.AssumeRole],
                    Condition=Condition(
                        StringEquals(
                            {"aws:SourceAccount": Sub("${AWS::AccountId}"), "aws:SourceArn": Sub(instance)}
                        )
                    ),
                )
            ],
        ),
        # AWS's own: it may write to the log group RDSOSMetrics and nothing else. RDS makes that group once in
        # an account and region, for all instances: it belongs to no stack and outlives each.
        ManagedPolicyArns=[
            Sub("arn:${AWS::Partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole")
        ],
    )
