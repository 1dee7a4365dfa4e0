"""The alarms that say when readings stop, slow down or get lost, and one page that shows how all is."""

from dataclasses import dataclass

from troposphere import cloudwatch

from parameters import sections as parameters
from stacks import retrieval
from stacks.alarm import Guidance, any_of
from stacks.commit_alarms import commit_alarms
from stacks.dashboard import Watched, dashboard
from stacks.event_rules import event_rules
from stacks.operation_alarms import age_alarms, credential_alarms, message_alarms, way_out_alarms
from stacks.reading_alarms import door_alarms, processor_alarms, stream_alarms
from stacks.store_alarms import cache_alarms, database_alarms
from stacks.telling_alarms import telling_alarms
from stacks.wiring import (
    AlarmArn,
    CacheMemberId,
    ClusterName,
    ConsumerName,
    DatabaseId,
    FunctionName,
    KeyArn,
    NatGatewayId,
    QueueName,
    SecretArn,
    ServiceName,
    StackTemplate,
    StreamName,
    TopicArn,
    TopicName,
    TopicRuleName,
)

# In these the plant's readings do not arrive, or soon will not, and nothing mends it by itself. The others
# can wait for the morning.
STOPPED = (
    "Silence",
    "ReadingsLost",
    "DeadLetters",
    "Lag",
    "ReadingsExpire",
    "GapFound",
    "NothingCommitted",
    "ShardUnread",
    "TasksMissing",
    "DatabaseStorage",
    "DatabaseTransactionIds",
)
# What a deployment that breaks the readings' way raises within minutes. Not among them: what is on for days
# (dead letters), what a deployment mends (storage), what the plant does (silence).
BROKEN_BY_A_DEPLOYMENT = ("ReadingsLost", "Lag", "TasksMissing")


@dataclass(frozen=True)
class Inputs:
    topic_arn: TopicArn
    topic_name: TopicName
    plant_topic_name: TopicName
    rule_name: TopicRuleName
    stream_name: StreamName
    dead_letters_name: QueueName
    database_id: DatabaseId
    cache_members: tuple[CacheMemberId, ...]
    cluster_name: ClusterName
    service_name: ServiceName
    consumers: tuple[ConsumerName, ...]
    function_name: FunctionName
    undone_name: QueueName
    secret_arn: SecretArn
    migrator_secret_arn: SecretArn
    nat_gateways: tuple[NatGatewayId, ...]
    key_arns: tuple[KeyArn, ...]


@dataclass(frozen=True)
class Outputs:
    rollback_alarm_arns: tuple[AlarmArn, ...]


def build(template: StackTemplate, inputs: Inputs, settings: parameters.Observability) -> Outputs:
    topic = inputs.topic_arn
    lag = retrieval.lag(inputs.stream_name, inputs.consumers)
    rules = event_rules(
        topic,
        secrets=[inputs.secret_arn, inputs.migrator_secret_arn],
        database=inputs.database_id,
        cluster=inputs.cluster_name,
        service=inputs.service_name,
        key_arns=inputs.key_arns,
        repository=f"millrace/{template.environment}",  # as bootstrap named it
    )
    alarms = [
        *door_alarms(topic, inputs.rule_name, inputs.dead_letters_name),
        *stream_alarms(topic, inputs.stream_name, lag, settings),
        *processor_alarms(topic, inputs.cluster_name, inputs.service_name),
        *commit_alarms(topic, inputs.stream_name, settings),
        *telling_alarms(topic, inputs.stream_name, inputs.plant_topic_name),
        *database_alarms(topic, inputs.database_id, settings),
        *[
            of_member
            for number, member in enumerate(inputs.cache_members, start=1)
            for of_member in cache_alarms(topic, member, number)
        ],
        *credential_alarms(topic, inputs.function_name, inputs.undone_name, settings),
        *age_alarms(topic, inputs.secret_arn, inputs.migrator_secret_arn, settings),
        *message_alarms(topic, inputs.topic_name, rules),
        *way_out_alarms(topic, inputs.nat_gateways),
    ]
    stopped = readings_stopped(template.environment, topic, alarms)
    for made in (stopped, *alarms, *rules):
        template.add_resource(made)
    template.add_resource(
        dashboard(
            stopped,
            alarms,
            Watched(
                topic_rule=inputs.rule_name,
                stream=inputs.stream_name,
                consumers=inputs.consumers,
                dead_letters=inputs.dead_letters_name,
                database=inputs.database_id,
                cache_members=inputs.cache_members,
                cluster=inputs.cluster_name,
                service=inputs.service_name,
                function=inputs.function_name,
                undone=inputs.undone_name,
                secrets=[inputs.secret_arn, inputs.migrator_secret_arn],
                topic=inputs.topic_name,
                plant_topic=inputs.plant_topic_name,
                rules=rules,
                nat_gateways=inputs.nat_gateways,
            ),
        )
    )
    by_title = {made.title: made for made in alarms}
    return Outputs(
        rollback_alarm_arns=tuple(
            AlarmArn(by_title[title].get_att("Arn")) for title in BROKEN_BY_A_DEPLOYMENT
        ),
    )


def readings_stopped(
    environment: str, topic: TopicArn, alarms: list[cloudwatch.Alarm]
) -> cloudwatch.CompositeAlarm:
    """What a pager listens to. It has a name, since a pager's filter must know it beforehand."""
    return any_of(
        "ReadingsStopped",
        f"millrace-{environment}-readings-stopped",
        topic,
        Guidance(
            means="Readings do not get through to the database, or are about to stop. It begins when the "
            "first of its alarms does and ends with the last.",
            look="The dashboard, from the top: the first row that is not as usual. Which alarm it was stands "
            "in the message.",
            do="What the entry of that alarm says.",
        ),
        [made for made in alarms if made.title in STOPPED],
    )
