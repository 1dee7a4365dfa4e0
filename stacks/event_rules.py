"""What AWS itself reports as it happens, sent to the topic in words.

All is delivered at best effort, so what it says of rotations, deployments and the database has an alarm on a
metric as well; for keys and images AWS has no metric. Rotations and keys are reported by way of CloudTrail,
and so only where the account has a trail of management events. RDS could speak to the topic without
EventBridge (AWS::RDS::EventSubscription); docs/decisions/events.md says why it does not.
"""

import json
from collections.abc import Sequence

from troposphere import Sub, events

from stacks.alarm import RUNBOOK, Guidance, family
from stacks.wiring import ClusterName, DatabaseId, KeyArn, SecretArn, ServiceName, TopicArn

# What takes a key out of use, or lets others use it. Not CreateGrant: services make grants every day.
KEY_CHANGES = ("DisableKey", "ScheduleKeyDeletion", "PutKeyPolicy")

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
    *,
    secrets: Sequence[SecretArn],
    database: DatabaseId,
    cluster: ClusterName,
    service: ServiceName,
    key_arns: Sequence[KeyArn],
    repository: str,
) -> list[events.Rule]:
    return [
        rotation_failed(topic, secrets),
        deployment_failed(topic, cluster, service),
        database_events(topic, database),
        key_endangered(topic, key_arns),
        image_findings(topic, repository),
    ]


def rotation_failed(topic: TopicArn, secrets: Sequence[SecretArn]) -> events.Rule:
    """Rotations that fail without the function ever failing: it was not called, or gave up half-way.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/monitoring-eventbridge.html
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html
    """
    return rule(
        "RotationFailed",
        topic,
        Guidance(
            means="A rotation of a login to the database failed, was abandoned, or failed its rehearsal. The "
            "login of before still works.",
            look="The log group of rotation: at which step, and why. Without a line there, the function was "
            "not called.",
            do="Mend what it names (docs/rotation.md has each error and its command), then start a "
            "rotation: `aws secretsmanager rotate-secret`.",
        ),
        {
            "source": ["aws.secretsmanager"],
            "detail-type": ["AWS Service Event via CloudTrail"],
            "detail": {
                "eventName": ["RotationFailed", "RotationAbandoned", "TestRotationFailed"],
                "additionalEventData": {"SecretId": list(secrets)},
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


def key_endangered(topic: TopicArn, key_arns: Sequence[KeyArn]) -> events.Rule:
    """By `resources`, which has the key's ARN however the caller named it; a refused attempt is told too.

    https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-kms.html
    https://docs.aws.amazon.com/kms/latest/developerguide/ct-schedule-key-deletion.html
    https://docs.aws.amazon.com/kms/latest/developerguide/ct-disablekey.html
    """
    return rule(
        "KeyEndangered",
        topic,
        Guidance(
            means="Somebody disabled one of the platform's keys, scheduled its deletion, or changed who may "
            "use it. What it encrypts cannot be read while it is disabled, and never after it is deleted. "
            "Without a trail of CloudTrail in the account this is silent.",
            look="CloudTrail, by the event's name: who it was, from where, and which key (`resources`). A "
            "deployment that changes a key's policy shows here too.",
            do="Unless it was meant: `aws kms cancel-key-deletion`, then `aws kms enable-key`; put a policy "
            "back as the template has it. Then find out how they came by the right.",
        ),
        {
            "source": ["aws.kms"],
            "detail-type": ["AWS API Call via CloudTrail"],
            "detail": {"eventName": list(KEY_CHANGES), "resources": {"ARN": list(key_arns)}},
        },
        "$.detail.eventName",
    )


def image_findings(topic: TopicArn, repository: str) -> events.Rule:
    """Of basic scanning, which bootstrap asks for. An account with enhanced scanning has Inspector's events.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-enhanced-events.html
    """
    return rule(
        "ImageFindings",
        topic,
        Guidance(
            means="The scan of an image of the processor ended, and found what is critical. It may be an "
            "image that does not run yet: each is scanned when it is pushed.",
            look=f"`aws ecr describe-image-scan-findings --repository-name {repository}` with the digest at "
            "the end of the message: the package, and the version that mends it.",
            do="Build the image anew from a base that has the mended version, and deploy that by its digest. "
            "Do not deploy this one.",
        ),
        {
            "source": ["aws.ecr"],
            "detail-type": ["ECR Image Scan"],
            "detail": {
                "repository-name": [repository],
                "finding-severity-counts": {"CRITICAL": [{"numeric": [">", 0]}]},
            },
        },
        "$.detail.image-digest",
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
