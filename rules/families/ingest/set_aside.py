"""Where what could not be done is set aside: it exists, holds long enough, and stops nothing."""

import json
from collections.abc import Iterator
from typing import Any

from rules.families.ingest.rule_actions import actions, streams
from rules.families.ingest.topic_rules import RULE
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Value, known, references

QUEUE = "AWS::SQS::Queue"
FUNCTION = "AWS::Lambda::Function"
MAPPING = "AWS::Lambda::EventSourceMapping"
DEAD = (
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html"
)
ASYNC = "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"
STREAMS = "https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html"
BATCHES = "https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html"
VISIBLE = "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"
READ_IN_ORDER = ("AWS::Kinesis::Stream", "AWS::Kinesis::StreamConsumer", "AWS::DynamoDB::Table")
DAY = 86400
DEFAULT = 4 * DAY
LARGEST_READING = 128 * 1024  # of MQTT, to IoT Core
SOURCES = (
    ("AWS::Events::Rule", "Targets"),
    ("AWS::Scheduler::Schedule", "Target"),
    ("AWS::SNS::Subscription", "Endpoint"),
    ("AWS::S3::Bucket", "NotificationConfiguration"),
    (RULE, "TopicRulePayload"),
)


def _dead_letters(site: Site) -> dict[Resource, Resource]:
    """Queue → what sets aside into it."""
    found: dict[Resource, Resource] = {}

    def add(value: Value, user: Resource) -> None:
        for reference in references(value):
            if reference.resource.kind == QUEUE:
                found.setdefault(reference.resource, user)

    for one in site.all(RULE):
        for path, _, properties in actions(site, one):
            if path[1] == "ErrorAction":
                add(properties.get("QueueUrl"), one)
    for function in site.all(FUNCTION, "AWS::Serverless::Function"):
        add(site.get(function, "DeadLetterConfig"), function)
        add(site.get(function, "DeadLetterQueue"), function)
    for kind, name in (
        (MAPPING, "DestinationConfig"),
        ("AWS::Lambda::EventInvokeConfig", "DestinationConfig"),
    ):
        for one in site.all(kind):
            add(site.get(one, name, "OnFailure"), one)
    for one in site.all("AWS::Events::Rule"):
        for target in site.items(one, "Targets"):
            add(target.get("DeadLetterConfig") if isinstance(target, dict) else None, one)
    for queue in site.all(QUEUE):
        add(_redrive(site, queue).get("deadLetterTargetArn"), queue)
    return found


def _redrive(site: Site, queue: Resource) -> dict[str, Any]:
    value = site.get(queue, "RedrivePolicy")
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def _seconds(site: Site, queue: Resource) -> int | None:
    value = site.get(queue, "MessageRetentionPeriod")
    return DEFAULT if value is None else int(str(value)) if str(value).isdigit() else None


@rule(
    "W9771",
    cause="{queue} keeps a message no longer than {source}, from which it comes with its age",
    remedy="let the dead letters be kept longer than the queue itself keeps",
    sources=(DEAD,),
    demanding=True,
)
def dead_letters_older_than_allowed(site: Site) -> Iterator[Finding]:
    for source in site.all(QUEUE):
        target = _redrive(site, source).get("deadLetterTargetArn")
        queue = site.target(target, QUEUE)
        if queue is None:
            continue
        dead, alive = _seconds(site, queue), _seconds(site, source)
        if dead is not None and alive is not None and dead < alive:
            yield found(queue, "MessageRetentionPeriod", queue=queue, source=source)


@rule(
    "W9772",
    cause="{function} is called asynchronously by {source}, and what it fails at three times is dropped",
    remedy="set DeadLetterConfig, or an OnFailure destination by AWS::Lambda::EventInvokeConfig",
    sources=(ASYNC,),
    demanding=True,
)
def a_function_that_drops_what_fails(site: Site) -> Iterator[Finding]:
    configured = {
        reference.resource
        for one in site.all("AWS::Lambda::EventInvokeConfig")
        if site.get(one, "DestinationConfig", "OnFailure") is not None
        for reference in references(site.get(one, "FunctionName"))
    }
    for function in site.all(FUNCTION):
        if site.get(function, "DeadLetterConfig") is not None or function in configured:
            continue
        for use in site.uses(function):
            if (use.user.kind, use.property) in SOURCES:
                yield found(function, "DeadLetterConfig", function=function, source=use.user)
                break


@rule(
    "W9773",
    cause="{mapping} {what}",
    remedy="set DestinationConfig.OnFailure, MaximumRetryAttempts and BisectBatchOnFunctionError",
    sources=(STREAMS, BATCHES),
    demanding=True,
)
def a_record_that_stops_a_shard(site: Site) -> Iterator[Finding]:
    for mapping in _of_streams(site):
        limits = [site.get(mapping, name) for name in ("MaximumRetryAttempts", "MaximumRecordAgeInSeconds")]
        if not known(limits):
            continue
        if all(limit is None or str(limit) == "-1" for limit in limits):
            what = "tries a bad record until it expires, and its shard waits"
            yield found(mapping, "MaximumRetryAttempts", mapping=mapping, what=what)
        if site.get(mapping, "DestinationConfig", "OnFailure") is None and any(
            limit is not None and str(limit) != "-1" for limit in limits
        ):
            what = "drops what it gives up, without a word"
            yield found(mapping, "DestinationConfig", mapping=mapping, what=what)


@rule(
    "W9774",
    cause="{mapping} begins at LATEST, so what comes before it polls is never read",
    remedy="set StartingPosition to TRIM_HORIZON",
    sources=(BATCHES,),
    demanding=True,
)
def a_reader_that_begins_too_late(site: Site) -> Iterator[Finding]:
    for mapping in _of_streams(site):
        if site.get(mapping, "StartingPosition") == "LATEST":
            yield found(mapping, "StartingPosition", mapping=mapping)


def _of_streams(site: Site) -> Iterator[Resource]:
    for mapping in site.all(MAPPING):
        source = site.target(site.get(mapping, "EventSourceArn"))
        if source is not None and source.kind in READ_IN_ORDER:
            yield mapping


@rule(
    "E9775",
    cause="{mapping} polls {queue}, where messages come back after {visible} s; {function} may run {runs}",
    remedy="set VisibilityTimeout to the Timeout of the function or more; six times as long is advised",
    sources=(VISIBLE,),
)
def a_message_that_comes_back_too_soon(site: Site) -> Iterator[Finding]:
    for mapping in site.all(MAPPING):
        queue = site.target(site.get(mapping, "EventSourceArn"), QUEUE)
        function = site.target(site.get(mapping, "FunctionName"), FUNCTION)
        if queue is None or function is None:
            continue
        visible, runs = site.get(queue, "VisibilityTimeout"), site.get(function, "Timeout")
        shown, long = (30 if visible is None else visible), (3 if runs is None else runs)
        if str(shown).isdigit() and str(long).isdigit() and int(str(shown)) < int(str(long)):
            yield Finding(
                queue,
                ("Properties", "VisibilityTimeout"),
                {"mapping": mapping, "queue": queue, "function": function, "visible": shown, "runs": long},
            )


@rule(
    "W9778",
    cause="{queue} takes messages of {size} bytes at most, and {user} sets larger ones aside",
    remedy="leave MaximumMessageSize out",
    sources=("https://docs.aws.amazon.com/general/latest/gr/iot-core.html", DEAD),
    demanding=True,
)
def dead_letters_too_large(site: Site) -> Iterator[Finding]:
    for queue, user in _dead_letters(site).items():
        size = site.get(queue, "MaximumMessageSize")
        if user.kind != QUEUE and str(size).isdigit() and int(str(size)) < LARGEST_READING:
            yield found(queue, "MaximumMessageSize", queue=queue, size=size, user=user)


@rule(
    "W9779",
    cause="{queue} keeps readings that {rule} could not deliver, and not under a key as {stream} does",
    remedy="give the queue the KmsMasterKeyId that the stream has as KeyId",
    sources=(
        "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/"
        "sqs-server-side-encryption.html",
    ),
    demanding=True,
)
def dead_letters_in_the_open(site: Site) -> Iterator[Finding]:
    for queue, user in _dead_letters(site).items():
        for stream in streams(site, user) if user.kind == RULE else ():
            key = site.target(site.get(stream, "StreamEncryption", "KeyId"), "AWS::KMS::Key")
            own = site.get(queue, "KmsMasterKeyId")
            if key is not None and (own is None or own == "alias/aws/sqs"):
                yield found(queue, "KmsMasterKeyId", queue=queue, rule=user, stream=stream)
