"""Ways to AWS's services that never leave the network, and what may pass through each."""

from collections.abc import Sequence

from awacs import dynamodb, s3
from awacs.aws import Action as AnyAction
from awacs.aws import Allow, Condition, PolicyDocument, Principal, Statement, StringEquals
from troposphere import Ref, Sub, ec2

from stacks.context import why
from stacks.wiring import SecurityGroupId, StackTemplate, SubnetId, VpcId

# Everything that the tasks, their agent and the function call when no NAT gateway leads out.
INTERFACES = {
    "KinesisStreams": "kinesis-streams",
    "SecretsManager": "secretsmanager",
    "Logs": "logs",
    "Monitoring": "monitoring",
    "EcrApi": "ecr.api",
    "EcrDocker": "ecr.dkr",
    "Sts": "sts",
    "Kms": "kms",
}


def gateways(template: StackTemplate, vpc_id: VpcId, tables: Sequence[Ref]) -> None:
    """S3 and DynamoDB: free, and cheaper than NAT in every mode."""
    layers = Statement(
        Sid="LayersOfImages",
        Effect=Allow,
        Principal=Principal("*"),
        Action=[s3.GetObject],
        # ECR keeps images' layers in a bucket of its own:
        # https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
        Resource=[Sub("arn:${AWS::Partition}:s3:::prod-${AWS::Region}-starport-layer-bucket/*")],
    )
    for title, service, statements in (
        ("S3", "s3", [own(s3.Action("*")), layers]),
        ("DynamoDb", "dynamodb", [own(dynamodb.Action("*"))]),
    ):
        template.add_resource(
            ec2.VPCEndpoint(
                f"{title}Endpoint",
                Metadata=why(f"the app tier's way to {service}, free of charge", *_must(title)),
                VpcId=vpc_id,
                VpcEndpointType="Gateway",
                ServiceName=Sub(f"com.amazonaws.${{AWS::Region}}.{service}"),
                RouteTableIds=list(tables),
                PolicyDocument=PolicyDocument(Version="2012-10-17", Statement=statements),
            )
        )


def _must(title: str) -> list[str]:
    return ["admit ECR's layer bucket, or no image can be pulled"] if title == "S3" else []


def interfaces(
    template: StackTemplate, vpc_id: VpcId, subnets: Sequence[SubnetId], group: SecurityGroupId
) -> None:
    for title, service in INTERFACES.items():
        template.add_resource(
            ec2.VPCEndpoint(
                f"{title}Endpoint",
                Metadata=why(f"the app tier's only way to {service}"),
                VpcId=vpc_id,
                VpcEndpointType="Interface",
                ServiceName=Sub(f"com.amazonaws.${{AWS::Region}}.{service}"),
                SubnetIds=list(subnets),
                SecurityGroupIds=[group],
                PrivateDnsEnabled=True,
                PolicyDocument=PolicyDocument(
                    Version="2012-10-17", Statement=[own(AnyAction(_prefix(service), "*"))]
                ),
            )
        )


def _prefix(service: str) -> str:
    """The service's name in IAM, which differs from its name as an endpoint for a few."""
    return {
        "kinesis-streams": "kinesis",
        "monitoring": "cloudwatch",
        "ecr.api": "ecr",
        "ecr.dkr": "ecr",
    }.get(service, service)


def own(action: AnyAction) -> Statement:
    """This account's callers only: no way to carry data out with somebody else's credentials."""
    return Statement(
        Sid="CallersOfThisAccount",
        Effect=Allow,
        Principal=Principal("*"),
        Action=[action],
        Resource=["*"],
        Condition=Condition(StringEquals("aws:PrincipalAccount", Ref("AWS::AccountId"))),
    )
