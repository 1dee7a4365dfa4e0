"""Resource policies: what they refuse, what they leave open, and whether they are about what they guard."""

from collections import defaultdict
from collections.abc import Iterator

from rules.families.grants.grant_book import Line, book
from rules.families.grants.grant_conditions import Holds, holds
from rules.families.grants.grant_texts import ACCOUNT, ANY, CLOSE, OPEN
from rules.families.grants.key_care import narrowed
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.policies import Kind
from topology.tree import Resource

TLS = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html"
QUEUES = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-security-best-practices.html"
ELEMENTS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html"
# A request as it should be: over TLS, from this account; a new object, written where none is.
PROPER = {
    "aws:securetransport": "true",
    "aws:principalaccount": ACCOUNT,
    "aws:sourceaccount": ACCOUNT,
    "aws:resourceaccount": ACCOUNT,
    "kms:calleraccount": ACCOUNT,
    "s3:if-none-match": "*",
    "s3:objectcreationoperation": "true",
}
# By whoever has credentials of their own: some pass services of AWS over.
PLAIN = {**PROPER, "aws:securetransport": "false", "aws:principalisawsservice": "false"}
STRANGE = {**PROPER, "aws:principalaccount": f"{OPEN}another{CLOSE}"}
TOPIC = "AWS::SNS::Topic"
# What resources of a type are for.
USES = {
    "AWS::ECR::Repository": ("ecr:batchgetimage",),
    "AWS::KMS::Key": ("kms:decrypt", "kms:generatedatakey"),
    "AWS::S3::Bucket": ("s3:getobject", "s3:putobject"),
    "AWS::SNS::Topic": ("sns:publish",),
    "AWS::SQS::Queue": ("sqs:sendmessage", "sqs:receivemessage"),
    "AWS::SecretsManager::Secret": ("secretsmanager:getsecretvalue",),
}
POLICIES = {
    "AWS::S3::BucketPolicy": "Bucket",
    "AWS::SNS::TopicPolicy": "Topics",
    "AWS::SQS::QueuePolicy": "Queues",
}


def _everybody(line: Line) -> bool:
    return any(kind == "*" and name == "*" for kind, name in line.principals)


def _within(site: Site, guarded: Resource) -> tuple[str, ...]:
    arn = book(site).wording.arn(guarded)
    return (arn, f"{arn}/{ANY}") if guarded.kind == "AWS::S3::Bucket" else (arn,)


def refusing(site: Site, guarded: Resource, request: dict[str, str]) -> list[Line]:
    """The statements that refuse everybody a request such as this."""
    return [
        line
        for line in book(site).guards(guarded)
        if not line.allows and _everybody(line) and holds(line.conditions, request) is Holds.YES
    ]


@rule(
    "E9264",
    cause="{statement} refuses everybody {action} on {guarded}, also who asks as they should",
    remedy="bind the denial to what it is meant to refuse, or turn its condition round",
    sources=(ELEMENTS, TLS),
)
def a_refusal_of_what_should_be(site: Site) -> Iterator[Finding]:
    for kind, actions in USES.items():
        for guarded in site.all(kind):
            for line in refusing(site, guarded, PROPER):
                hit = [action for action in actions if line.surely_covers(action)]
                if hit and any(line.surely_reaches(one) for one in _within(site, guarded)):
                    yield found(
                        line.policy.resource,
                        *line.path,
                        statement=line.statement.name,
                        action=hit[0],
                        guarded=guarded,
                    )


def _lacking(site: Site, request: dict[str, str]) -> Iterator[tuple[Resource, Resource]]:
    """(what lets such a request pass, a sibling of its type that does not)"""
    for kind in USES:
        if kind == "AWS::KMS::Key":
            continue
        closed: dict[bool, list[Resource]] = defaultdict(list)
        for guarded in site.all(kind):
            lines = [line for line in refusing(site, guarded, request) if line.policy]
            proper = refusing(site, guarded, PROPER)
            closed[bool([line for line in lines if line not in proper])].append(guarded)
        for guarded in closed[False] if closed[True] else ():
            if guarded.address not in site.unread_policies and not _unplaced(site):
                yield guarded, closed[True][0]


def _unplaced(site: Site) -> bool:
    return any(policy.address in site.unread_policies for policy in site.all(*POLICIES))


@rule(
    "W9265",
    cause="{guarded} may be used without TLS, which {other} refuses",
    remedy="deny every principal all actions where aws:SecureTransport is false",
    sources=(TLS, QUEUES),
    demanding=True,
)
def a_resource_that_takes_requests_without_tls(site: Site) -> Iterator[Finding]:
    for guarded, other in _lacking(site, PLAIN):
        yield found(guarded, guarded=guarded, other=other)


@rule(
    "W9266",
    cause="{guarded} does not refuse other accounts, as {other} does",
    remedy="deny every principal of which aws:PrincipalAccount is not this account",
    sources=(QUEUES,),
    demanding=True,
)
def a_resource_that_takes_other_accounts(site: Site) -> Iterator[Finding]:
    for guarded, other in _lacking(site, STRANGE):
        yield found(guarded, guarded=guarded, other=other)


@rule(
    "W9267",
    cause="{statement} refuses what comes to {guarded} without TLS in part: {missing} is left out",
    remedy="deny all actions, on the resource and on what it holds",
    sources=(TLS,),
    demanding=True,
)
def a_refusal_without_tls_of_a_part(site: Site) -> Iterator[Finding]:
    for kind, uses in USES.items():
        for guarded in site.all(kind):
            for line in refusing(site, guarded, PLAIN):
                if not any(key.lower() == "aws:securetransport" for _, key, _ in line.conditions):
                    continue
                others = [one for one in refusing(site, guarded, PLAIN) if one is not line]
                missing = [one for one in _within(site, guarded) if not line.reaches(one)]
                # To publish is all that a topic is called for but by who administers it.
                whole = () if kind == TOPIC else (f"{uses[0].split(':')[0]}:x",)
                actions = [one for one in (*uses, *whole) if not line.covers(one)]
                if (missing or actions) and not others:
                    what = "what it holds" if missing and ANY in missing[0] else "the resource itself"
                    yield found(
                        line.policy.resource,
                        *line.path,
                        statement=line.statement.name,
                        guarded=guarded,
                        missing=what if missing else "some actions",
                    )


@rule(
    "E9268",
    cause="{statement} opens {guarded} to everybody, for {actions}",
    remedy="name who may, or bind it by account, organization or source",
    sources=("https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-resources.html",),
)
def a_resource_for_everybody(site: Site) -> Iterator[Finding]:
    for line in book(site).of(Kind.RESOURCE):
        for guarded in line.policy.about:
            meant = guarded.kind == "AWS::S3::Bucket" and _meant_for_all(site, guarded)
            elsewhere = guarded.kind in ("AWS::KMS::Key", "AWS::Lambda::Function") or meant
            if line.allows and _everybody(line) and not narrowed(line) and not elsewhere:
                yield found(
                    line.policy.resource,
                    *line.path,
                    statement=line.statement.name,
                    guarded=guarded,
                    actions=", ".join(line.statement.actions),
                )


def _meant_for_all(site: Site, bucket: Resource) -> bool:
    """A website, or a bucket that is said to be public."""
    block = site.get(bucket, "PublicAccessBlockConfiguration", "BlockPublicPolicy")
    return site.get(bucket, "WebsiteConfiguration") is not None or str(block).lower() == "false"


@rule(
    "E9269",
    cause="{policy} and {other} are both the policy of {guarded}, and the one replaces the other",
    remedy="write all statements into one",
    sources=("https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html",),
)
def two_policies_of_one_resource(site: Site) -> Iterator[Finding]:
    first: dict[str, Resource] = {}
    for kind, name in POLICIES.items():
        for policy in site.all(kind):
            for value in site.items(policy, name):
                guarded = site.target(value)
                if guarded is not None and guarded.address in first:
                    yield found(policy, name, policy=policy, other=first[guarded.address], guarded=guarded)
                elif guarded is not None:
                    first[guarded.address] = policy


@rule(
    "E9270",
    cause="{statement} of the policy of {guarded} is about {resources}",
    remedy="name the resource that the policy is attached to",
    sources=("https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html",),
)
def a_policy_about_something_else(site: Site) -> Iterator[Finding]:
    for line in book(site).of(Kind.RESOURCE):
        policy = line.policy
        placed = policy.resource.kind in POLICIES
        if placed and policy.about and not line.but_resources:
            within = [one for guarded in policy.about for one in _within(site, guarded)]
            if not any(line.reaches(one) for one in within):
                yield found(
                    policy.resource,
                    *line.path,
                    statement=line.statement.name,
                    guarded=policy.about[0],
                    resources=", ".join(map(str, book(site).texts(line.statement.resolved.get("Resource")))),
                )
