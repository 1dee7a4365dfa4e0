"""The two roles of a task: one that ECS starts it with, one that it runs with."""

from awacs import ecr, sts
from awacs import logs as can_log
from awacs.aws import Allow, ArnLike, Condition, PolicyDocument, Principal, Statement, StringEquals
from troposphere import Ref, Sub, iam, logs

from stacks.context import why


def trust_of_tasks() -> PolicyDocument:
    """Tasks of this account only: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html"""
    tasks = Sub("arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:*")
    return PolicyDocument(
        Version="2012-10-17",
        Statement=[
            Statement(
                Effect=Allow,
                Principal=Principal("Service", ["ecs-tasks.amazonaws.com"]),
                Action=[sts.AssumeRole],
                Condition=Condition(
                    [
                        StringEquals("aws:SourceAccount", Ref("AWS::AccountId")),
                        ArnLike("aws:SourceArn", tasks),
                    ]
                ),
            )
        ],
    )


def execution_role(environment: str, log: logs.LogGroup, *grants: Statement) -> iam.Role:
    """What ECS needs to start the task, and these grants; the task itself never has any of it."""
    repository = (
        "arn:${AWS::Partition}:ecr:${AWS::Region}:${AWS::AccountId}:repository/" + f"millrace/{environment}"
    )
    return iam.Role(
        "ExecutionRole",
        Metadata=why(
            "Pulls the image, opens the log, hands the migrations their login: the task may none of it."
        ),
        AssumeRolePolicyDocument=trust_of_tasks(),
        Policies=[
            iam.Policy(
                PolicyName="StartTask",
                PolicyDocument=PolicyDocument(
                    Version="2012-10-17",
                    Statement=[
                        Statement(
                            Sid="LogInToRegistry",  # the token is the account's; the action knows no resource
                            Effect=Allow,
                            Action=[ecr.GetAuthorizationToken],
                            Resource=["*"],
                        ),
                        Statement(
                            Sid="PullImage",
                            Effect=Allow,
                            Action=[
                                ecr.BatchCheckLayerAvailability,
                                ecr.BatchGetImage,
                                ecr.GetDownloadUrlForLayer,
                            ],
                            Resource=[Sub(repository)],
                        ),
                        Statement(
                            Sid="WriteLog",
                            Effect=Allow,
                            Action=[can_log.CreateLogStream, can_log.PutLogEvents],
                            Resource=[log.get_att("Arn")],
                        ),
                        *grants,
                    ],
                ),
            )
        ],
    )


def task_role(*grants: Statement) -> iam.Role:
    """What the processor itself may do: the grants that it is given, and no more."""
    return iam.Role(
        "TaskRole",
        Metadata=why(
            "What the processor may do: read the stream, read its login, log in to the cache, tell the plant."
        ),
        AssumeRolePolicyDocument=trust_of_tasks(),
        Policies=[
            iam.Policy(
                PolicyName="CarryReadings",
                PolicyDocument=PolicyDocument(Version="2012-10-17", Statement=list(grants)),
            )
        ],
    )
