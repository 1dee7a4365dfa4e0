"""Policies of devices, read: what each statement lets a certificate's owner do, and on what."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rules.families.ingest.topic_filters import (
    ANYTHING,
    ONE_LEVEL,
    SOMETHING,
    Pattern,
    Piece,
    of_glob,
    of_text,
)
from rules.seam.rule import Steps
from rules.seam.site import Site
from topology.policies import Kind, Policy, Statement, texts
from topology.tree import Resource
from topology.values import Given, Reference, Text, Unknown, Value

POLICY = "AWS::IoT::Policy"
VARIABLE = re.compile(r"\$\{([^{}]*)\}")
ATTRIBUTE = re.compile(r"iot:Connection\.Thing\.Attributes\[([^\]]+)\]")
THING = "iot:Connection.Thing.ThingName"
_NAMED = (
    "DistinguishedNameQualifier|Country|Organization|OrganizationalUnit|State|CommonName|SerialNumber|Title"
    "|Surname|GivenName|Initials|Pseudonym|GenerationQualifier"
)
_OTHER = "RFC822Name|DNSName|DirectoryName|UniformResourceIdentifier|IPAddress"
# https://docs.aws.amazon.com/iot/latest/developerguide/iot-policy-variables.html
VARIABLES = re.compile(
    r"iot:ClientId|aws:SourceIp|iot:Connection\.Thing\.(?:ThingName|ThingTypeName|IsAttached)"
    rf"|{ATTRIBUTE.pattern}|iot:CertificateId|iot:Certificate\.(?:SerialNumber|AvailableKeys)"
    rf"|iot:Certificate\.(?:Subject|Issuer)\.(?:{_NAMED})(?:\.\d|\.List)?"
    rf"|iot:Certificate\.(?:Subject|Issuer)\.AlternativeName\.(?:{_OTHER})(?:\.\d|\.List)?"
    r"|cognito-identity\.amazonaws\.com:\w+|aws:\w+|\*|\?|\$"
)
# https://docs.aws.amazon.com/iot/latest/developerguide/iot-action-resources.html
TAKES: Mapping[str, tuple[str, ...]] = {
    "iot:Connect": ("client",),
    "iot:DeleteConnection": ("client",),
    "iot:Publish": ("topic",),
    "iot:Receive": ("topic",),
    "iot:RetainPublish": ("topic",),
    "iot:GetRetainedMessage": ("topic",),
    "iot:Subscribe": ("topicfilter",),
    "iot:GetThingShadow": ("thing",),
    "iot:UpdateThingShadow": ("thing",),
    "iot:DeleteThingShadow": ("thing",),
    "iot:ListNamedShadowsForThing": ("thing",),
    "iot:DescribeJobExecution": ("thing",),
    "iot:GetPendingJobExecutions": ("thing",),
    "iot:StartNextPendingJobExecution": ("thing",),
    "iot:UpdateJobExecution": ("thing",),
    "iot:AssumeRoleWithCertificate": ("rolealias",),
}
WITHOUT = frozenset(
    {"iot:ListRetainedMessages", "iot:CreateCertificateFromCsr", "iot:CreateKeysAndCertificate"}
)
_BY_LOWER = {name.lower(): name for name in (*TAKES, *WITHOUT)}


@dataclass(frozen=True)
class On:
    """One resource of one statement: topic, topicfilter, client, and what follows the slash."""

    kind: str  # "" for *, "?" for what is unknown
    name: str
    value: Value


@dataclass(frozen=True)
class Allowed:
    """One statement of a device's policy."""

    policy: Resource
    path: Steps  # to the statement, within the properties
    statement: Statement
    allows: bool
    actions: tuple[str, ...]  # as AWS spells them, where it knows them
    resources: tuple[On, ...]

    @property
    def conditions(self) -> Mapping[str, Mapping[str, object]]:
        return self.statement.conditions

    @property
    def name(self) -> str:
        return self.statement.name


def statements(site: Site) -> Iterator[Allowed]:
    """Every statement of every device's policy that could be read."""
    for policy in site.policies:
        if policy.kind is Kind.DEVICE:
            for position, statement in enumerate(policy.statements):
                yield _read(policy, position, statement)


def _read(policy: Policy, position: int, statement: Statement) -> Allowed:
    resolved = statement.resolved.get("Resource")
    values = resolved if isinstance(resolved, list) else [] if resolved is None else [resolved]
    return Allowed(
        policy.resource,
        ("PolicyDocument", "Statement", position),
        statement,
        statement.allows,
        tuple(_BY_LOWER.get(one.lower(), one) for one in texts(statement.document.get("Action"))),
        tuple(_on(value) for value in values),
    )


def _on(value: Value) -> On:
    text = plain(value)
    if text == "*":
        return On("", "*", value)
    if "\0" in text.partition("/")[0] or text.count(":") < 5:
        return On("?", text, value)
    rest = text.split(":", 5)[5]
    kind, slash, name = rest.partition("/")
    return On(kind if slash or kind != "*" else "", name if slash else rest, value)


def plain(value: Value) -> str:
    """A resource as text: pseudo parameters filled in, and \\0 for what only a deployment knows."""
    parts = value.parts if isinstance(value, Text) else (value,)
    return "".join(_plain(part) for part in parts)


def _plain(part: object) -> str:
    if isinstance(part, Given):
        return part.name.replace("::", ".") if part.name.startswith("AWS::") else "\0"
    if isinstance(part, Reference):
        return part.resource.address.replace("/", ".")
    return "\0" if isinstance(part, Unknown | list | dict) or part is None else str(part)


def variables(one: On) -> list[str]:
    """The policy variables in a resource."""
    return VARIABLE.findall(one.name)


def bound(one: On) -> bool:
    """Whether something in it is the device's own, which nobody else has."""
    return any(VARIABLES.fullmatch(name) and name not in ("*", "?", "$") for name in variables(one))


def unique(one: On) -> bool:
    """Whether it has the device's name in it, or its certificate's; an attribute may be that of many."""
    names = (name for name in variables(one) if VARIABLES.fullmatch(name))
    return any(name in (THING, "iot:ClientId") or name.startswith("iot:Certificate") for name in names)


def pattern(one: On, conditions: Mapping[str, Mapping[str, object]]) -> Pattern:
    """What texts a resource stands for. An attribute is what the conditions leave of it."""
    pieces: list[Piece] = []
    end = 0
    for match in VARIABLE.finditer(one.name):
        pieces += _glob(one.name[end : match.start()])
        pieces += _of_variable(match[1], conditions)
        end = match.end()
    return (*pieces, *_glob(one.name[end:]))


def _glob(text: str) -> Pattern:
    return tuple(
        piece for part in re.split(r"(\0)", text) for piece in (ANYTHING if part == "\0" else of_glob(part))
    )


def _of_variable(name: str, conditions: Mapping[str, Mapping[str, object]]) -> Pattern:
    if name in (THING, "iot:Connection.Thing.ThingTypeName"):
        return ONE_LEVEL  # neither may hold a slash
    if name in ("*", "?", "$"):
        return of_text(name)
    if name.startswith("iot:Connection.Thing.Attributes["):
        for operator, keys in conditions.items():
            wanted = texts(keys.get(name))
            if len(wanted) == 1 and operator in ("StringLike", "StringEquals"):
                return of_glob(wanted[0]) if operator == "StringLike" else of_text(wanted[0])
    return SOMETHING
