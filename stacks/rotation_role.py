"""What the rotation's function may do: three secrets, one key, its own log, queue and network."""

from collections.abc import Sequence

from awacs import ec2, sts
from awacs import logs as can_log
from awacs import secretsmanager as can
from awacs import sqs as queue_can
from awacs.aws import Allow, ArnLike, Condition, Deny, PolicyDocument, Principal, Statement
from troposphere import Sub, iam, logs

from stacks import keys
from stacks.context import why
from stacks.wiring import KeyArn, QueueArn, SecretArn


def function_role(
    secrets: Sequence[SecretArn],
    master_secret: SecretArn,
    key: KeyArn,
    log: logs.LogGroup,
    undone: QueueArn,
) -> iam.Role:
    """Lambda hands over no source when it assumes a role, so the trust names the service alone.

    Whoever wants another function to have this role needs iam:PassRole on it, in this account.
    """
    return iam.Role(
        "FunctionRole",
        Metadata=why("What the function may do: three secrets, one key, its own log, its own queue."),
        AssumeRolePolicyDocument=PolicyDocument(
            Version="2012-10-17",
            Statement=[
                Statement(
                    Effect=Allow,
                    Principal=Principal("Service", ["lambda.amazonaws.com"]),
                    Action=[sts.AssumeRole],
                )
            ],
        ),
        Policies=[
            iam.Policy(
                PolicyName="Rotate",
                PolicyDocument=PolicyDocument(
                    Version="2012-10-17",
                    Statement=[
                        may_rotate_secrets(secrets),
                        Statement(
                            Sid="ReadMasterSecret",
                            Effect=Allow,
                            Action=[can.GetSecretValue],
                            Resource=[master_secret],
                        ),
                        keys.may_encrypt(key),
                        Statement(
                            Sid="WriteLog",
                            Effect=Allow,
                            Action=[can_log.CreateLogStream, can_log.PutLogEvents],
                            Resource=[log.get_att("Arn")],
                        ),
                        may_set_aside(undone),
                        *may_join_network(),
                    ],
                ),
            )
        ],
    )


def may_join_network() -> list[Statement]:
    """Lambda makes the function's network interfaces with the function's own role, before they have a name.

    It checks that the role may delete any of them, and EC2 describes none by name: "*" is for what reads,
    all of this account's and region's for what writes. The last statement keeps the function's own code from
    doing the same. https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
    """
    writes = [
        ec2.CreateNetworkInterface,
        ec2.DeleteNetworkInterface,
        ec2.AssignPrivateIpAddresses,
        ec2.UnassignPrivateIpAddresses,
    ]
    reads = [ec2.DescribeNetworkInterfaces, ec2.DescribeSubnets]
    here = Sub("arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:*/*")
    function = Sub("arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:*")
    return [
        Statement(Sid="LambdaJoinsNetwork", Effect=Allow, Action=writes, Resource=[here]),
        Statement(Sid="LambdaSeesNetwork", Effect=Allow, Action=reads, Resource=["*"]),
        Statement(
            Sid="CodeDoesNot",
            Effect=Deny,
            Action=[*writes, *reads],
            Resource=["*"],
            Condition=Condition(ArnLike("lambda:SourceFunctionArn", function)),
        ),
    ]


def may_rotate_secrets(secrets: Sequence[SecretArn]) -> Statement:
    return Statement(
        Sid="RotateLoginSecrets",
        Effect=Allow,
        Action=[can.DescribeSecret, can.GetSecretValue, can.PutSecretValue, can.UpdateSecretVersionStage],
        Resource=list(secrets),
    )


def may_set_aside(undone: QueueArn) -> Statement:
    """Lambda sends with the function's role: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html"""
    return Statement(Sid="SetAside", Effect=Allow, Action=[queue_can.SendMessage], Resource=[undone])
