"""What AWS itself reports as it happens, sent to the topic in words: rotations, deployments, the database.

All three are delivered at best effort, so what they report has an alarm on a metric as well. RDS could speak
to the topic without EventBridge (AWS::RDS::EventSubscription); docs/decisions/events.md says why it does not.
"""

import json

from troposphere import Sub, events

from stacks.alarm import RUNBOOK, Guidance, family
from stacks.wiring import ClusterName, DatabaseId, SecretArn, ServiceName, TopicArn

# Without backups, which come every night, and configuration changes, which CloudTrail has with their author.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html
CATEGORIES = (
    "availability",
    "deletion",
    "failover",
    "failure",
    "low storage",
    "maintenance",
    "notification",
    "recovery",
)


def event_rules(
    topic: TopicArn,
    secret: SecretArn,
    database: DatabaseId,
    cluster: ClusterName,
    service: ServiceName,
) -> list[events.Rule]:
    return [
        rotation_failed(topic, secret),
        deployment_failed(topic, cluster, service),
        database_events(topic, database),
    ]


def rotation_failed(topic: TopicArn, secret: SecretArn) -> events.Rule:
    """Rotations that fail without the function ever failing: it was not called, or gave up half-way.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/monitoring-eventbridge.html
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html
    """
    return rule(
        "RotationFailed",
        topic,
        Guidance(
            means="A rotation of the database's login failed, was abandoned, or failed its rehearsal. The "
            "login of before still works.",
            look="The log group of rotation: at which step, and why. Without a line there, the function was "
            "not called.",
            do="Mend what it names, then start a rotation: `aws secretsmanager rotate-secret`.",
        ),
        {
            "source": ["aws.secretsmanager"],
            "detail-type": ["AWS Service Event via CloudTrail"],
            "detail": {
                "eventName": ["RotationFailed", "RotationAbandoned", "TestRotationFailed"],
                "additionalEventData": {"SecretId": [secret]},
            },
        },
        "$.detail.eventName",
    )


def deployment_failed(topic: TopicArn, cluster: ClusterName, service: ServiceName) -> events.Rule:
    """Sent where the circuit breaker is on, as it is here. The service is among `resources`, not in `detail`.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html
    """
    name = "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:service/${Cluster}/${Service}"
    return rule(
        "DeploymentFailed",
        topic,
        Guidance(
            means="A new version of the processor did not come up, or raised the alarm Behind, and was taken "
            "back. The version of before carries on.",
            look="The stopped tasks' reason, and the processor's log of the new version.",
            do="Mend the version and deploy again. If the old one does not run either, see TasksMissing.",
        ),
        {
            "source": ["aws.ecs"],
            "detail-type": ["ECS Deployment State Change"],
            "resources": [Sub(name, Cluster=cluster, Service=service)],
            "detail": {"eventName": ["SERVICE_DEPLOYMENT_FAILED"]},
        },
        "$.detail.reason",
    )


def database_events(topic: TopicArn, database: DatabaseId) -> events.Rule:
    """https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-cloudwatch-events.sample.html"""
    name = "arn:${AWS::Partition}:rds:${AWS::Region}:${AWS::AccountId}:db:${Database}"
    return rule(
        "DatabaseEvents",
        topic,
        Guidance(
            means="RDS reports on the database: a fail-over, a failure, low storage, maintenance, a restart. "
            "In a fail-over the processor waits and goes on by itself, within two minutes.",
            look="What RDS says, at the end of the message; then the alarm on lag, whether readings wait.",
            do="Nothing while lag ends by itself. After a failure follow RDS's advice; before maintenance "
            "tell the plant.",
        ),
        {
            "source": ["aws.rds"],
            "detail-type": ["RDS DB Instance Event"],
            "detail": {
                "SourceArn": [Sub(name, Database=database)],
                "EventCategories": list(CATEGORIES),
            },
        },
        "$.detail.Message",
    )


def rule(
    title: str, topic: TopicArn, guidance: Guidance, pattern: dict[str, object], said: str
) -> events.Rule:
    """`said` is the path of what the service says itself; it ends the message.

    A text target takes one quoted line: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
    """
    message = guidance.described(title).replace("\n", " ")
    return events.Rule(
        title,
        Metadata=guidance.reason(),
        Description=f"Runbook: {RUNBOOK}#{family(title).lower()}",
        State="ENABLED",
        EventPattern=pattern,
        Targets=[
            events.Target(
                Id="Notifications",
                Arn=topic,
                InputTransformer=events.InputTransformer(
                    InputPathsMap={"said": said, "time": "$.time"},
                    InputTemplate=f'{json.dumps(message)[:-1]} At <time>: <said>"',
                ),
            )
        ],
    )
