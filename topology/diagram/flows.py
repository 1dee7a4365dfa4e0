"""Who hands what to whom, read from grants and from security groups.

A role's statement says what its holders do with a resource, a pair of security groups who may open a
connection to whom. Neither is drawn as such: what is drawn is the way that readings, logins and alarms go.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from topology.diagram.faces import COUNTED, SHOWN, words
from topology.policies import Kind, Policy, Statement, policies, texts
from topology.reach import reach
from topology.rendering import Renderer
from topology.tree import Resource, Tree
from topology.values import references


class What(StrEnum):
    """What goes along a line; the first of two matters more."""

    READINGS = "readings"
    STATE = "progress"
    CREDENTIALS = "logins"
    FAILURES = "what failed"
    ALARMS = "alarms"


@dataclass(frozen=True)
class Flow:
    """One line of the picture, between two addresses; an outsider's address begins with `outside:`."""

    source: str
    target: str
    what: What
    port: str = ""


@dataclass(frozen=True)
class _Verb:
    """What an allowed action means: what goes, and whether it goes to the resource or comes from it."""

    what: What
    towards: bool


OUTSIDE = "outside:"
VERBS: Mapping[str, _Verb] = {
    "kinesis:PutRecord": _Verb(What.READINGS, towards=True),
    "kinesis:PutRecords": _Verb(What.READINGS, towards=True),
    "kinesis:GetRecords": _Verb(What.READINGS, towards=False),
    "kinesis:SubscribeToShard": _Verb(What.READINGS, towards=False),
    "elasticache:Connect": _Verb(What.READINGS, towards=True),
    "dynamodb:PutItem": _Verb(What.STATE, towards=True),
    "dynamodb:UpdateItem": _Verb(What.STATE, towards=True),
    "secretsmanager:PutSecretValue": _Verb(What.CREDENTIALS, towards=True),
    "secretsmanager:GetSecretValue": _Verb(What.CREDENTIALS, towards=False),
    "sqs:SendMessage": _Verb(What.FAILURES, towards=True),
    "sns:Publish": _Verb(What.ALARMS, towards=True),
}
# What stands between a resource and what it works with: looked through, never drawn.
THROUGH = ("AWS::ECS::TaskDefinition",)
ROLE, TOPIC = "AWS::IAM::Role", "AWS::SNS::Topic"
SPEAKING = ("AlarmActions", "OKActions", "InsufficientDataActions", "Targets")


def flows(tree: Tree, renderer: Renderer) -> list[Flow]:
    """Every line, once, in the tree's order."""
    granted = list(_granted(tree, renderer))
    secrets = {secret.address for secret in tree.resources("AWS::SecretsManager::Secret")}
    rotators = {flow.source for flow in granted if flow.target in secrets}
    found = [
        *_published(tree, renderer),
        *granted,
        *_connected(tree, renderer, rotators),
        *_alarmed(tree, renderer),
        *_subscribed(tree, renderer),
    ]
    lines: dict[frozenset[str], Flow] = {}
    for flow in found:
        ends = frozenset((flow.source, flow.target))
        lines[ends] = _merged(lines[ends], flow) if ends in lines else flow
    return list(lines.values())


def _merged(one: Flow, other: Flow) -> Flow:
    """One line for two: what matters more goes along it; a connection says who begins, and on which port."""
    way = one if one.port or not other.port else other
    what = min(one.what, other.what, key=list(What).index)
    return Flow(way.source, way.target, what, way.port)


def works_with(resource: Resource, renderer: Renderer, *kinds: str) -> list[Resource]:
    """What of some types a resource names, itself or through what it is made of."""
    found: dict[str, Resource] = {}
    todo, seen = [resource], {resource.address}
    while todo:
        for named in named_by(todo.pop(0), renderer):
            if named.kind in kinds:
                found.setdefault(named.address, named)
            if named.kind in THROUGH and named.address not in seen:
                seen.add(named.address)
                todo.append(named)
    return list(found.values())


def named_by(resource: Resource, renderer: Renderer) -> Iterator[Resource]:
    for value in renderer.resolver.properties(resource).values():
        for reference in references(value):
            yield reference.resource


def shown(tree: Tree) -> Iterator[Resource]:
    yield from tree.resources(*SHOWN)


def outsider(resource: Resource) -> str:
    """Who stands outside of the account because of it."""
    return OUTSIDE + resource.address


def _granted(tree: Tree, renderer: Renderer) -> Iterator[Flow]:
    """What the holders of each identity policy may do; one that nobody holds is for somebody outside."""
    for policy in policies(tree, renderer):
        if policy.kind is Kind.IDENTITY:
            for holder in _holders(policy, tree, renderer):
                yield from _uses(holder, policy)


def _holders(policy: Policy, tree: Tree, renderer: Renderer) -> list[str]:
    if not policy.about:
        return [outsider(policy.resource)]
    roles = {role.address for role in policy.about}
    return [
        resource.address
        for resource in shown(tree)
        if roles & {role.address for role in works_with(resource, renderer, ROLE)}
    ]


def _uses(holder: str, policy: Policy) -> Iterator[Flow]:
    """One line for a resource that is read and written: towards it."""
    for statement in policy.statements:
        verbs = [VERBS[action] for action in statement.actions if action in VERBS and statement.allows]
        if verbs:
            verb = max(verbs, key=lambda verb: verb.towards)
            for reference in references(statement.resolved.get("Resource")):
                address = reference.resource.address
                if reference.resource.kind in SHOWN:
                    yield Flow(*((holder, address) if verb.towards else (address, holder)), verb.what)


def _connected(tree: Tree, renderer: Renderer, rotators: set[str]) -> Iterator[Flow]:
    """From every member of one security group to every member of another, where both let it pass."""
    found = reach(tree, renderer)
    for edge in found.edges:
        for source in found.members[edge.caller]:
            for target in found.members[edge.callee]:
                if {source.kind, target.kind} <= SHOWN.keys():
                    what = What.CREDENTIALS if source.address in rotators else What.READINGS
                    yield Flow(source.address, target.address, what, _written(edge.ports))


def _written(ports: tuple[int, int]) -> str:
    first, last = ports
    return str(first) if first == last else f"{first}-{last}"


def _published(tree: Tree, renderer: Renderer) -> Iterator[Flow]:
    """From the devices that hold an IoT policy to each rule that selects what they may publish."""
    ask = renderer.resolver.property
    rules = {
        rule.address: str(renderer.document(ask(rule, "TopicRulePayload", "Sql")))
        for rule in tree.resources("AWS::IoT::TopicRule")
    }
    for policy in policies(tree, renderer):
        if policy.kind is Kind.DEVICE:
            stems = [_stem(topic) for statement in policy.statements for topic in _topics(statement)]
            for address, selected in rules.items():
                if any(stem in selected for stem in stems):
                    yield Flow(outsider(policy.resource), address, What.READINGS)


def _topics(statement: Statement) -> Iterator[str]:
    """Those that it lets somebody publish to."""
    if statement.allows and "iot:Publish" in statement.actions:
        for arn in texts(statement.document.get("Resource")):
            yield arn.partition(":topic/")[2]


def _stem(topic: str) -> str:
    """A topic up to its first wildcard or variable: what a filter of the same topics begins with."""
    return topic.partition("*")[0].partition("$")[0]


def _alarmed(tree: Tree, renderer: Renderer) -> Iterator[Flow]:
    """From an alarm to the topics that it speaks to; one may watch another topic and say nothing there."""
    for resource in tree.resources(*COUNTED, "AWS::CloudWatch::CompositeAlarm"):
        for name in SPEAKING:
            for reference in references(renderer.resolver.property(resource, name)):
                if reference.resource.kind == TOPIC:
                    yield Flow(resource.address, reference.resource.address, What.ALARMS)


def _subscribed(tree: Tree, renderer: Renderer) -> Iterator[Flow]:
    for subscription in tree.resources("AWS::SNS::Subscription"):
        for topic in works_with(subscription, renderer, TOPIC):
            yield Flow(topic.address, outsider(subscription), What.ALARMS)


def outside_title(resource: Resource, renderer: Renderer) -> tuple[str, str]:
    """What to call somebody outside, and how they are reached."""
    if resource.kind == "AWS::IoT::Policy":
        return f"{words(resource.name)}s", "MQTT"
    if resource.kind == "AWS::SNS::Subscription":
        return "People", f"by {renderer.resolver.property(resource, 'Protocol')}"
    return f"{words(resource.name)}s", "AWS API"
