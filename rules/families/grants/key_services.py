"""Services that use a key by its own policy: they act for themselves, so no role's policy lets them."""

from collections.abc import Iterator, Mapping

from rules.families.grants.grant_book import Book, Line, book
from rules.families.grants.grant_needs import LOG_GROUP, arn
from rules.families.grants.grant_texts import REGION, may, shown
from rules.families.grants.key_holders import KEY, key_of
from rules.families.grants.publishers import publishers
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource

LOGS = (
    "Encrypt",
    "Decrypt",
    "ReEncryptFrom",
    "ReEncryptTo",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
)
PUBLISHING = ("kms:GenerateDataKey", "kms:Decrypt")
LOG_KEYS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html"
TOPIC_KEYS = "https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html"
SOURCES = frozenset({"aws:sourceaccount", "aws:sourcearn"})
# What EventBridge does not say of itself when it asks KMS.
NOT_SENT = SOURCES | {
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:sourceorgid",
    "aws:sourceowner",
    "kms:calleraccount",
}
QUEUE_KEYS = (
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html"
)


def trusted(lines: tuple[Line, ...], *services: str) -> tuple[Line, ...]:
    """The statements of a policy that are about one of these services."""
    return tuple(
        line
        for line in lines
        if any(
            kind == "*" or (kind == "Service" and any(may(name, service) for service in services))
            for kind, name in line.principals
        )
    )


def refusal(
    known: Book, key: Resource, lines: tuple[Line, ...], action: str, request: Mapping[str, str | None]
) -> str:
    """Why a service may not do it with a key; nothing where it may."""
    on = known.wording.arn(key)
    for line in known.denying(lines, action, on, request):
        return f"{line.statement.name} denies it"
    if any(known.allowing(lines, action, on, request)):
        return ""
    for line in lines:
        if line.allows and line.covers(action.lower()):
            return f"the condition of {line.statement.name} cannot hold"
    return "no statement of the key's policy allows it"


def unread(site: Site, resource: Resource) -> bool:
    return resource.address in site.unread_policies


@rule(
    "E9240",
    cause="{group} is under {key}, with which CloudWatch Logs may not {action} for it ({why})",
    remedy="allow logs.<region>.amazonaws.com in the key's policy, for this group's ARN as context",
    sources=(LOG_KEYS,),
)
def a_log_group_whose_key_the_service_may_not_use(site: Site) -> Iterator[Finding]:
    known = book(site)
    for group in site.all(LOG_GROUP):
        key = key_of(site, site.get(group, "KmsKeyId"))
        if key is None or unread(site, key):
            continue
        lines = trusted(known.guards(key), f"logs.{REGION}.amazonaws.com", "logs.amazonaws.com")
        request = {
            "kms:encryptioncontext:aws:logs:arn": arn("logs", f"log-group:{known.wording.name(group)}"),
            "kms:viaservice": None,
            "kms:calleraccount": None,
        }
        for action in LOGS:
            why = refusal(known, key, lines, f"kms:{action}", request)
            if why:
                yield found(group, "KmsKeyId", group=group, key=key, action=f"kms:{action}", why=why)
                break


@rule(
    "E9241",
    cause="{target} is under {key}, with which {service} may not {action} for {user} ({why})",
    remedy="allow the service both kms:GenerateDataKey and kms:Decrypt in the key's policy",
    sources=(TOPIC_KEYS, QUEUE_KEYS),
)
def a_publisher_that_may_not_use_the_key(site: Site) -> Iterator[Finding]:
    known = book(site)
    for one in publishers(site):
        key = key_of(site, site.get(one.target, "KmsMasterKeyId"))
        if key is None or unread(site, key):
            continue
        lines = trusted(known.guards(key), one.service)
        for action in PUBLISHING:
            why = refusal(known, key, lines, action, {**one.request, "kms:viaservice": None})
            if why:
                yield found(
                    one.target,
                    "KmsMasterKeyId",
                    target=one.target,
                    key=key,
                    service=one.service,
                    action=action,
                    user=one.user,
                    why=why,
                )
                break


@rule(
    "E9242",
    cause="{user} speaks to {target}, which is under AWS's own key: {service} cannot use that",
    remedy="give it a customer managed key of which the policy lets the service in",
    sources=(TOPIC_KEYS,),
)
def a_publisher_to_what_is_under_the_key_of_aws(site: Site) -> Iterator[Finding]:
    for one in publishers(site):
        key = site.get(one.target, "KmsMasterKeyId")
        if isinstance(key, str) and (key.startswith("alias/aws/") or ":alias/aws/" in key):
            yield found(one.target, "KmsMasterKeyId", user=one.user, target=one.target, service=one.service)


@rule(
    "W9243",
    cause="{statement} of {key} holds EventBridge to {bound}, which it does not send: {user} is dropped",
    remedy="let events.amazonaws.com use the key without that condition",
    sources=("https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html",),
)
def a_key_that_binds_eventbridge(site: Site) -> Iterator[Finding]:
    known = book(site)
    for one in publishers(site):
        key = key_of(site, site.get(one.target, "KmsMasterKeyId"))
        if key is None or one.service != "events.amazonaws.com":
            continue
        lines = trusted(known.guards(key), one.service)
        bound = {name for line in lines for _, name, _ in line.conditions if name.lower() in NOT_SENT}
        if lines and all(any(name.lower() in NOT_SENT for _, name, _ in line.conditions) for line in lines):
            yield found(
                key,
                *lines[0].path,
                statement=lines[0].statement.name,
                key=key,
                bound=", ".join(sorted(bound)),
                user=one.user,
            )


@rule(
    "W9244",
    cause="{statement} lets {service} use {key}, and nothing that is under this key has to do with it",
    remedy="take the service out of the key's policy, or put under the key what it was meant for",
    sources=("https://docs.aws.amazon.com/kms/latest/developerguide/least-privilege.html",),
    demanding=True,
)
def a_service_that_uses_a_key_for_nothing(site: Site) -> Iterator[Finding]:
    known = book(site)
    concerned = list(publishers(site))
    for key in site.all(KEY):
        users = {use.user for use in site.uses(key)} - {key}
        if any(alias.kind == "AWS::KMS::Alias" for alias in users) or not users:
            continue
        served = {one.service for one in concerned if one.target in users}
        if any(user.kind == LOG_GROUP for user in users):
            served |= {f"logs.{REGION}.amazonaws.com", "logs.amazonaws.com"}
        for line in known.guards(key):
            for kind, name in line.principals:
                about = name.startswith(("logs.", "cloudwatch.", "events."))
                if line.allows and kind == "Service" and about and not any(may(name, one) for one in served):
                    statement = line.statement.name
                    yield found(key, *line.path, statement=statement, service=shown(name), key=key)


@rule(
    "W9245",
    cause="{statement} of {key} lets {service} use it for any account, and any resource there",
    remedy="bind the statement by the encryption context, aws:SourceAccount or aws:SourceArn",
    sources=("https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html", LOG_KEYS),
    demanding=True,
)
def a_key_that_a_service_may_use_for_anybody(site: Site) -> Iterator[Finding]:
    known = book(site)
    for key in site.all(KEY):
        for line in known.guards(key):
            names = {name.lower() for _, name, _ in line.conditions}
            bound = any(
                name.startswith(
                    ("kms:encryptioncontext", "aws:source", "kms:viaservice", "kms:calleraccount")
                )
                for name in names
            )
            for kind, name in line.principals:
                free = kind == "Service" and not name.startswith(("events.", "delivery.logs"))
                if line.allows and free and not bound and name.startswith(("logs.", "cloudwatch.")):
                    yield found(key, *line.path, statement=line.statement.name, key=key, service=shown(name))
