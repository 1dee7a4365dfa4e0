"""The door for devices: an MQTT topic each, a rule that carries what they publish into the stream.

Topics: millrace/<environment>/<enterprise>/<site>/<area>/<line>/<cell>/<device>. Eight levels are the most
that IoT Core takes; the last is the thing's name and the partition key, so a device's readings stay in order.
"""

from dataclasses import dataclass

from awacs import iot as can
from awacs.aws import Allow, Bool, Condition, PolicyDocument, Principal, Statement, StringEquals
from awacs.sts import AssumeRole
from troposphere import Ref, Sub, iam, iot

from stacks import keys, stream
from stacks.context import why
from stacks.wiring import KeyArn, QueueArn, QueueUrl, StackTemplate, StreamArn, StreamName, TopicRuleName

SQL_VERSION = "2016-03-23"
DEVICE = "${topic(8)}"
PLACE = "/+" * 5  # enterprise, site, area, line, cell
THING = "${!iot:Connection.Thing.ThingName}"  # IoT's variable, kept from Fn::Sub by the mark


@dataclass(frozen=True)
class Inputs:
    stream_arn: StreamArn
    stream_name: StreamName
    dead_letters_arn: QueueArn
    dead_letters_url: QueueUrl
    data_key_arn: KeyArn


@dataclass(frozen=True)
class Outputs:
    rule_name: TopicRuleName  # what its metrics are counted by


def build(template: StackTemplate, inputs: Inputs, settings: None) -> Outputs:
    role = template.add_resource(carrier(inputs))
    prefix = f"millrace/{template.environment}"
    carries = template.add_resource(rule(inputs, role, prefix))
    template.add_resource(
        iot.Policy(
            "Device",
            Metadata=why(
                "what a device's certificate lets it do: speak for itself, listen to nothing",
                "be bound to the thing that the certificate is attached to",
            ),
            PolicyDocument=PolicyDocument(
                Version="2012-10-17", Statement=[may_connect(), may_publish(prefix)]
            ),
        )
    )
    template.add_resource(
        iam.ManagedPolicy(
            "Gateway",
            Metadata=why("for a gateway with AWS credentials of its own, which puts batches directly"),
            Description=f"Put readings into the stream of millrace {template.environment}",
            PolicyDocument=PolicyDocument(
                Version="2012-10-17",
                Statement=[stream.may_put(inputs.stream_arn), keys.may_make_data_keys(inputs.data_key_arn)],
            ),
        )
    )
    return Outputs(rule_name=TopicRuleName(Ref(carries)))


def rule(inputs: Inputs, role: iam.Role, prefix: str) -> iot.TopicRule:
    return iot.TopicRule(
        "Readings",
        Metadata=why(
            "carries each message as it came, binary ones too, since nothing but * is selected",
            "partition by device, or a device's readings lose their order",
            "keep what it cannot deliver",
        ),
        TopicRulePayload=iot.TopicRulePayload(
            AwsIotSqlVersion=SQL_VERSION,
            Description="Readings of every device into the stream",
            RuleDisabled=False,
            Sql=f"SELECT * FROM '{prefix}{PLACE}/+'",  # noqa: S608 - IoT's own language; no input
            Actions=[
                iot.Action(
                    Kinesis=iot.KinesisAction(
                        StreamName=inputs.stream_name, PartitionKey=DEVICE, RoleArn=role.get_att("Arn")
                    )
                )
            ],
            ErrorAction=iot.Action(
                Sqs=iot.SqsAction(
                    QueueUrl=inputs.dead_letters_url, RoleArn=role.get_att("Arn"), UseBase64=False
                )
            ),
        ),
    )


def carrier(inputs: Inputs) -> iam.Role:
    return iam.Role(
        "Carrier",
        Metadata=why("what the rule may do on its way from a topic to the stream or the dead letters"),
        AssumeRolePolicyDocument=PolicyDocument(
            Version="2012-10-17",
            Statement=[
                Statement(
                    Effect=Allow,
                    Principal=Principal("Service", ["iot.amazonaws.com"]),
                    Action=[AssumeRole],
                    Condition=Condition(StringEquals("aws:SourceAccount", Ref("AWS::AccountId"))),
                )
            ],
        ),
        Policies=[
            iam.Policy(
                PolicyName="carry",
                PolicyDocument=PolicyDocument(
                    Version="2012-10-17",
                    Statement=[
                        stream.may_put(inputs.stream_arn),
                        stream.may_set_aside(inputs.dead_letters_arn),
                        keys.may_encrypt(inputs.data_key_arn),
                    ],
                ),
            )
        ],
    )


def may_connect() -> Statement:
    """https://docs.aws.amazon.com/iot/latest/developerguide/thing-policy-variables.html"""
    return Statement(
        Sid="ConnectAsItself",
        Effect=Allow,
        Action=[can.Connect],
        Resource=[iot_arn(f"client/{THING}")],
        Condition=Condition(Bool("iot:Connection.Thing.IsAttached", "true")),
    )


def may_publish(prefix: str) -> Statement:
    """`*` crosses levels in an IoT policy, but the last level must still be the thing's own name."""
    return Statement(
        Sid="PublishAsItself",
        Effect=Allow,
        Action=[can.Publish],
        Resource=[iot_arn(f"topic/{prefix}{PLACE.replace('+', '*')}/{THING}")],
    )


def iot_arn(resource: str) -> Sub:
    return Sub("arn:${AWS::Partition}:iot:${AWS::Region}:${AWS::AccountId}:" + resource)
