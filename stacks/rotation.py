"""The application's secret, its rotation, and the function that does it."""

import json
from dataclasses import dataclass

from awacs import secretsmanager as can
from awacs.aws import Allow, Statement
from troposphere import Ref, Sub, awslambda, events, iam, logs, secretsmanager, sqs

from parameters import sections as parameters
from rotation.settings import Settings
from stacks import queues
from stacks.context import why
from stacks.environment import variables
from stacks.rotation_role import function_role
from stacks.wiring import (
    BucketName,
    DatabaseId,
    FunctionName,
    KeyArn,
    ObjectKey,
    QueueArn,
    QueueName,
    SecretArn,
    SecurityGroupId,
    StackTemplate,
    SubnetId,
)

# The first of the two users that take turns; the function makes both, and the schema's owner with them.
USERNAME = "millrace_app"
DATABASE = "millrace"
CA_FILE = "/var/task/certificates/rds-eu-west-2.pem"  # where Lambda unpacks the zip
AGE_SCHEDULE = "rate(6 hours)"  # half of the alarm's period
TIMEOUT_SECONDS = 120  # a login while the database fails over takes up to a minute
UNDONE_DAYS = 14  # SQS keeps nothing longer


@dataclass(frozen=True)
class Inputs:
    database_id: DatabaseId
    master_secret_arn: SecretArn
    secrets_key_arn: KeyArn
    logs_key_arn: KeyArn
    app_subnets: tuple[SubnetId, ...]
    rotation_group: SecurityGroupId
    code_bucket: BucketName
    code_key: ObjectKey


@dataclass(frozen=True)
class Outputs:
    secret_arn: SecretArn
    function_name: FunctionName
    undone_name: QueueName


def may_read_secret(secret: SecretArn) -> Statement:
    """Read its versions, also the pending one: during a rotation that may be the one that works."""
    return Statement(
        Sid="ReadApplicationSecret",
        Effect=Allow,
        Action=[can.GetSecretValue],
        Resource=[secret],
    )


def build(template: StackTemplate, inputs: Inputs, settings: parameters.Rotation) -> Outputs:
    secret = template.add_resource(application_secret(inputs))
    attachment = template.add_resource(
        secretsmanager.SecretTargetAttachment(
            "Attachment",
            Metadata=why("Writes host and port of the database into the secret, and follows them."),
            SecretId=Ref(secret),
            TargetId=inputs.database_id,
            TargetType="AWS::RDS::DBInstance",
        )
    )
    log = template.add_resource(
        logs.LogGroup(
            "Log",
            LogGroupName=template.log_group_name("rotation"),
            KmsKeyId=inputs.logs_key_arn,
            RetentionInDays=settings.log_retention_days,
            **template.retention,
        )
    )
    undone = template.add_resource(
        sqs.Queue(
            "Undone",
            Metadata=why(
                "What the function was asked for asynchronously, and could not do in three attempts, stays "
                "here: otherwise Lambda would drop it without a word.",
                "stay under the secrets key: a step's event carries its RotationToken",
            ),
            KmsMasterKeyId=inputs.secrets_key_arn,
            MessageRetentionPeriod=UNDONE_DAYS * 24 * 60 * 60,
            **template.retention,
        )
    )
    template.add_resource(queues.closed(undone))
    undone_arn = QueueArn(undone.get_att("Arn"))
    role = template.add_resource(
        function_role(
            SecretArn(Ref(secret)), inputs.master_secret_arn, inputs.secrets_key_arn, log, undone_arn
        )
    )
    function = template.add_resource(rotation_function(inputs, role, log, undone_arn))
    permission = template.add_resource(
        awslambda.Permission(
            "Invocation",
            Action="lambda:InvokeFunction",
            FunctionName=function.get_att("Arn"),
            Principal="secretsmanager.amazonaws.com",
            SourceAccount=Ref("AWS::AccountId"),
        )
    )
    template.add_resource(
        secretsmanager.RotationSchedule(
            "Schedule",
            # It rotates the moment it stands, so the secret must know its host and the function be callable.
            DependsOn=[attachment.title, permission.title],
            Metadata=why(
                "The first rotation makes the application's users, each later one a new password.",
                "rotates at once when created",
            ),
            SecretId=Ref(secret),
            RotationLambdaARN=function.get_att("Arn"),
            RotateImmediatelyOnUpdate=True,
            RotationRules=secretsmanager.RotationRules(
                ScheduleExpression=every(settings.every_days),
                Duration="2h",  # from midnight UTC: before backup and maintenance
            ),
        )
    )
    measure_age(template, function, secret)
    return Outputs(
        secret_arn=SecretArn(Ref(secret)),
        function_name=FunctionName(Ref(function)),
        undone_name=QueueName(undone.get_att("QueueName")),
    )


def measure_age(template: StackTemplate, function: awslambda.Function, secret: secretsmanager.Secret) -> None:
    """The function tells the secret's age, which AWS does not; rotation/age.py says how.

    A call that meets a rotation under way is throttled, since one at a time may run; Lambda tries it again
    for up to six hours, as it does every asynchronous one.
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
    """
    schedule = template.add_resource(
        events.Rule(
            "AgeSchedule",
            Metadata=why(
                "A rotation that never begins fails nowhere; it shows in the age of what it leaves."
            ),
            Description="Has the age of the application's login measured",
            State="ENABLED",
            ScheduleExpression=AGE_SCHEDULE,
            Targets=[
                events.Target(
                    Id="Function",
                    Arn=function.get_att("Arn"),
                    Input=Sub(f'{{"Measure": "SecretAge", "SecretId": "${{{secret.title}}}"}}'),
                )
            ],
        )
    )
    template.add_resource(
        awslambda.Permission(
            "AgeInvocation",
            Metadata=why("Lets this schedule, and no other rule, call the function."),
            Action="lambda:InvokeFunction",
            FunctionName=function.get_att("Arn"),
            Principal="events.amazonaws.com",
            SourceArn=schedule.get_att("Arn"),
        )
    )


def every(days: int) -> str:
    return "rate(1 day)" if days == 1 else f"rate({days} days)"


def application_secret(inputs: Inputs) -> secretsmanager.Secret:
    """No name: one that was deleted by hand stays taken for 30 days.

    Deleted with its stack in every environment, since it holds nothing that cannot be made again.
    CloudFormation deletes a secret at once and for good, and has no property to do otherwise
    (https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1999). A database that
    outlives it has its two users dropped before a new secret rotates: docs/decisions/first-rotation.md.
    """
    return secretsmanager.Secret(
        "Application",
        DeletionPolicy="Delete",
        UpdateReplacePolicy="Delete",
        Metadata=why("What the processor logs in to the database with.", "is never the master's"),
        Description="The processor's login to the database; rotated by two users that take turns",
        KmsKeyId=inputs.secrets_key_arn,
        GenerateSecretString=secretsmanager.GenerateSecretString(
            SecretStringTemplate=json.dumps({"username": USERNAME, "dbname": DATABASE}),
            GenerateStringKey="password",
            PasswordLength=32,
            ExcludePunctuation=True,
        ),
    )


def rotation_function(
    inputs: Inputs, role: iam.Role, log: logs.LogGroup, undone: QueueArn
) -> awslambda.Function:
    environment = variables(
        Settings, {"master_secret_arn": inputs.master_secret_arn, "database_ca_file": CA_FILE}
    )
    return awslambda.Function(
        "Function",
        Metadata=why("Secrets Manager rotates nothing by itself: it calls this, four steps a rotation."),
        Description="Rotates the application's login to the database, and tells its age",
        Runtime="python3.13",
        Architectures=["arm64"],
        Handler="rotation.handler.handle",
        Code=awslambda.Code(S3Bucket=inputs.code_bucket, S3Key=inputs.code_key),
        Role=role.get_att("Arn"),
        MemorySize=256,
        Timeout=TIMEOUT_SECONDS,
        # Two at a time could set two passwords for one user. Lambda keeps 100 of an account's quota free
        # (https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html), and a new account's
        # quota may be 10: README.md says to have it raised first.
        ReservedConcurrentExecutions=1,
        DeadLetterConfig=awslambda.DeadLetterConfig(TargetArn=undone),
        KmsKeyArn=inputs.secrets_key_arn,
        Environment=awslambda.Environment(Variables=environment),
        LoggingConfig=awslambda.LoggingConfig(LogGroup=Ref(log)),
        VpcConfig=awslambda.VPCConfig(
            SubnetIds=list(inputs.app_subnets), SecurityGroupIds=[inputs.rotation_group]
        ),
    )
