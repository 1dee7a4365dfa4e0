"""The keys, one per data domain, and what each party may do with them.

In each key's policy stand the services that use it in their own name, each with the least that AWS's page
for it asks for; whoever uses a key in a name of IAM has a grant of its own, below.

kms:ViaService narrows neither the data nor the secrets key as a whole. What it would refuse is a holder of
a grant calling KMS directly, and that gains nothing: what these keys have encrypted never leaves Kinesis,
RDS, ElastiCache, DynamoDB, SNS, SQS or Secrets Manager as ciphertext. The policy's first statement must not
have it either, or nobody could administer the key; and a service whose name is missing from the list fails
only where it is first used. The exceptions are grants for which one service's name is enough: the gateway's,
whose credentials lie outside AWS and could do nothing else besides putting, and those of the processor's for
what it does beside reading the stream.
https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
"""

from dataclasses import dataclass

from awacs import kms as can
from awacs.aws import Allow, ArnLike, Condition, PolicyDocument, Principal, Statement, StringEquals
from troposphere import Ref, Sub, kms

from parameters import sections as parameters
from stacks.context import why
from stacks.wiring import KeyArn, StackTemplate

ACCOUNT = Sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")


@dataclass(frozen=True)
class Inputs:
    pass


@dataclass(frozen=True)
class Outputs:
    data_key_arn: KeyArn  # readings: the stream, the database, the cache, the lease table
    secrets_key_arn: KeyArn
    logs_key_arn: KeyArn
    alerts_key_arn: KeyArn  # notifications, of the platform and of the plant


def may_decrypt(key: KeyArn) -> Statement:
    return Statement(Effect=Allow, Action=[can.Decrypt], Resource=[key])


def through(service: str) -> StringEquals:
    """Narrows a grant to calls that a service of this region makes in the holder's name.

    Its value is <service>.<region>.amazonaws.com.
    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
    """
    return StringEquals("kms:ViaService", Sub(f"{service}.${{AWS::Region}}.${{AWS::URLSuffix}}"))


def may_make_data_keys_through(key: KeyArn, service: str) -> Statement:
    """All that a producer of a stream needs, and through that service only: it can write what it cannot read.

    https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html
    """
    return Statement(
        Effect=Allow,
        Action=[can.GenerateDataKey],
        Resource=[key],
        Condition=Condition(through(service)),
    )


def may_encrypt(key: KeyArn) -> Statement:
    """Who sends to a queue or writes a secret makes data keys, and verifies them by decrypting.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    """
    return Statement(Effect=Allow, Action=[can.GenerateDataKey, can.Decrypt], Resource=[key])


def may_encrypt_through(key: KeyArn, service: str) -> Statement:
    """The same through one service only. Who publishes to an encrypted topic does both, too.

    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#send-to-encrypted-topic
    """
    return Statement(
        Effect=Allow,
        Action=[can.GenerateDataKey, can.Decrypt],
        Resource=[key],
        Condition=Condition(through(service)),
    )


def build(template: StackTemplate, inputs: Inputs, settings: parameters.Keys) -> Outputs:
    def key(title: str, description: str, reason: str, *grants: Statement) -> KeyArn:
        made = template.add_resource(
            kms.Key(
                title,
                Metadata=why(reason),
                Description=f"millrace {template.environment}: {description}",
                EnableKeyRotation=True,
                RotationPeriodInDays=settings.rotation_days,
                PendingWindowInDays=settings.deletion_window_days,
                KeyPolicy=PolicyDocument(Version="2012-10-17", Statement=[administrators(), *grants]),
                **template.retention,
            )
        )
        return KeyArn(made.get_att("Arn"))

    return Outputs(
        data_key_arn=key(
            "Data", "readings at rest", "who may read the plant's data is decided apart from all else"
        ),
        secrets_key_arn=key(
            "Secrets", "database credentials", "a reader of data must not thereby read credentials"
        ),
        logs_key_arn=key(
            "Logs", "log groups", "the log service holds this key and no other", log_service(template)
        ),
        alerts_key_arn=key(
            "Alerts", "notifications", "who publishes may do it without a key to the data", *publishers()
        ),
    )


def administrators() -> Statement:
    """IAM decides within the account; without this statement a key can lock its owner out for good."""
    return Statement(
        Sid="AccountDecidesThroughIam",
        Effect=Allow,
        Principal=Principal("AWS", [ACCOUNT]),
        Action=[can.Action("*")],
        Resource=["*"],
    )


def log_service(template: StackTemplate) -> Statement:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html

    AWS's example has kms:Describe* too, to no effect: DescribeKey knows no encryption context, so a condition
    on it never holds. https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html
    """
    in_account = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group"
    groups = [
        Sub(f"{in_account}:{template.log_group_name('*')}"),
        # RDS alone has names of its own: /aws/rds/instance/<instance>/<log>.
        Sub(f"{in_account}:/aws/rds/instance/millrace-{template.environment}/*"),
        Sub(f"{in_account}:/aws/ecs/containerinsights/millrace-{template.environment}/*"),  # and ECS
    ]
    return Statement(
        Sid="LogGroupsOfThisEnvironment",
        Effect=Allow,
        Principal=Principal("Service", [Sub("logs.${AWS::Region}.amazonaws.com")]),
        Action=[
            can.Encrypt,
            can.Decrypt,
            can.ReEncryptFrom,
            can.ReEncryptTo,
            can.GenerateDataKey,
            can.GenerateDataKeyWithoutPlaintext,
        ],
        Resource=["*"],
        Condition=Condition(ArnLike("kms:EncryptionContext:aws:logs:arn", groups)),
    )


def publishers() -> list[Statement]:
    """Who publishes to an encrypted topic must hold its key.

    EventBridge sends no SourceAccount to KMS: with a condition its events vanish without a trace.
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    publish = [can.Decrypt, can.GenerateDataKey]
    of_this_account = Condition(StringEquals("aws:SourceAccount", Ref("AWS::AccountId")))
    return [
        Statement(
            Sid="AlarmsPublish",
            Effect=Allow,
            Principal=Principal("Service", ["cloudwatch.amazonaws.com"]),
            Action=publish,
            Resource=["*"],
            Condition=of_this_account,
        ),
        Statement(
            Sid="EventsPublish",
            Effect=Allow,
            Principal=Principal("Service", ["events.amazonaws.com"]),
            Action=publish,
            Resource=["*"],
        ),
    ]
