"""What every queue here refuses, whatever IAM grants: other accounts, and calls without TLS."""

from awacs import sqs as can
from awacs.aws import (
    Bool,
    Condition,
    ConditionElement,
    Deny,
    PolicyDocument,
    Principal,
    Statement,
    StringNotEquals,
)
from troposphere import Ref, sqs

from stacks.context import why


def closed(queue: sqs.Queue) -> sqs.QueuePolicy:
    return sqs.QueuePolicy(
        f"{queue.title}Policy",
        Metadata=why("whatever IAM grants, nobody outside this account and nothing without TLS"),
        Queues=[Ref(queue)],
        PolicyDocument=PolicyDocument(
            Version="2012-10-17",
            Statement=[
                _refuse("RefuseWithoutTls", queue, Bool("aws:SecureTransport", "false")),
                _refuse(
                    "RefuseOtherAccounts",
                    queue,
                    StringNotEquals("aws:PrincipalAccount", Ref("AWS::AccountId")),
                ),
            ],
        ),
    )


def _refuse(sid: str, queue: sqs.Queue, condition: ConditionElement) -> Statement:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-security-best-practices.html"""
    return Statement(
        Sid=sid,
        Effect=Deny,
        Principal=Principal("*"),
        Action=[can.Action("*")],
        Resource=[queue.get_att("Arn")],
        Condition=Condition(condition),
    )
