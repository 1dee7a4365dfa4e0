"""Alarms on whether the plant's people are told what the readings are watched for."""

from troposphere import cloudwatch

from stacks.alarm import Guidance, Series, alarm
from stacks.wiring import StreamName, TopicArn, TopicName
from topology import metrics

# What passes by itself is shorter: a fail-over of RDS takes one to two minutes, a shard's hand-over up to two
# (stacks/processor.py, STOP_SECONDS), and neither lasts for the five minutes that this must hold on end.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.MultiAZSingleStandby.html
UNTOLD_SECONDS = 120


def telling_alarms(topic: TopicArn, stream: StreamName, plant_topic: TopicName) -> list[cloudwatch.Alarm]:
    """They tell the platform's people, on the other topic: this one is what does not speak."""
    return [
        alarm(
            "PlantUntold",
            topic,
            Guidance(
                means="The plant's people are not told of alarms: a change has been waiting for more than "
                f"{UNTOLD_SECONDS // 60} minutes, or nobody says whether one has. Alarms stand in the "
                "tables all the same, and what waits is told later.",
                look="The alarms TasksMissing and DatabaseAway first. Then the processor's log for `SNS` and "
                "its cause: no route, refused, throttled, the key. CloudTrail for a change of the topic's "
                "policy, the task role, the alerts' key or the endpoint for SNS.",
                do="Take the change back. Until then the plant can look for itself: "
                "`python -m processor alarms list --standing`.",
            ),
            Series(metrics.NOTIFICATION_AGE, {"StreamName": stream}, "Maximum"),
            above=UNTOLD_SECONDS,
            minutes=5,
            missing="breaching",  # who tells nobody says nothing of it either
        ),
        alarm(
            "PlantMailFailed",
            topic,
            Guidance(
                means="A message about the plant's alarms reached one of its subscribers not at all. The "
                "processor has handed it over, and sends it no more.",
                look="The subscriptions of the topic of the plant's alarms: which are confirmed, and whether "
                "their addresses still exist.",
                do="Replace plant_address in the environment's parameters, deploy, and have the new one "
                "confirmed. What was missed: `python -m processor alarms list`.",
            ),
            Series(metrics.NOTIFICATIONS_FAILED, {"TopicName": plant_topic}, "Sum"),
            above=0,
            minutes=5,
        ),
    ]
