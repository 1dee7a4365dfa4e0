"""Alarms on the way of a reading: at the door, in the stream, through the processor."""

from troposphere import cloudwatch

from parameters import sections as parameters
from stacks.alarm import Guidance, Series, alarm, alarm_on, summed
from stacks.wiring import ClusterName, QueueName, ServiceName, StreamName, TopicArn, TopicRuleName
from topology import metrics

HOUR = 60 * 60
# Of the 14 days that SQS keeps a message at most: time is left to read, mend and send again.
DEAD_LETTER_DAYS = 10
MQTT = "MQTT"  # what devices speak; IoT Core counts each protocol apart


def door_alarms(topic: TopicArn, rule: TopicRuleName, dead_letters: QueueName) -> list[cloudwatch.Alarm]:
    """A failure of the rule's action itself has none: what it could not carry is in the dead letters."""
    of_queue = {"QueueName": dead_letters}
    return [
        alarm_on(
            "ReadingsLost",
            topic,
            Guidance(
                means="Readings are lost: the rule could carry them neither into the stream nor to the dead "
                "letters. The devices do not know, and send none of them again.",
                look="IoT Core's metrics Failure and ErrorActionFailure of the rule; CloudTrail for changes "
                "of the role Carrier, the data key, the stream and the queue.",
                do="Take back the change that shut the rule out. Then ask the gateways for what they "
                "buffered since the alarm began.",
            ),
            summed(metrics.ERROR_ACTION_FAILURES, "RuleName", rule),
            {},
            label="Readings lost",
            seconds=300,
            above=0,
        ),
        alarm(
            "DeadLetters",
            topic,
            Guidance(
                means="Readings could not enter the stream, and wait in the queue of dead letters.",
                look="One message of the queue: it says the reason (throttled, denied, no such stream) and "
                "holds the reading.",
                do="Mend the reason, then put the readings into the stream again and delete the messages.",
            ),
            Series(metrics.DEAD_LETTERS, of_queue, "Maximum"),
            above=0,
            minutes=5,
        ),
        alarm(
            "DeadLettersExpire",
            topic,
            Guidance(
                means=f"Readings have been waiting among the dead letters for {DEAD_LETTER_DAYS} days. After "
                "14 days the queue drops them for good.",
                look="The alarm on dead letters, which has been on all this time.",
                do="Put them into the stream again now, or save them elsewhere and say where.",
            ),
            Series(metrics.DEAD_LETTER_AGE, of_queue, "Maximum"),
            above=DEAD_LETTER_DAYS * 24 * HOUR,
            minutes=5,
        ),
        alarm(
            "DevicesRefused",
            topic,
            Guidance(
                means="A device that is known published where it may not, and its reading was refused. It is "
                "set up wrongly, or somebody uses its certificate.",
                look="IoT Core's log names the client, where the account has it on (`aws iot "
                "get-v2-logging-options`). Whether its topic ends in its own name; whether its certificate "
                "has the policy Device.",
                do="Correct the device's topic. If nobody set it up so, deactivate its certificate.",
            ),
            Series(metrics.MESSAGES_REFUSED, {"Protocol": MQTT}, "Sum"),
            above=0,
            minutes=5,
        ),
    ]


def stream_alarms(
    topic: TopicArn, stream: StreamName, lag: Series, settings: parameters.Observability
) -> list[cloudwatch.Alarm]:
    of_stream = {"StreamName": stream}
    made = [
        alarm(
            "Lag",
            topic,
            Guidance(
                means="Readings wait longer than agreed before they are in the database, or nobody reads the "
                "stream at all. None is lost before the stream's retention ends.",
                look="The alarm TasksMissing first; then the processor's log, which says whether the "
                "database is away; then the tasks' CPU, and the lag of each shard on the dashboard.",
                do="Bring the database back if it is away. All shards are behind and CPU is high: raise "
                "processor.tasks_max, up to a task a shard, then processor.cpu. One shard alone: find the "
                "device that floods it.",
            ),
            lag,
            above=settings.lag_alarm_seconds * 1000,
            minutes=3,
            missing="breaching",  # a dead reader sends no data
        ),
        alarm(
            "ReadingsExpire",
            topic,
            Guidance(
                means="The oldest reading that waits has used up much of the stream's retention. When all is "
                "used up, readings are lost.",
                look="The alarm on lag, which has been on for hours.",
                do="Raise stream.retention_hours at once and deploy; AWS keeps what is still there. Then "
                "mend what holds the processor up.",
            ),
            lag,
            above=settings.expiry_alarm_hours * HOUR * 1000,
            minutes=5,
            missing="ignore",  # a reader that dies makes nothing younger
        ),
        alarm(
            "WritesThrottled",
            topic,
            Guidance(
                means="Producers write more than the stream takes, and must send again.",
                look="The shards on the dashboard: whether all are full, or one.",
                do="If all are, raise stream.shards or go ON_DEMAND. If one is, find the device that floods.",
            ),
            Series(metrics.WRITES_THROTTLED, of_stream, "Sum"),
            above=0,
            minutes=5,
        ),
        alarm(
            "ReadsThrottled",
            topic,
            Guidance(
                means="Readers ask more often than a shard answers: 5 calls a second, 2 MB a second.",
                look="CloudTrail or the account's roles for a second reader of the stream. The engine asks "
                "each shard five times a second at the most, whichever task has it; a child that reads a "
                "gap again comes on top, for minutes.",
                do="A gap: nothing. Else stop the second reader, or set processor.retrieval: fan_out, with "
                "which the engine reads by itself.",
            ),
            Series(metrics.READS_THROTTLED, of_stream, "Sum"),
            above=0,
            minutes=15,
        ),
    ]
    if settings.silence_alarm_minutes is not None:
        made.append(silence(topic, of_stream, settings.silence_alarm_minutes))
    return made


def silence(topic: TopicArn, of_stream: dict[str, StreamName], minutes: int) -> cloudwatch.Alarm:
    """On where the plant never stops as a whole; a plant that does sets no silence_alarm_minutes."""
    return alarm(
        "Silence",
        topic,
        Guidance(
            means="No device sends anything: the line from the plant is down, or the door is shut.",
            look="IoT Core's metric PublishIn.Success on the dashboard: with messages, the rule does not "
            "match them or cannot carry them; without, the plant does not reach AWS.",
            do="Ask the plant whether it stands still. If not, see to its gateways and its line. A gateway "
            "that buffers sends later what it holds.",
        ),
        Series(metrics.RECORDS_IN, of_stream, "Sum"),
        below=1,
        minutes=minutes,
        missing="breaching",  # no record, no data
    )


def processor_alarms(topic: TopicArn, cluster: ClusterName, service: ServiceName) -> list[cloudwatch.Alarm]:
    of_service = {"ClusterName": cluster, "ServiceName": service}
    return [
        alarm_on(
            "TasksMissing",
            topic,
            Guidance(
                means="Fewer tasks run than the service wants, for longer than a replacement takes. "
                "Readings wait in the stream.",
                look="The service's events: no capacity, no image, a health check that fails, a task that "
                "exits. For the last two, the processor's log.",
                do="Mend what the events name. Without capacity in a zone, or with Spot gone, lower "
                "processor.spot_share and deploy.",
            ),
            "desired - running",  # not of a number: the number is the service's to change
            {
                "running": Series(metrics.TASKS_RUNNING, of_service, "Minimum"),
                "desired": Series(metrics.TASKS_DESIRED, of_service, "Minimum"),
            },
            label="Tasks missing",
            periods=5,
            above=0,
            missing="breaching",  # no service, no figures
        ),
        alarm(
            "ProcessorMemory",
            topic,
            Guidance(
                means="A task is about to be killed for its memory; others take over its shards, and "
                "readings wait meanwhile.",
                look="The memory on the dashboard over days: a step is load or a shard more, a "
                "slope is a leak.",
                do="Raise processor.memory_mib: it says how many shards a task takes. If it is a leak, "
                "deploy the version before it.",
            ),
            Series(metrics.SERVICE_MEMORY, of_service, "Maximum"),
            above=90,
            minutes=10,
        ),
        alarm(
            "ProcessorCpu",
            topic,
            Guidance(
                means="A task is at its limit, and its shards will fall behind next.",
                look="Bytes in per shard, on the dashboard: one that is flooded, or more in all?",
                do="More in all: raise processor.tasks_max, up to a task a shard, then processor.cpu. One "
                "shard: find the device that floods it.",
            ),
            Series(
                metrics.SERVICE_CPU, of_service, "Maximum"
            ),  # an average hides the one with the busy shard
            above=90,
            minutes=15,
        ),
    ]
