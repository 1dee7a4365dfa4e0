"""Services that send to a topic or a queue by its own policy, and whether that lets them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rules.families.grants.grant_book import Book, Line, book
from rules.families.grants.grant_texts import ACCOUNT, ANY, may, shown
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Value, references

TOPIC = "AWS::SNS::Topic"
QUEUE = "AWS::SQS::Queue"
SENDING = {TOPIC: "sns:Publish", QUEUE: "sqs:SendMessage"}
ALARMS = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
TOLD = ("AlarmActions", "OKActions", "InsufficientDataActions")
TOPICS = "https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html"
BUSES = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html"


Spoken = tuple[Resource, Value, str]  # who, to what, by which service


@dataclass(frozen=True)
class Publisher:
    """A service, and for what in this tree it sends where."""

    service: str
    user: Resource
    target: Resource
    request: Mapping[str, str | None] = field(hash=False, compare=False)


def _request(site: Site, user: Resource) -> Mapping[str, str | None]:
    return {
        "aws:sourceaccount": ACCOUNT,
        "aws:sourcearn": book(site).wording.arn(user),
        "aws:securetransport": "true",
    }


def publishers(site: Site) -> tuple[Publisher, ...]:
    """Each that speaks to a topic or queue of this tree, once."""
    known = book(site)
    if known.publishers is None:
        spoken = [(user, site.target(to, TOPIC, QUEUE), name) for user, to, name in _spoken(site)]
        made = [
            Publisher(name, user, to, _request(site, user)) for user, to, name in spoken if to is not None
        ]
        known.publishers = tuple(dict.fromkeys(made))
    return tuple(one for one in known.publishers if isinstance(one, Publisher))


def _spoken(site: Site) -> Iterator[Spoken]:
    for ways in (_by_alarms, _by_events, _by_topics, _by_budgets, _by_buckets):
        yield from ways(site)


def _by_alarms(site: Site) -> Iterator[Spoken]:
    for alarm in site.all(*ALARMS):
        for name in TOLD:
            for value in site.items(alarm, name):
                yield alarm, value, "cloudwatch.amazonaws.com"


def _by_events(site: Site) -> Iterator[Spoken]:
    for rule_ in site.all("AWS::Events::Rule"):
        for target in site.items(rule_, "Targets"):
            if isinstance(target, dict) and target.get("RoleArn") is None:
                yield rule_, target.get("Arn"), "events.amazonaws.com"
                letters = target.get("DeadLetterConfig")
                yield rule_, letters.get("Arn") if isinstance(letters, dict) else None, "events.amazonaws.com"


def _by_topics(site: Site) -> Iterator[Spoken]:
    for subscription in site.all("AWS::SNS::Subscription"):
        if site.get(subscription, "Protocol") == "sqs":
            topic = site.target(site.get(subscription, "TopicArn"), TOPIC)
            if topic is not None:
                yield topic, site.get(subscription, "Endpoint"), "sns.amazonaws.com"


def _by_budgets(site: Site) -> Iterator[Spoken]:
    for budget in site.all("AWS::Budgets::Budget"):
        for notified in site.items(budget, "NotificationsWithSubscribers"):
            subscribers = notified.get("Subscribers") if isinstance(notified, dict) else None
            for one in subscribers if isinstance(subscribers, list) else []:
                if isinstance(one, dict) and one.get("SubscriptionType") == "SNS":
                    yield budget, one.get("Address"), "budgets.amazonaws.com"


def _by_buckets(site: Site) -> Iterator[Spoken]:
    for bucket in site.all("AWS::S3::Bucket"):
        told = site.get(bucket, "NotificationConfiguration")
        for name, key in (("TopicConfigurations", "Topic"), ("QueueConfigurations", "Queue")):
            listed = told.get(name) if isinstance(told, dict) else None
            for one in listed if isinstance(listed, list) else []:
                if isinstance(one, dict):
                    yield bucket, one.get(key), "s3.amazonaws.com"


def _refusal(known: Book, one: Publisher, lines: tuple[Line, ...]) -> str:
    on = known.wording.arn(one.target)
    action = SENDING[one.target.kind]
    for line in known.denying(lines, action, on, one.request):
        return f"{line.statement.name} denies it"
    if any(known.allowing(lines, action, on, one.request)):
        return ""
    for line in lines:
        if line.allows and line.covers(action.lower()):
            if not line.reaches(on):
                return f"{line.statement.name} is about {', '.join(map(shown, line.resources))}"
            return f"the condition of {line.statement.name} cannot hold"
    return "no statement of its policy allows it"


def _open(site: Site, target: Resource) -> bool:
    """Whether a policy of it may stand where it is not seen."""
    policies = ("AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicInlinePolicy")
    others = {policy.address for policy in site.all(*policies, "AWS::SQS::QueueInlinePolicy")}
    read = {line.policy.resource.address for line in book(site).guards(target)}
    return any(
        address in site.unread_policies or (address not in read and not _placed(site, address))
        for address in others
    )


def _placed(site: Site, address: str) -> bool:
    """Whether all that a policy is of is known."""
    policy = site.tree.resource(address)
    named = [*site.items(policy, "Topics"), *site.items(policy, "Queues")]
    return bool(named) and all(isinstance(one, Reference) for one in named)


@rule(
    "E9246",
    cause="{user} is not heard: {service} may not {action} to {target} ({why})",
    remedy="allow the service in the policy of the target, for this account or what speaks there",
    sources=(TOPICS, BUSES),
)
def a_publisher_that_the_target_refuses(site: Site) -> Iterator[Finding]:
    known = book(site)
    for one in dict.fromkeys(publishers(site)):
        lines = tuple(
            line
            for line in known.guards(one.target)
            if any(
                kind == "*" or (kind == "Service" and may(name, one.service))
                for kind, name in line.principals
            )
        )
        # A topic without a policy of its own has the one that SNS makes, which lets alarms of the account in.
        default = one.target.kind == TOPIC and one.service == "cloudwatch.amazonaws.com"
        if (default and not known.guards(one.target)) or _open(site, one.target):
            continue
        why = _refusal(known, one, lines)
        if why:
            yield found(
                one.user,
                user=one.user,
                service=one.service,
                action=SENDING[one.target.kind],
                target=one.target,
                why=why,
            )


@rule(
    "W9247",
    cause="{statement} lets {service} {action} to {target} for any account",
    remedy="bind it by aws:SourceAccount or aws:SourceArn",
    sources=("https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html",),
    demanding=True,
)
def a_target_that_a_service_may_fill_for_anybody(site: Site) -> Iterator[Finding]:
    for target in site.all(*SENDING, "AWS::S3::Bucket"):
        for line in book(site).guards(target):
            bound = any(key.lower().startswith("aws:source") for _, key, _ in line.conditions)
            for kind, name in line.principals:
                # EventBridge sends neither to a topic under a key: see BUSES.
                free = kind == "Service" and not (name.startswith("events.") and target.kind == TOPIC)
                if line.allows and free and not bound:
                    yield found(
                        line.policy.resource,
                        *line.path,
                        statement=line.statement.name,
                        service=name,
                        action=SENDING.get(target.kind, "s3:PutObject"),
                        target=target,
                    )


@rule(
    "E9248",
    cause="{source} logs its requests to {bucket}, and S3 may not put them there ({why})",
    remedy="allow logging.s3.amazonaws.com s3:PutObject below its prefix, for this source and account",
    sources=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html",),
)
def an_access_log_that_nobody_may_write(site: Site) -> Iterator[Finding]:
    known = book(site)
    for source in site.all("AWS::S3::Bucket"):
        logging = site.get(source, "LoggingConfiguration")
        if not isinstance(logging, dict):
            continue
        named = logging.get("DestinationBucketName")
        bucket = source if named is None else site.target(named, "AWS::S3::Bucket")
        owned = site.get(bucket, "OwnershipControls", "Rules", 0, "ObjectOwnership") if bucket else None
        if bucket is None or _grants_to_log_delivery(site, bucket, owned):
            continue
        lines = tuple(
            line
            for line in known.guards(bucket)
            if any(kind == "*" or may(name, "logging.s3.amazonaws.com") for kind, name in line.principals)
        )
        prefix = known.wording.text(logging.get("LogFilePrefix") or "")
        why = _logged(known, lines, f"{known.wording.arn(bucket)}/{prefix}{ANY}", _request(site, source))
        if why and not _unread_bucket_policy(site):
            yield found(source, "LoggingConfiguration", source=source, bucket=bucket, why=why)


def _grants_to_log_delivery(site: Site, bucket: Resource, owned: Value) -> bool:
    """Lists of grants work where they are not switched off."""
    return owned != "BucketOwnerEnforced" and site.get(bucket, "AccessControl") == "LogDeliveryWrite"


def _unread_bucket_policy(site: Site) -> bool:
    policies = list(site.all("AWS::S3::BucketPolicy"))
    return any(
        one.address in site.unread_policies or not any(True for _ in references(site.get(one, "Bucket")))
        for one in policies
    )


def _logged(known: Book, lines: tuple[Line, ...], on: str, request: Mapping[str, str | None]) -> str:
    for line in known.denying(lines, "s3:PutObject", on, request):
        return f"{line.statement.name} denies it"
    if any(known.allowing(lines, "s3:PutObject", on, request)):
        return ""
    for line in lines:
        if line.allows and line.covers("s3:putobject"):
            where = "its condition cannot hold" if line.reaches(on) else "it is about something else"
            return f"{line.statement.name}: {where}"
    return "no statement of its policy allows it"


@rule(
    "E9249",
    cause="{statement} lets EventBridge speak to {topic} under a condition on {bound}, and {user} is dropped",
    remedy="let events.amazonaws.com publish without a condition: topic policies take none for EventBridge",
    sources=(BUSES,),
    demanding=True,
)
def a_topic_that_binds_eventbridge(site: Site) -> Iterator[Finding]:
    known = book(site)
    for one in publishers(site):
        if one.target.kind != TOPIC or one.service != "events.amazonaws.com":
            continue
        lines = [
            line
            for line in known.guards(one.target)
            if line.allows
            and any(kind == "Service" and may(name, one.service) for kind, name in line.principals)
        ]
        if lines and all(line.conditions for line in lines):
            bound = ", ".join(dict.fromkeys(name for line in lines for _, name, _ in line.conditions))
            yield found(
                lines[0].policy.resource,
                *lines[0].path,
                statement=lines[0].statement.name,
                topic=one.target,
                bound=bound,
                user=one.user,
            )
