"""Topics and their subscriptions: whoever should be told has an address that the protocol reaches."""

import re
from collections.abc import Iterator

from rules.families.signals.alarm_series import ALARM, COMPOSITE
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.policies import Kind
from topology.tree import Resource
from topology.values import Given, Reference, Value, known, references

TOPIC, SUBSCRIPTION = "AWS::SNS::Topic", "AWS::SNS::Subscription"
SUBSCRIBE = "https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html"
FILTERS = "https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html"
# Protocol -> what its endpoint looks like, and the answers of resources that are one.
FORMS: dict[str, tuple[str, dict[str, tuple[str, ...]]]] = {
    "email": (r"[^@\s]+@[^@\s]+", {}),
    "email-json": (r"[^@\s]+@[^@\s]+", {}),
    "http": (r"http://\S+", {}),
    "https": (r"https://\S+", {}),
    "sms": (r"\+?[\d ()-]+", {}),
    "sqs": (r"arn:\S+:sqs:\S+", {"AWS::SQS::Queue": ("Arn",)}),
    "lambda": (
        r"arn:\S+:lambda:\S+",
        {
            "AWS::Lambda::Function": ("Arn",),
            "AWS::Lambda::Alias": ("Ref", "AliasArn"),
            "AWS::Serverless::Function": ("Arn",),
        },
    ),
    "firehose": (r"arn:\S+:firehose:\S+", {"AWS::KinesisFirehose::DeliveryStream": ("Arn",)}),
    "application": (r"arn:\S+:sns:\S+", {}),
}


def subscriptions(site: Site) -> Iterator[tuple[Resource, tuple[str | int, ...], dict[str, Value]]]:
    """(where, path, what it says) of each, also of those that a topic holds."""
    for resource in site.all(SUBSCRIPTION):
        yield resource, (), site.properties(resource)
    for topic in site.all(TOPIC):
        for position, one in enumerate(site.items(topic, "Subscription")):
            if isinstance(one, dict):
                yield topic, ("Subscription", position), one


def telling(site: Site) -> dict[Resource, list[Resource]]:
    """Topic -> the alarms and event rules that speak to it."""
    found_: dict[Resource, list[Resource]] = {}
    for topic in site.all(TOPIC):
        users = [
            use.user
            for use in site.uses(topic, ALARM, COMPOSITE, "AWS::Events::Rule")
            if use.property in SPEAKING
        ]
        if users:
            found_[topic] = list(dict.fromkeys(users))
    return found_


SPEAKING = ("AlarmActions", "OKActions", "InsufficientDataActions", "Targets")


@rule(
    "W9680",
    cause="topic {topic} has no subscription, and {count} alarms and rules speak to it, among them {user}",
    remedy="subscribe whoever should be told",
    sources=(SUBSCRIBE, "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html"),
    demanding=True,
)
def a_topic_that_nobody_listens_to(site: Site) -> Iterator[Finding]:
    for topic, users in telling(site).items():
        if not listened_to(site, topic) and not _known_outside(site, topic):
            yield found(topic, topic=topic, count=len(users), user=users[0])


@rule(
    "W9617",
    cause="topic {topic} has no subscription, and {role} publishes to it",
    remedy="subscribe whoever should be told, or let the root put out the topic for others to subscribe",
    sources=(SUBSCRIBE,),
    demanding=True,
)
def a_topic_that_a_program_speaks_to_alone(site: Site) -> Iterator[Finding]:
    spoken = telling(site)
    for topic in site.all(TOPIC):
        role = publishing(site, topic) if topic not in spoken else None
        if role is not None and not listened_to(site, topic) and not _known_outside(site, topic):
            yield found(topic, topic=topic, role=role)


def publishing(site: Site, topic: Resource) -> Resource | None:
    """A role that a statement lets publish to this topic, by its name."""
    for policy in site.policies:
        for statement in policy.statements if policy.kind is Kind.IDENTITY else ():
            named = {one.resource for one in references(statement.resolved.get("Resource"))}
            if statement.allows and "sns:Publish" in statement.actions and topic in named and policy.about:
                return policy.about[0]
    return None


def listened_to(site: Site, topic: Resource) -> bool:
    """Whether anybody is subscribed, as far as can be known."""
    unknown = any(not known(site.get(one, "TopicArn")) for one in site.all(SUBSCRIPTION)) or not known(
        site.get(topic, "Subscription")
    )
    subscribed = any(resource == topic for resource, path, _ in subscriptions(site) if path)
    return unknown or subscribed or any(use.property == "TopicArn" for use in site.uses(topic, SUBSCRIPTION))


def _known_outside(site: Site, topic: Resource) -> bool:
    """Whether others may know it, and subscribe: by an output, or by a name that a root gives it."""
    known_there = any(topic.name in str(value) for value in site.tree.root.outputs.values())
    in_root = topic.stack == site.tree.root.address
    return (in_root and bool(known_there or site.get(topic, "TopicName"))) or _handed_out(site, topic)


def _handed_out(site: Site, topic: Resource) -> bool:
    """Whether a root's output gives it to others, through whatever wiring."""
    for name, value in site.tree.root.outputs.items():
        resolved = site.resolver.value(value, site.tree.root.address, name)
        if any(one.resource == topic for one in references(resolved)):
            return True
    return False


@rule(
    "E9681",
    cause="subscription {subscription} sends {protocol} to {endpoint}, which is no address of that kind",
    remedy="{wanted}",
    sources=(SUBSCRIBE,),
)
def a_subscription_whose_endpoint_does_not_fit(site: Site) -> Iterator[Finding]:
    for resource, path, one in subscriptions(site):
        protocol, endpoint = one.get("Protocol"), one.get("Endpoint")
        if not isinstance(protocol, str):
            continue
        if protocol not in FORMS:
            yield _at(resource, path, "Protocol", protocol, endpoint, f"use one of {', '.join(FORMS)}")
            continue
        form, kinds = FORMS[protocol]
        wanted = "; ".join(f"give {' or '.join(answers)} of an {kind}" for kind, answers in kinds.items())
        wanted = wanted or {"sms": "give a telephone number", "email": "give a mail address"}.get(
            protocol, f"give what looks like {form}"
        )
        if (
            isinstance(endpoint, Given)
            and protocol not in ("email", "email-json")
            and takes_mail(site, endpoint)
        ):
            yield _at(resource, path, "Endpoint", protocol, endpoint, wanted)
        elif isinstance(endpoint, Reference):
            foreign = endpoint.resource.kind.startswith(("Custom::", "AWS::CloudFormation::", "AWS::SSM::"))
            own = endpoint.resource.kind in PHYSICAL or (
                protocol.startswith(("email", "sms")) and not foreign
            )
            if own and endpoint.attribute not in kinds.get(endpoint.resource.kind, ()):
                yield _at(resource, path, "Endpoint", protocol, endpoint, wanted)
        elif isinstance(endpoint, str) and not re.fullmatch(form, endpoint):
            yield _at(resource, path, "Endpoint", protocol, endpoint, wanted)
        elif endpoint is None:
            yield _at(resource, path, "Endpoint", protocol, "nobody", wanted)


def takes_mail(site: Site, value: Value) -> bool:
    """Whether it is a parameter whose pattern lets mail addresses in."""
    pattern = site.tree.root.parameters.get(getattr(value, "name", ""), {}).get("AllowedPattern")
    return isinstance(pattern, str) and "@" in pattern


PHYSICAL = frozenset(
    {
        "AWS::SQS::Queue",
        "AWS::Lambda::Function",
        "AWS::Serverless::Function",
        "AWS::KinesisFirehose::DeliveryStream",
        TOPIC,
        "AWS::Kinesis::Stream",
    }
)


def _at(resource: Resource, path: tuple[str | int, ...], step: str, *said: object) -> Finding:
    protocol, endpoint, wanted = said
    return found(
        resource, *path, step, subscription=resource, protocol=protocol, endpoint=endpoint, wanted=wanted
    )


@rule(
    "W9682",
    cause=(
        "subscription {subscription} filters what it is told by {policy}, and alarms have no "
        "such attribute: {user} does not get through"
    ),
    remedy="take the filter out, or subscribe whoever hears of alarms without one",
    sources=(FILTERS,),
)
def a_filter_that_holds_alarms_back(site: Site) -> Iterator[Finding]:
    speaking = telling(site)
    for resource, path, one in subscriptions(site):
        topic = resource if path else site.target(one.get("TopicArn"), TOPIC)
        policy = one.get("FilterPolicy")
        scope = one.get("FilterPolicyScope")
        alarms = (
            [user for user in speaking.get(topic, ()) if user.kind != "AWS::Events::Rule"]
            if topic is not None
            else []
        )
        body = (
            scope == "MessageBody"
            and isinstance(policy, dict)
            and {"AlarmName", "NewStateValue", "AWSAccountId"} & policy.keys()
        )
        if policy and alarms and not body:
            names = ", ".join(policy) if isinstance(policy, dict) else policy
            yield found(resource, *path, "FilterPolicy", subscription=resource, policy=names, user=alarms[0])


@rule(
    "E9683",
    cause="subscription {subscription} subscribes to {topic}, which is no topic's ARN",
    remedy="give Ref of the topic",
    sources=(SUBSCRIBE,),
)
def a_subscription_to_no_topic(site: Site) -> Iterator[Finding]:
    for resource in site.all(SUBSCRIPTION):
        topic = site.get(resource, "TopicArn")
        if topic is None:
            yield found(resource, subscription=resource, topic="nothing")
        elif isinstance(topic, Reference):
            foreign = topic.resource.kind.startswith(("Custom::", "AWS::CloudFormation::", "AWS::SSM::"))
            if not foreign and (topic.resource.kind != TOPIC or topic.attribute not in ("Ref", "TopicArn")):
                yield found(resource, "TopicArn", subscription=resource, topic=topic)
        elif isinstance(topic, str) and not topic.startswith("arn:"):
            yield found(resource, "TopicArn", subscription=resource, topic=topic)


@rule(
    "W9684",
    cause="subscription {subscription} sends raw messages by {protocol}, which takes none",
    remedy="use RawMessageDelivery with sqs, http, https and firehose alone",
    sources=("https://docs.aws.amazon.com/sns/latest/dg/sns-large-payload-raw-message-delivery.html",),
)
def raw_messages_where_none_are_taken(site: Site) -> Iterator[Finding]:
    for resource, path, one in subscriptions(site):
        raw = str(one.get("RawMessageDelivery")).lower() == "true"
        if (
            raw
            and isinstance(one.get("Protocol"), str)
            and one.get("Protocol") not in ("sqs", "http", "https", "firehose")
        ):
            yield found(
                resource, *path, "RawMessageDelivery", subscription=resource, protocol=one.get("Protocol")
            )
