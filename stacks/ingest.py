"""The door for devices: an MQTT topic each, a rule that carries what they publish into the stream.

Topics: millrace/<environment>/<enterprise>/<site>/<area>/<line>/<cell>/<device>. Eight levels are the most
that IoT Core takes; the last six are the device's path and the partition key, so a device's readings stay in
order. Who may publish where stands in `devices`. What a message says of its own path is not compared with its
topic here: a condition on the payload would lose every compressed one. The processor compares it with the
partition key (docs/decisions/binding.md).
"""

from dataclasses import dataclass

from awacs.aws import PolicyDocument
from troposphere import Ref, iam, iot

from stacks import devices, keys, stream
from stacks.context import why
from stacks.wiring import KeyArn, QueueArn, QueueUrl, StackTemplate, StreamArn, StreamName, TopicRuleName

SQL_VERSION = "2016-03-23"
PLACE = "/+" * len(devices.LEVELS)
# A key may be made of expressions: https://docs.aws.amazon.com/iot/latest/developerguide/kinesis-rule-action.html
DEVICE = "/".join(f"${{topic({level})}}" for level in range(3, 3 + len(devices.LEVELS) + 1))


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
    devices.build(template, prefix)
    template.add_resource(
        iam.ManagedPolicy(
            "Gateway",
            Metadata=why(
                "for a gateway with AWS credentials of its own, which puts batches directly",
                "let it put and nothing else: neither read nor look",
            ),
            Description=f"Put readings into the stream of millrace {template.environment}",
            PolicyDocument=PolicyDocument(
                Version="2012-10-17",
                Statement=[
                    stream.may_put(inputs.stream_arn),
                    keys.may_make_data_keys_through(inputs.data_key_arn, "kinesis"),
                ],
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
    """https://docs.aws.amazon.com/iot/latest/developerguide/kinesis-rule-action.html and sqs-rule-action.html

    The error action is an action like another: it needs this role's right to send, and the queue's key.
    """
    return iam.Role(
        "Carrier",
        Metadata=why("what the rule may do on its way from a topic to the stream or the dead letters"),
        AssumeRolePolicyDocument=devices.trust_of_iot("rule/*"),
        Policies=[
            iam.Policy(
                PolicyName="carry",
                PolicyDocument=PolicyDocument(
                    Version="2012-10-17",
                    Statement=[
                        stream.may_put_one(inputs.stream_arn),
                        stream.may_set_aside(inputs.dead_letters_arn),
                        keys.may_encrypt(inputs.data_key_arn),
                    ],
                ),
            )
        ],
    )
