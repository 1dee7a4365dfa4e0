"""Where the processor tells the plant's people what the readings say, and who may speak there.

Apart from the platform's own notifications (stacks/alerts.py), since others read it. It stands with the
processor, the one that speaks to it, since its policy names that role (docs/decisions/plant-topic.md).
"""

from awacs import sns as can
from awacs.aws import Allow, ArnNotEquals, Condition, Deny, PolicyDocument, Principal, Statement
from troposphere import Ref, Sub, iam, sns

from stacks import alerts
from stacks.context import why
from stacks.wiring import Address, KeyArn, TopicArn


def named(environment: str) -> str:
    """Fixed, so that the network's endpoint can name it, which is made before it (stacks/endpoints.py)."""
    return f"millrace-{environment}-plant-alarms"


def arn(environment: str) -> Sub:
    return Sub("arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:" + named(environment))


def topic(environment: str, key: KeyArn) -> sns.Topic:
    return sns.Topic(
        "PlantAlarms",
        Metadata=why(
            "tells the plant's people what the readings are watched for",
            "be encrypted with a key that its publisher may use",
        ),
        TopicName=named(environment),
        KmsMasterKeyId=key,
    )


def may_publish(made: sns.Topic) -> Statement:
    """The batch's too: IAM has one action for Publish and PublishBatch.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html
    """
    return Statement(Sid="TellThePlant", Effect=Allow, Action=[can.Publish], Resource=[Ref(made)])


def closed(made: sns.Topic, publisher: iam.Role) -> sns.TopicPolicy:
    """It lets nobody in: within an account IAM does that. Whoever else IAM lets publish is refused here.

    Of a role the key has the role's ARN, not its session's. AWS advises it before NotPrincipal, which with a
    permissions boundary refuses whom it names. Where a request has no such key the negated comparison holds.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    """
    return sns.TopicPolicy(
        "PlantAlarmsPolicy",
        Metadata=why("an alarm that anybody else may send is one that nobody can trust"),
        Topics=[Ref(made)],
        PolicyDocument=PolicyDocument(
            Version="2012-10-17",
            Statement=[
                alerts.tls_only(TopicArn(Ref(made))),
                Statement(
                    Sid="RefuseAllButTheProcessor",
                    Effect=Deny,
                    Principal=Principal("*"),
                    Action=[can.Publish],
                    Resource=[Ref(made)],
                    Condition=Condition(ArnNotEquals("aws:PrincipalArn", publisher.get_att("Arn"))),
                ),
            ],
        ),
    )


def subscription(made: sns.Topic, address: Address) -> sns.SubscriptionResource:
    return sns.SubscriptionResource(
        "PlantMail",
        Metadata=why("who is told of the plant's alarms; the address confirms once, as for notifications"),
        TopicArn=Ref(made),
        Protocol="email",
        Endpoint=address,
    )
