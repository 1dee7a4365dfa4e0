"""Alarms on what keeps the platform trustworthy: its credentials, its own messages, its way out."""

from collections.abc import Sequence

from troposphere import Ref, cloudwatch, events

from parameters import sections as parameters
from stacks.alarm import Guidance, Series, alarm, alarm_on
from stacks.wiring import FunctionName, NatGatewayId, QueueName, SecretArn, TopicArn, TopicName
from topology import metrics

DAY = 24 * 60 * 60
# Twice the schedule of the measurement in stacks/rotation.py, so that one that comes late is none missing.
AGE_PERIOD = DAY // 2


def credential_alarms(
    topic: TopicArn,
    function: FunctionName,
    undone: QueueName,
    settings: parameters.Observability,
) -> list[cloudwatch.Alarm]:
    """Of throttles there is none: whoever calls the function tries again, and what stays undone ages."""
    return [
        alarm(
            "RotationErrors",
            topic,
            Guidance(
                means="The function that rotates the logins to the database failed. Those of before "
                "still work.",
                look="The log group of rotation: the last line says the step and the error.",
                do="Mend what it names: docs/rotation.md has each error and its command. Secrets Manager "
                "tries again within the window; to try at once, "
                "`aws secretsmanager rotate-secret --secret-id <the secret>`.",
            ),
            Series(metrics.ROTATION_ERRORS, {"FunctionName": function}, "Sum"),
            above=0,
            minutes=5,
        ),
        alarm(
            "RotationUndone",
            topic,
            Guidance(
                means="The function was asked for something and did not do it in three attempts: a step of "
                "a rotation, or the measurement of a login's age. The login in use still works.",
                look="The message in the queue Undone: what was asked, and the error in its attributes. It "
                "may hold a rotation's token, so reading it takes kms:Decrypt on the secrets key. Then the "
                "log group of rotation.",
                do="Mend what the error names, start a rotation (`aws secretsmanager rotate-secret "
                "--secret-id <the secret>`), then delete the message: nothing repeats it, and nobody else "
                "need read it.",
            ),
            Series(metrics.DEAD_LETTERS, {"QueueName": undone}, "Maximum"),
            above=0,
            minutes=5,
        ),
    ]


def age_alarms(
    topic: TopicArn, secret: SecretArn, migrator: SecretArn, settings: parameters.Observability
) -> list[cloudwatch.Alarm]:
    """One a login: a release's is used rarely, so nothing else would tell that it is stale."""
    days = settings.secret_age_alarm_days
    return [
        secret_age("SecretAge", "The database's login", topic, secret, days),
        secret_age("MigratorSecretAge", "A release's login to the database", topic, migrator, days),
    ]


def secret_age(title: str, login: str, topic: TopicArn, secret: SecretArn, days: int) -> cloudwatch.Alarm:
    """The least of a period is what counts: after a rotation the alarm ends with the next period."""
    series = Series(metrics.SECRET_AGE, {"Secret": secret}, "Minimum")
    guidance = Guidance(
        means=f"{login} is older than its rotation allows, or nobody measures its age: neither "
        "the schedule nor the function has done its work.",
        look="NextRotationDate of `aws secretsmanager describe-secret`; the log group of rotation for the "
        "last measurement; whether the function has concurrency left and its rule is enabled.",
        do="Start a rotation: `aws secretsmanager rotate-secret --secret-id <the secret>`.",
    )
    return cloudwatch.Alarm(
        title,
        Metadata=guidance.reason(),
        AlarmDescription=guidance.described(title),
        **series.alone(),
        # Seven days is the most that an alarm looks back, and only with periods of an hour or more:
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
        Period=AGE_PERIOD,
        EvaluationPeriods=1,
        Threshold=days,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="breaching",  # what is not measured is not known to be well
        AlarmActions=[topic],
        OKActions=[topic],
    )


def message_alarms(
    topic: TopicArn, topic_name: TopicName, rules: Sequence[events.Rule]
) -> list[cloudwatch.Alarm]:
    """Instead of a queue of dead letters at each rule: what it would hold, these alarms and the services'
    own pages say too, and it would need a key, a policy and an alarm of its own.
    """
    by_rule = {
        f"rule{number}": Series(metrics.EVENTS_UNDELIVERED, {"RuleName": Ref(rule)}, "Sum")
        for number, rule in enumerate(rules, start=1)
    }
    return [
        alarm_on(
            "EventsUndelivered",
            topic,
            Guidance(
                means="An event came and could not be told: a failed rotation or deployment, news of the "
                "database, a key in danger, or what is critical in an image.",
                look="The own page of the secret, service, database, key or image, for what happened; "
                "CloudTrail for a change of the topic's policy or of the alerts' key, which must admit "
                "EventBridge without conditions.",
                do="Take the change back, then do what the event's own entry here says.",
            ),
            " + ".join(f"FILL({identifier}, 0)" for identifier in by_rule),
            by_rule,
            label="Events undelivered",
            seconds=300,
            above=0,
        ),
        alarm(
            "NotificationsFailed",
            topic,
            Guidance(
                means="A notification reached one of its subscribers not at all: somebody is not told.",
                look="The topic's subscriptions: which are confirmed, and whether their addresses still "
                "exist. Do not wait for a mail about it; the dashboard shows this alarm too.",
                do="Replace the address in the environment's parameters and confirm the new one.",
            ),
            Series(metrics.NOTIFICATIONS_FAILED, {"TopicName": topic_name}, "Sum"),
            above=0,
            minutes=5,
        ),
    ]


def way_out_alarms(topic: TopicArn, gateways: Sequence[NatGatewayId]) -> list[cloudwatch.Alarm]:
    """Dropped packets have none: some always are, and calls are tried again; the dashboard has them."""
    return [
        alarm(
            f"NatPorts{number}",
            topic,
            Guidance(
                means="A NAT gateway has no port left for a new connection: calls through it fail.",
                look="The flow logs: which address opens so many connections, and to where.",
                do="Stop what opens them. If they belong there, add an interface endpoint for the service "
                "that they go to.",
            ),
            Series(metrics.NAT_PORTS_REFUSED, {"NatGatewayId": gateway}, "Sum"),
            above=0,
            minutes=5,
        )
        for number, gateway in enumerate(gateways, start=1)
    ]
