"""The logins' secrets, their rotation, and the function that does it."""

import json
from collections.abc import Sequence
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
    HostName,
    KeyArn,
    ObjectKey,
    QueueArn,
    QueueName,
    SecretArn,
    SecurityGroupId,
    StackTemplate,
    SubnetId,
)

DATABASE = "millrace"
CA_FILE = "/var/task/certificates/rds-eu-west-2.pem"  # where Lambda unpacks the zip
AGE_SCHEDULE = "rate(6 hours)"  # half of the alarm's period
# Of one secret Secrets Manager asks for one step after another, so as many calls at once as there are secrets
# keep two from setting two passwords for one user. Less, and of two secrets that are made together one would
# be turned away. Lambda keeps 100 of an account's quota free
# (https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html), and a new account's quota may
# be 10: README.md says to have it raised first.
AT_ONCE = 2
TIMEOUT_SECONDS = 120  # a login while the database fails over takes up to a minute
UNDONE_DAYS = 14  # SQS keeps nothing longer


@dataclass(frozen=True)
class Login:
    """One secret. `username` is the first of the two users that take turns; the function makes both."""

    title: str
    username: str
    reason: str
    must: str
    description: str


APPLICATION = Login(
    "Application",
    "millrace_app",
    "What the processor logs in to the database with.",
    "is never the master's",
    "The processor's login to the database; rotated by two users that take turns",
)
MIGRATOR = Login(
    "Migrator",
    "millrace_migrator",
    "What a release brings the tables up to date with: its users become the tables' owner.",
    "is for no task role to read: ECS hands it to one container",
    "A release's login to the database, for its migrations; rotated by two users that take turns",
)


@dataclass(frozen=True)
class Inputs:
    database_id: DatabaseId
    database_address: HostName
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
    migrator_secret_arn: SecretArn
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


def may_inject_secret(secret: SecretArn) -> Statement:
    """For a role that ECS starts a task with; only what is current can be handed over.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
    """
    return Statement(
        Sid="HandOverMigratorSecret",
        Effect=Allow,
        Action=[can.GetSecretValue],
        Resource=[secret],
    )


def build(template: StackTemplate, inputs: Inputs, settings: parameters.Rotation) -> Outputs:
    secrets = [
        template.add_resource(login_secret(login, inputs, template)) for login in (APPLICATION, MIGRATOR)
    ]
    arns = [SecretArn(Ref(secret)) for secret in secrets]
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
        function_role(arns, inputs.master_secret_arn, inputs.secrets_key_arn, log, undone_arn)
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
    for secret, prefix in zip(secrets, ("", MIGRATOR.title), strict=True):
        rotate(template, inputs, settings, Rotated(secret, prefix, function, permission))
    measure_age(template, function, secrets)
    return Outputs(
        secret_arn=arns[0],
        migrator_secret_arn=arns[1],
        function_name=FunctionName(Ref(function)),
        undone_name=QueueName(undone.get_att("QueueName")),
    )


@dataclass(frozen=True)
class Rotated:
    """A secret, how the resources of its rotation begin, the function and its permission to be called."""

    secret: secretsmanager.Secret
    prefix: str
    function: awslambda.Function
    permission: awslambda.Permission


def rotate(template: StackTemplate, inputs: Inputs, settings: parameters.Rotation, rotated: Rotated) -> None:
    attachment = template.add_resource(
        secretsmanager.SecretTargetAttachment(
            f"{rotated.prefix}Attachment",
            Metadata=why("Writes host and port of the database into the secret, and follows them."),
            SecretId=Ref(rotated.secret),
            TargetId=inputs.database_id,
            TargetType="AWS::RDS::DBInstance",
        )
    )
    template.add_resource(
        secretsmanager.RotationSchedule(
            f"{rotated.prefix}Schedule",
            # It rotates the moment it stands, so the secret must know its host and the function be callable.
            DependsOn=[attachment.title, rotated.permission.title],
            Metadata=why(
                "The first rotation makes the secret's two users, each later one a new password.",
                "rotates at once when created",
            ),
            SecretId=Ref(rotated.secret),
            RotationLambdaARN=rotated.function.get_att("Arn"),
            RotateImmediatelyOnUpdate=True,
            RotationRules=secretsmanager.RotationRules(
                ScheduleExpression=every(settings.every_days),
                Duration="2h",  # from midnight UTC: before backup and maintenance
            ),
        )
    )


def measure_age(
    template: StackTemplate, function: awslambda.Function, secrets: Sequence[secretsmanager.Secret]
) -> None:
    """The function tells the secrets' age, which AWS does not; rotation/age.py says how.

    A call that finds the function busy is throttled; Lambda tries it again for up to six hours, as it does
    every asynchronous one.
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
    """
    schedule = template.add_resource(
        events.Rule(
            "AgeSchedule",
            Metadata=why(
                "A rotation that never begins fails nowhere; it shows in the age of what it leaves."
            ),
            Description="Has the age of the logins to the database measured",
            State="ENABLED",
            ScheduleExpression=AGE_SCHEDULE,
            Targets=[
                events.Target(
                    Id=secret.title,
                    Arn=function.get_att("Arn"),
                    Input=Sub(f'{{"Measure": "SecretAge", "SecretId": "${{{secret.title}}}"}}'),
                )
                for secret in secrets
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


def login_secret(login: Login, inputs: Inputs, template: StackTemplate) -> secretsmanager.Secret:
    """No name: one that was deleted by hand stays taken for 30 days.

    CloudFormation deletes a secret at once and for good, and has no property to do otherwise
    (https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1999). So it is kept where
    the database is: what is restored from its snapshot has these logins. Beside a new secret its two users
    are dropped first: docs/rotation.md.
    """
    return secretsmanager.Secret(
        login.title,
        **template.retention,
        Metadata=why(login.reason, login.must),
        Description=login.description,
        KmsKeyId=inputs.secrets_key_arn,
        GenerateSecretString=secretsmanager.GenerateSecretString(
            SecretStringTemplate=json.dumps({"username": login.username, "dbname": DATABASE}),
            GenerateStringKey="password",
            PasswordLength=32,
            ExcludePunctuation=True,
        ),
    )


def rotation_function(
    inputs: Inputs, role: iam.Role, log: logs.LogGroup, undone: QueueArn
) -> awslambda.Function:
    environment = variables(
        Settings,
        {
            "database_host": inputs.database_address,
            "master_secret_arn": inputs.master_secret_arn,
            "database_ca_file": CA_FILE,
        },
    )
    return awslambda.Function(
        "Function",
        Metadata=why("Secrets Manager rotates nothing by itself: it calls this, four steps a rotation."),
        Description="Rotates the logins to the database, and tells their age",
        Runtime="python3.13",
        Architectures=["arm64"],
        Handler="rotation.handler.handle",
        Code=awslambda.Code(S3Bucket=inputs.code_bucket, S3Key=inputs.code_key),
        Role=role.get_att("Arn"),
        MemorySize=256,
        Timeout=TIMEOUT_SECONDS,
        ReservedConcurrentExecutions=AT_ONCE,
        DeadLetterConfig=awslambda.DeadLetterConfig(TargetArn=undone),
        KmsKeyArn=inputs.secrets_key_arn,
        Environment=awslambda.Environment(Variables=environment),
        LoggingConfig=awslambda.LoggingConfig(LogGroup=Ref(log)),
        VpcConfig=awslambda.VPCConfig(
            SubnetIds=list(inputs.app_subnets), SecurityGroupIds=[inputs.rotation_group]
        ),
    )
