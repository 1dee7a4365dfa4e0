"""Ways to AWS's services that never leave the network, and what may pass through each.

A policy on an endpoint grants nothing: it is the most that may pass. Each names the actions that callers
here have a use for, and binds both sides to this account: foreign credentials carry nothing out, and ours
reach nothing in a foreign account. Why each service is here, or is not: docs/decisions/endpoints.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from awacs import dynamodb, ecr, kinesis, logs, s3, secretsmanager, sns
from awacs.aws import Action, Allow, Condition, PolicyDocument, Principal, Statement, StringEquals
from troposphere import Ref, Sub, ec2

from stacks import plant_topic
from stacks.context import why
from stacks.wiring import SecurityGroupId, StackTemplate, SubnetId, VpcId


class Callers(StrEnum):
    """Who calls a service, and thereby which security group its endpoint has."""

    TASKS = "Endpoints"
    TASKS_AND_ROTATION = "SecretsEndpoint"


@dataclass(frozen=True)
class Interface:
    title: str
    service: str
    callers: Callers
    statements: tuple[Statement, ...]


def of_this_account(*actions: Action, resource: Sub | str = "*") -> Statement:
    """This account's callers and this account's resources, or those of them that `resource` names.

    aws:ResourceAccount is there for every action of these services that has a resource:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-resourceaccount
    """
    account = Ref("AWS::AccountId")
    return Statement(
        Sid="ThisAccountToItself",
        Effect=Allow,
        Principal=Principal("*"),
        Action=list(actions),
        Resource=[resource],
        Condition=Condition(StringEquals({"aws:PrincipalAccount": account, "aws:ResourceAccount": account})),
    )


def by_this_account(*actions: Action) -> Statement:
    """For an action that names no resource: it can reach nothing but its caller's own account anyway."""
    return Statement(
        Sid="ThisAccountWithoutResource",
        Effect=Allow,
        Principal=Principal("*"),
        Action=list(actions),
        Resource=["*"],
        Condition=Condition(StringEquals("aws:PrincipalAccount", Ref("AWS::AccountId"))),
    )


# Both endpoints of the registry see the same calls, so both have the same policy, as AWS advises:
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
PULL = (
    by_this_account(ecr.GetAuthorizationToken),
    of_this_account(ecr.BatchCheckLayerAvailability, ecr.BatchGetImage, ecr.GetDownloadUrlForLayer),
)


def services(environment: str) -> tuple[Interface, ...]:
    return (
        Interface(
            "KinesisStreams",
            "kinesis-streams",
            Callers.TASKS,
            (
                of_this_account(
                    kinesis.DescribeStreamSummary,
                    kinesis.GetRecords,
                    kinesis.GetShardIterator,
                    kinesis.ListShards,
                    kinesis.SubscribeToShard,  # with processor.retrieval: fan_out
                ),
            ),
        ),
        Interface(
            "SecretsManager",
            "secretsmanager",
            Callers.TASKS_AND_ROTATION,
            (
                of_this_account(
                    secretsmanager.DescribeSecret,
                    secretsmanager.GetSecretValue,
                    secretsmanager.PutSecretValue,
                    secretsmanager.UpdateSecretVersionStage,
                ),
            ),
        ),
        Interface("Logs", "logs", Callers.TASKS, (of_this_account(logs.CreateLogStream, logs.PutLogEvents),)),
        # To the plant's topic alone: the platform's own is spoken to from outside, by alarms and rules.
        Interface(
            "Sns",
            "sns",
            Callers.TASKS,
            (of_this_account(sns.Publish, resource=plant_topic.arn(environment)),),
        ),
        Interface("EcrApi", "ecr.api", Callers.TASKS, PULL),
        Interface("EcrDocker", "ecr.dkr", Callers.TASKS, PULL),
    )


def leases(environment: str) -> Statement:
    """The lease table's calls, on the tables that are named after the environment, and their indexes.

    As stacks/engine_table.py grants them. AWS's page has UpdateTable and ConditionCheckItem too, for tables
    that the library makes or moves:
    https://docs.aws.amazon.com/streams/latest/dev/kcl-iam-permissions.html
    """
    here = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}"
    return of_this_account(
        dynamodb.DeleteItem,
        dynamodb.DescribeTable,
        dynamodb.GetItem,
        dynamodb.PutItem,
        dynamodb.Query,
        dynamodb.Scan,
        dynamodb.UpdateItem,
        resource=Sub(f"{here}:table/millrace-{environment}-*"),  # its last * takes in /index/… as well
    )


def layers() -> Statement:
    """ECR keeps images' layers in a bucket of its own, and signs the way there with an account of its own.

    Hence no condition on the caller. Nothing of ours calls S3 from within: Lambda fetches code by itself.
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
    https://github.com/aws-samples/data-perimeter-policy-examples/blob/main/service_owned_resources.md
    """
    return Statement(
        Sid="LayersOfImages",
        Effect=Allow,
        Principal=Principal("*"),
        Action=[s3.GetObject],
        Resource=[Sub("arn:${AWS::Partition}:s3:::prod-${AWS::Region}-starport-layer-bucket/*")],
    )


def gateways(template: StackTemplate, vpc_id: VpcId, tables: Sequence[Ref]) -> None:
    """S3 and DynamoDB: free, and cheaper than NAT in every mode."""
    own_tables = leases(template.environment)
    for title, service, statement in (("S3", "s3", layers()), ("DynamoDb", "dynamodb", own_tables)):
        template.add_resource(
            ec2.VPCEndpoint(
                f"{title}Endpoint",
                Metadata=why(f"the app tier's way to {service}, free of charge", *_must(title)),
                VpcId=vpc_id,
                VpcEndpointType="Gateway",
                ServiceName=Sub(f"com.amazonaws.${{AWS::Region}}.{service}"),
                RouteTableIds=list(tables),
                PolicyDocument=PolicyDocument(Version="2012-10-17", Statement=[statement]),
            )
        )


def _must(title: str) -> list[str]:
    return ["admit ECR's layer bucket, or no image can be pulled"] if title == "S3" else []


def interfaces(
    template: StackTemplate,
    vpc_id: VpcId,
    subnets: Sequence[SubnetId],
    groups: dict[Callers, SecurityGroupId],
) -> None:
    for interface in services(template.environment):
        template.add_resource(
            ec2.VPCEndpoint(
                f"{interface.title}Endpoint",
                Metadata=why(f"the app tier's only way to {interface.service}"),
                VpcId=vpc_id,
                VpcEndpointType="Interface",
                ServiceName=Sub(f"com.amazonaws.${{AWS::Region}}.{interface.service}"),
                SubnetIds=list(subnets),
                SecurityGroupIds=[groups[interface.callers]],
                PrivateDnsEnabled=True,
                PolicyDocument=PolicyDocument(Version="2012-10-17", Statement=list(interface.statements)),
            )
        )
