"""What a rule does with a message, and where the message goes when that fails."""

import re
from collections.abc import Iterator, Mapping

from rules.families.ingest.sql_functions import CHANGING
from rules.families.ingest.topic_rules import PAYLOAD, RULE, has_level, level_at, levels_of, statement
from rules.families.ingest.topic_sql import BadSql, Query, expression
from rules.seam.rule import Finding, Steps, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Value, known, references

ACTIONS = "https://docs.aws.amazon.com/iot/latest/developerguide/iot-rule-actions.html"
KINESIS = "https://docs.aws.amazon.com/iot/latest/developerguide/kinesis-rule-action.html"
SQS = "https://docs.aws.amazon.com/iot/latest/developerguide/sqs-rule-action.html"
ERRORS = "https://docs.aws.amazon.com/iot/latest/developerguide/rule-error-handling.html"
TEMPLATES = "https://docs.aws.amazon.com/iot/latest/developerguide/iot-substitution-templates.html"
PARTITIONS = "https://docs.aws.amazon.com/streams/latest/dev/key-concepts.html"
SUBSTITUTED = re.compile(r"\$\{([^{}]*)\}")
STREAM, QUEUE = "AWS::Kinesis::Stream", "AWS::SQS::Queue"
ARN = "Arn"

# Action and property → types, and the attributes by which each is named there.
NAMING: Mapping[tuple[str, str], Mapping[str, tuple[str, ...]]] = {
    ("Kinesis", "StreamName"): {STREAM: ("Ref",)},
    ("Sqs", "QueueUrl"): {QUEUE: ("Ref", "QueueUrl")},
    ("Sns", "TargetArn"): {"AWS::SNS::Topic": ("Ref", "TopicArn")},
    ("S3", "BucketName"): {"AWS::S3::Bucket": ("Ref",)},
    ("Firehose", "DeliveryStreamName"): {"AWS::KinesisFirehose::DeliveryStream": ("Ref",)},
    ("Lambda", "FunctionArn"): {
        "AWS::Lambda::Function": (ARN,),
        "AWS::Serverless::Function": (ARN,),
        "AWS::Lambda::Alias": ("Ref", "AliasArn"),
        "AWS::Lambda::Version": ("Ref", "FunctionArn"),
    },
    ("DynamoDB", "TableName"): {"AWS::DynamoDB::Table": ("Ref",), "AWS::DynamoDB::GlobalTable": ("Ref",)},
    ("CloudwatchLogs", "LogGroupName"): {"AWS::Logs::LogGroup": ("Ref",)},
    ("StepFunctions", "StateMachineName"): {"AWS::StepFunctions::StateMachine": ("Name",)},
    ("Kafka", "DestinationArn"): {"AWS::IoT::TopicRuleDestination": ("Ref", ARN)},
}
ROLELESS = {"Lambda", "Kafka", "Http", "Salesforce"}
TARGETS = {name for _, name in NAMING} | {"Topic", "Url", "StreamName"}


def actions(site: Site, one: Resource) -> Iterator[tuple[Steps, str, Mapping[str, Value]]]:
    """(path, kind, properties) of each action of a rule, its error action too."""
    listed: list[tuple[Steps, Value]] = [
        ((PAYLOAD, "Actions", position), action)
        for position, action in enumerate(site.items(one, PAYLOAD, "Actions"))
    ]
    for path, action in [*listed, ((PAYLOAD, "ErrorAction"), site.get(one, PAYLOAD, "ErrorAction"))]:
        for kind, properties in action.items() if isinstance(action, dict) else ():
            if isinstance(properties, dict):
                yield (*path, kind), kind, properties


@rule(
    "E9710",
    cause="{rule} has no ErrorAction, and what an action cannot deliver is lost",
    remedy="set ErrorAction to a queue or a bucket that somebody looks into",
    sources=(ERRORS,),
    demanding=True,
)
def a_rule_that_loses_what_fails(site: Site) -> Iterator[Finding]:
    for one in site.all(RULE):
        if site.get(one, PAYLOAD, "ErrorAction") is None and site.items(one, PAYLOAD, "Actions"):
            yield found(one, PAYLOAD, "ErrorAction", rule=one)


@rule(
    "E9711",
    cause="the ErrorAction of {rule} goes to {target}, as the action does which it is there for",
    remedy="send it to another service: what fails there once, fails there again",
    sources=(ERRORS,),
    demanding=True,
)
def an_error_that_goes_where_it_came_from(site: Site) -> Iterator[Finding]:
    for one in site.all(RULE):
        found_so_far: dict[tuple[str, str], object] = {}
        for path, kind, properties in actions(site, one):
            target = next((value for name, value in properties.items() if name in TARGETS), None)
            if path[1] == "Actions":
                found_so_far[kind, str(target)] = target
            elif (kind, str(target)) in found_so_far and known(target):
                yield found(one, *path, rule=one, target=target)


@rule(
    "E9712",
    cause="the ErrorAction of {rule} publishes to {topic}, to which the rule itself listens",
    remedy="send it to a queue, or to a topic of its own",
    sources=(ERRORS, "https://docs.aws.amazon.com/iot/latest/developerguide/republish-rule-action.html"),
)
def an_error_that_comes_back(site: Site) -> Iterator[Finding]:
    for one in site.all(RULE):
        query = statement(site, one)
        for path, kind, properties in actions(site, one):
            topic = properties.get("Topic")
            filter = query.source if query else None
            if kind != "Republish" or not isinstance(topic, str) or not filter:
                continue
            if _matches(filter.split("/"), topic.split("/")):
                yield found(one, *path, "Topic", rule=one, topic=topic)


def _matches(filter: list[str], topic: list[str]) -> bool:
    for position, level in enumerate(filter):
        if level == "#":
            return True
        if position >= len(topic) or (level not in ("+", topic[position])):
            return False
    return len(filter) == len(topic)


@rule(
    "E9713",
    cause="{rule} names {target} as its {property}, which takes {wanted}",
    remedy="give it that, of the resource that is meant",
    sources=(ACTIONS,),
)
def an_action_on_another_kind_of_thing(site: Site) -> Iterator[Finding]:
    for one in site.all(RULE):
        for path, kind, properties in actions(site, one):
            for name, value in properties.items():
                forms = NAMING.get((kind, name), {})
                if not forms or not isinstance(value, Reference) or _elsewhere(value.resource):
                    continue
                if value.attribute not in forms.get(value.resource.kind, ()):
                    wanted = " or ".join(
                        f"{way} of an {kind}" for kind, ways in forms.items() for way in ways[:1]
                    )
                    yield found(
                        one, *path, name, rule=one, target=value, property=f"{kind}.{name}", wanted=wanted
                    )


def _elsewhere(resource: Resource) -> bool:
    return resource.kind.startswith(("Custom::", "AWS::CloudFormation::"))


@rule(
    "E9714",
    cause="{rule} has no role to act with in {action}",
    remedy="set RoleArn to the Arn of a role that iot.amazonaws.com takes",
    sources=(ACTIONS, "https://docs.aws.amazon.com/iot/latest/developerguide/iot-create-role.html"),
)
def an_action_without_a_role(site: Site) -> Iterator[Finding]:
    for one in site.all(RULE):
        for path, kind, properties in actions(site, one):
            role = properties.get("RoleArn")
            wrong = isinstance(role, Reference) and role.resource.kind == "AWS::IAM::Role"
            if (role is None and kind not in ROLELESS) or (
                wrong and isinstance(role, Reference) and role.attribute != ARN
            ):
                yield found(one, *path, "RoleArn", rule=one, action=kind)


@rule(
    "E9715",
    cause="{rule} sends to {queue}, a FIFO queue, which the action does not support",
    remedy="send to a standard queue",
    sources=(SQS,),
)
def a_queue_that_no_rule_can_send_to(site: Site) -> Iterator[Finding]:
    for one in site.all(RULE):
        for path, kind, properties in actions(site, one):
            queue = site.target(properties.get("QueueUrl"), QUEUE) if kind == "Sqs" else None
            if queue is not None and str(site.get(queue, "FifoQueue")).lower() == "true":
                yield found(one, *path, "QueueUrl", rule=one, queue=queue)


@rule(
    "E9716",
    cause="{rule} has {text} in {property}, which {wrong}",
    remedy="write ${{expression}}, with the functions of IoT SQL and levels that the filter has",
    sources=(TEMPLATES,),
)
def a_template_that_is_none(site: Site) -> Iterator[Finding]:
    for one in site.all(RULE):
        query = statement(site, one)
        for path, kind, properties in actions(site, one):
            for name, value in properties.items():
                if name == "RoleArn" or not isinstance(value, str):
                    continue
                wrong = _wrong_template(value, query.source if query else None)
                if wrong:
                    yield found(
                        one, *path, name, rule=one, text=value, property=f"{kind}.{name}", wrong=wrong
                    )


def _wrong_template(text: str, filter: str | None) -> str:
    rest = SUBSTITUTED.sub("", text)
    if "${" in rest:
        return "is not closed"
    if re.search(r"(?:^|[^\w])\$?\{?\w+\(\d*\)", rest):
        return "calls a function outside of ${}, where it is text"
    for inside in SUBSTITUTED.findall(text):
        try:
            query = expression(inside)
        except BadSql as wrong:
            return str(wrong)
        for level in query.levels:
            if filter is not None and not has_level(filter, level):
                return f"asks for topic({level}), and {filter} has {levels_of(filter)} levels"
    return ""


@rule(
    "E9717",
    cause="{rule} puts records under {key}, so one shard takes the load of all devices",
    remedy="partition by what names the device, such as the level of the topic that holds it",
    sources=(KINESIS, PARTITIONS),
)
def a_partition_for_everything(site: Site) -> Iterator[Finding]:
    for one, path, key, filter in _partitions(site):
        if not SUBSTITUTED.search(key) or (filter and _is_fixed(key, filter)):
            yield found(one, *path, "PartitionKey", rule=one, key=key or "no key")


@rule(
    "W9719",
    cause="{rule} puts records under {key}, so a device's readings lose their order: {why}",
    remedy="partition by what names the device and stays the same, such as ${{topic(3)}} or ${{clientid()}}",
    sources=(KINESIS, PARTITIONS),
    demanding=True,
)
def a_partition_that_breaks_the_order(site: Site) -> Iterator[Finding]:
    for one, path, key, filter in _partitions(site):
        queries = [query for inside in SUBSTITUTED.findall(key) if (query := _expression(inside))]
        changing = [call.name for query in queries for call in query.calls if call.name in CHANGING]
        open_ended = [
            level for query in queries for level in query.levels if filter and level_at(filter, level) in "#"
        ]
        why = f"{changing[0]}() is another each time" if changing else ""
        if open_ended and not changing:
            why = f"not every topic of {filter} has level {open_ended[0]}"
        if why:
            yield found(one, *path, "PartitionKey", rule=one, key=key, why=why)


def _partitions(site: Site) -> Iterator[tuple[Resource, Steps, str, str | None]]:
    """(rule, path, partition key, topic filter) of each known key."""
    for one in site.all(RULE):
        query = statement(site, one)
        for path, kind, properties in actions(site, one):
            key = properties.get("PartitionKey")
            if kind == "Kinesis" and known(key) and path[1] == "Actions":
                yield one, path, "" if key is None else str(key), query.source if query else None


def _expression(text: str) -> Query | None:
    try:
        return expression(text)
    except BadSql:
        return None


def _is_fixed(key: str, filter: str) -> bool:
    """Whether all that is filled in is a level that the filter itself spells out."""
    queries = [_expression(inside) for inside in SUBSTITUTED.findall(key)]
    fixed = [level_at(filter, level) for query in queries if query for level in query.levels]
    return len(fixed) == len(queries) and all(level not in ("+", "#", "") for level in fixed)


def streams(site: Site, one: Resource) -> Iterator[Resource]:
    """The streams that a rule's actions put into."""
    for path, kind, properties in actions(site, one):
        if kind == "Kinesis" and path[1] == "Actions":
            yield from (reference.resource for reference in references(properties.get("StreamName")))


@rule(
    "W9753",
    cause="{rule} writes every message to the object {key}: each replaces the one before",
    remedy="put what tells messages apart into the key, such as ${{topic()}}/${{timestamp()}}",
    sources=("https://docs.aws.amazon.com/iot/latest/developerguide/s3-rule-action.html",),
)
def objects_that_replace_each_other(site: Site) -> Iterator[Finding]:
    for one in site.all(RULE):
        for path, kind, properties in actions(site, one):
            key = properties.get("Key")
            if kind == "S3" and isinstance(key, str) and not SUBSTITUTED.search(key):
                yield found(one, *path, "Key", rule=one, key=key)
