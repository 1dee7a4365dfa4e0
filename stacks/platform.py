"""The platform: ten stacks, from the keys that all need to the alarms that watch them all."""

from collections.abc import Mapping

from troposphere import AWSHelperFn, Join, Output, Parameter, Ref, Sub, ssm

from parameters.settings import Environment
from stacks import (
    alerts,
    cache,
    database,
    ingest,
    keys,
    network,
    observability,
    processor,
    rotation,
    stream,
)
from stacks.context import why
from stacks.wiring import ROOT, Address, BucketName, ImageUri, ObjectKey, Root, StackTemplate

IMAGE = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}"
# What a team that comes from the starting point looks up, under the names it knows.
OLD_NAMES = {
    "VpcId": "vpc_id",
    "KinesisStreamName": "kinesis_stream_name",
    "EcsClusterName": "ecs_cluster_name",
    "RedisEndpoint": "redis_endpoint",
    "RdsEndpoint": "rds_endpoint",
    "DbSecretArn": "db_secret_arn",
}


def build(environment: Environment) -> list[StackTemplate]:
    """Every template of the platform, children first, the root last."""
    template = StackTemplate(ROOT, __name__, environment)
    root = Root(template, environment)
    digest = text(template, "ImageDigest", r"^sha256:[0-9a-f]{64}$", "sha256: and 64 hexadecimal digits")
    address = text(template, "NotificationAddress", r"^[^@\s]+@[^@\s]+$", "a mail address")
    plant = text(template, "PlantAddress", r"^[^@\s]+@[^@\s]+$", "a mail address")
    bucket = text(template, "ArtefactBucket", r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", "a bucket's name")
    code = text(
        template, "RotationCodeKey", r"^functions/\S+\.zip$", "functions/<digest>.zip in the artefact bucket"
    )

    key = root.nest(keys.build, keys.Inputs(), environment.keys)
    told = root.nest(
        alerts.build,
        alerts.Inputs(key_arn=key.alerts_key_arn, notification_address=Address(address)),
        environment.alerts,
    )
    net = root.nest(network.build, network.Inputs(logs_key_arn=key.logs_key_arn), environment.network)
    flow = root.nest(stream.build, stream.Inputs(data_key_arn=key.data_key_arn), environment.stream)
    door = root.nest(
        ingest.build,
        ingest.Inputs(
            stream_arn=flow.stream_arn,
            stream_name=flow.stream_name,
            dead_letters_arn=flow.dead_letters_arn,
            dead_letters_url=flow.dead_letters_url,
            data_key_arn=key.data_key_arn,
        ),
        None,
    )
    history = root.nest(
        database.build,
        database.Inputs(
            data_key_arn=key.data_key_arn,
            secrets_key_arn=key.secrets_key_arn,
            logs_key_arn=key.logs_key_arn,
            data_subnets=net.data_subnets,
            database_group=net.database_group,
        ),
        environment.database,
    )
    latest = root.nest(
        cache.build,
        cache.Inputs(
            data_key_arn=key.data_key_arn,
            logs_key_arn=key.logs_key_arn,
            data_subnets=net.data_subnets,
            cache_group=net.cache_group,
        ),
        environment.cache,
    )
    credentials = root.nest(
        rotation.build,
        rotation.Inputs(
            database_id=history.database_id,
            database_address=history.address,
            master_secret_arn=history.master_secret_arn,
            secrets_key_arn=key.secrets_key_arn,
            logs_key_arn=key.logs_key_arn,
            app_subnets=net.app_subnets,
            rotation_group=net.rotation_group,
            code_bucket=BucketName(bucket),
            code_key=ObjectKey(code),
        ),
        environment.rotation,
    )
    service = root.nest(
        processor.build,
        processor.Inputs(
            image_uri=ImageUri(Sub(f"{IMAGE}/millrace/{environment.name}@${{{digest.data['Ref']}}}")),
            stream_arn=flow.stream_arn,
            stream_name=flow.stream_name,
            secret_arn=credentials.secret_arn,
            migrator_secret_arn=credentials.migrator_secret_arn,
            cache_address=latest.address,
            cache_port=latest.port,
            cache_name=latest.name,
            cache_user_id=latest.user_id,
            data_key_arn=key.data_key_arn,
            secrets_key_arn=key.secrets_key_arn,
            logs_key_arn=key.logs_key_arn,
            alerts_key_arn=key.alerts_key_arn,
            app_subnets=net.app_subnets,
            processor_group=net.processor_group,
            topic_arn=told.topic_arn,
            plant_address=Address(plant),
        ),
        environment.processor,
    )
    watching = root.nest(
        observability.build,
        observability.Inputs(
            topic_arn=told.topic_arn,
            topic_name=told.topic_name,
            plant_topic_name=service.plant_topic_name,
            rule_name=door.rule_name,
            stream_name=flow.stream_name,
            dead_letters_name=flow.dead_letters_name,
            database_id=history.database_id,
            cache_members=latest.members,
            cluster_name=service.cluster_name,
            service_name=service.service_name,
            consumers=service.consumers,
            function_name=credentials.function_name,
            undone_name=credentials.undone_name,
            secret_arn=credentials.secret_arn,
            migrator_secret_arn=credentials.migrator_secret_arn,
            nat_gateways=net.nat_gateways,
            key_arns=(key.data_key_arn, key.secrets_key_arn, key.logs_key_arn, key.alerts_key_arn),
        ),
        environment.observability,
    )
    publish(
        template,
        {
            "VpcId": net.vpc_id,
            "KinesisStreamName": flow.stream_name,
            "EcsClusterName": service.cluster_name,
            "EcsServiceName": service.service_name,
            "RedisEndpoint": latest.address,
            "RdsEndpoint": history.address,
            "DbSecretArn": credentials.secret_arn,
            "MigratorSecretArn": credentials.migrator_secret_arn,
            # The deployer hands these to CloudFormation, which takes a deployment back when one sounds.
            "RollbackAlarms": Join(",", list(watching.rollback_alarm_arns)),
        },
    )
    template.tag_resources()
    return [*root.children.values(), template]


def publish(template: StackTemplate, values: Mapping[str, AWSHelperFn]) -> None:
    """Outputs for people and the deployer; parameters for programs that know the starting point's names."""
    for name, value in values.items():
        template.add_output(Output(name, Value=value))
        if name in OLD_NAMES:
            template.add_resource(
                ssm.Parameter(
                    f"{name}Parameter",
                    Metadata=why("for programs that look the platform up by the starting point's names"),
                    Name=f"/millrace/{template.environment}/{OLD_NAMES[name]}",
                    Type="String",
                    Value=value,
                )
            )


def text(template: StackTemplate, name: str, pattern: str, what: str) -> Ref:
    """A parameter that the deployer gives: only what nobody can know when the templates are made."""
    return Ref(
        template.add_parameter(
            Parameter(
                name, Type="String", AllowedPattern=pattern, ConstraintDescription=what, Description=what
            )
        )
    )
