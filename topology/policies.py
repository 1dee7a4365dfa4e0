"""Every policy of a tree, resolved: who holds it or what it guards, and its statements.

Wherever a property holds a mapping with `Statement`, that is a policy document; one in a place that is not
listed below is an error, so that none is overlooked.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from topology.rendering import Renderer
from topology.tree import Resource, Tree
from topology.values import Reference, Value


class Kind(StrEnum):
    """What a policy is attached to, and so how it is read."""

    IDENTITY = "identity"  # what its holders may do
    TRUST = "trust"  # who may take a role
    RESOURCE = "resource"  # who may do what with the one resource that it guards
    ENDPOINT = "endpoint"  # what may pass a VPC endpoint, whoever allows it
    DEVICE = "device"  # what an IoT certificate lets its owner do


# Type and property → its kind, and the property that names what it guards (None: the resource itself).
PLACES: Mapping[tuple[str, str], tuple[Kind, str | None]] = {
    ("AWS::DynamoDB::Table", "ResourcePolicy"): (Kind.RESOURCE, None),
    ("AWS::EC2::VPCEndpoint", "PolicyDocument"): (Kind.ENDPOINT, None),
    ("AWS::ECR::Repository", "RepositoryPolicyText"): (Kind.RESOURCE, None),
    ("AWS::Events::EventBusPolicy", "Statement"): (Kind.RESOURCE, "EventBusName"),
    ("AWS::IAM::GroupPolicy", "PolicyDocument"): (Kind.IDENTITY, "GroupName"),
    ("AWS::IAM::ManagedPolicy", "PolicyDocument"): (Kind.IDENTITY, "Roles"),
    ("AWS::IAM::Policy", "PolicyDocument"): (Kind.IDENTITY, "Roles"),
    ("AWS::IAM::Role", "AssumeRolePolicyDocument"): (Kind.TRUST, None),
    ("AWS::IAM::Role", "Policies"): (Kind.IDENTITY, None),
    ("AWS::IAM::RolePolicy", "PolicyDocument"): (Kind.IDENTITY, "RoleName"),
    ("AWS::IAM::UserPolicy", "PolicyDocument"): (Kind.IDENTITY, "UserName"),
    ("AWS::IoT::Policy", "PolicyDocument"): (Kind.DEVICE, None),
    ("AWS::KMS::Key", "KeyPolicy"): (Kind.RESOURCE, None),
    ("AWS::Kinesis::ResourcePolicy", "ResourcePolicy"): (Kind.RESOURCE, "ResourceArn"),
    ("AWS::Logs::LogGroup", "ResourcePolicyDocument"): (Kind.RESOURCE, None),
    # Without ResourceArn it is for all log groups of the account.
    ("AWS::Logs::ResourcePolicy", "PolicyDocument"): (Kind.RESOURCE, "ResourceArn"),
    ("AWS::S3::BucketPolicy", "PolicyDocument"): (Kind.RESOURCE, "Bucket"),
    ("AWS::SecretsManager::ResourcePolicy", "ResourcePolicy"): (Kind.RESOURCE, "SecretId"),
    ("AWS::SNS::TopicPolicy", "PolicyDocument"): (Kind.RESOURCE, "Topics"),
    ("AWS::SQS::QueuePolicy", "PolicyDocument"): (Kind.RESOURCE, "Queues"),
}
MANAGED_BY_AWS = "arn:aws:iam::aws:policy/"


class UnknownPolicy(ValueError):
    """{where}: {why the document there cannot be placed}"""


@dataclass(frozen=True)
class Statement:
    """One statement: as it is resolved, as AWS would be sent it, and where it is written."""

    resolved: Mapping[str, Value] = field(hash=False, repr=False)
    document: Mapping[str, Any] = field(hash=False, repr=False)
    where: str  # Processor/TaskRole.Policies.0.PolicyDocument.Statement.2
    line: int

    @property
    def allows(self) -> bool:
        return bool(self.document["Effect"] == "Allow")

    @property
    def name(self) -> str:
        """Its Sid, or the place among its siblings, counted from one."""
        sid = self.document.get("Sid")
        return str(sid) if sid else f"statement {int(self.where.rpartition('.')[2]) + 1}"

    @property
    def actions(self) -> tuple[str, ...]:
        """As IAM names them; of NotAction one text, which no action matches: all but …"""
        return inverted(self.document, "NotAction") or texts(self.document.get("Action"))

    @property
    def conditions(self) -> Mapping[str, Mapping[str, Any]]:
        return self.document.get("Condition") or {}

    @property
    def principals(self) -> tuple[tuple[str, str], ...]:
        """(AWS, arn…), (Service, iot.amazonaws.com), (*, *) …"""
        if "NotPrincipal" in self.document:
            return (("*", f"all but {json.dumps(self.document['NotPrincipal'], sort_keys=True)}"),)
        principal = self.document.get("Principal", {})
        if principal == "*":
            return (("*", "*"),)
        return tuple((kind, name) for kind, named in principal.items() for name in texts(named))


@dataclass(frozen=True)
class Policy:
    """One document."""

    kind: Kind
    resource: Resource  # that which writes it
    name: str  # the policy's own name within its resource, or the property that holds it
    about: tuple[Resource, ...]  # who holds an identity policy; what any other guards
    statements: tuple[Statement, ...]
    version: str | None

    @property
    def document(self) -> dict[str, Any]:
        """What AWS would be sent."""
        version = {"Version": self.version} if self.version else {}
        return {**version, "Statement": [dict(statement.document) for statement in self.statements]}

    def taken_out(self, renderer: Renderer) -> dict[str, Any]:
        """What the document means where nobody knows its place: each statement names what it is about.

        In a key's policy `*` is that key; a trust policy and a repository's name no resource at all.
        https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
        """
        document = self.document
        if self.kind in (Kind.TRUST, Kind.RESOURCE):
            for statement in document["Statement"]:
                if (
                    "NotResource" not in statement
                    and texts(statement.get("Resource")) in ((), ("*",))
                    and self.about
                ):
                    statement["Resource"] = [renderer.arn(resource) for resource in self.about]
        return document


def policies(tree: Tree, renderer: Renderer) -> Iterator[Policy]:
    """All of them, in the tree's order. Raises UnknownPolicy, NoForm, Unresolvable."""
    for resource in tree.resources():
        yield from policies_of(tree, resource, renderer)


def policies_of(tree: Tree, resource: Resource, renderer: Renderer) -> Iterator[Policy]:
    """Those that one resource writes. Raises UnknownPolicy, NoForm, Unresolvable."""
    if resource.kind == "AWS::Lambda::Permission":
        yield _permission(tree, resource, renderer)
    for path, node in _documents(resource.properties, ()):
        yield _policy(tree, resource, path, node, renderer)


def managed_by_aws(tree: Tree, renderer: Renderer) -> Iterator[tuple[Resource, str]]:
    """(role, name) of each of AWS's own policies that a role takes."""
    for holder, name in written_elsewhere(tree, renderer):
        if holder.kind == "AWS::IAM::Role" and not name.startswith("arn:"):
            yield holder, name


def written_elsewhere(tree: Tree, renderer: Renderer) -> Iterator[tuple[Resource, str]]:
    """(holder, policy) of each managed policy that somebody takes and no template here writes.

    AWS's own by its name, service-role/…; any other by its ARN. What it allows is seen by nothing that reads
    templates.
    """
    for holder in tree.resources("AWS::IAM::Group", "AWS::IAM::Role", "AWS::IAM::User"):
        attached = renderer.resolver.property(holder, "ManagedPolicyArns")
        for value in attached if isinstance(attached, list) else []:
            if not isinstance(value, Reference):
                yield holder, renderer.text(value).removeprefix(MANAGED_BY_AWS)


def inverted(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """What NotAction or NotResource leaves, in words; nothing where the statement has none."""
    return (f"all but {', '.join(texts(document[name]))}",) if name in document else ()


def texts(value: Any) -> tuple[str, ...]:
    """What policies write as one text or as a list of them."""
    return () if value is None else tuple(map(str, value)) if isinstance(value, list) else (str(value),)


def _documents(node: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Each mapping with `Statement`, also one that is written as JSON text."""
    if isinstance(node, str) and node.lstrip().startswith("{") and '"Statement"' in node:
        try:
            node = json.loads(node)
        except ValueError:  # text that only begins like one: whoever sends it will be told
            return
    if isinstance(node, Mapping):
        if "Statement" in node:
            yield path, node
            return
        for key, part in node.items():
            yield from _documents(part, (*path, key))
    elif isinstance(node, list):
        for position, part in enumerate(node):
            yield from _documents(part, (*path, position))


def _policy(
    tree: Tree, resource: Resource, path: tuple[str | int, ...], node: Mapping[str, Any], renderer: Renderer
) -> Policy:
    where = ".".join(map(str, (resource.address, *path)))
    place = (resource.kind, str(path[0]) if path else "Statement")
    if place not in PLACES:
        raise UnknownPolicy(
            f"{where}: a policy document in an unknown place; add {place} to topology/policies.py"
        )
    kind, guarded = PLACES[place]
    written = node["Statement"] if isinstance(node["Statement"], list) else [node["Statement"]]
    stack = tree.stacks[resource.stack]
    statements = []
    for position, statement in enumerate(written):
        at = f"{where}.Statement.{position}"
        resolved = renderer.resolver.value(statement, resource.stack, at)
        if not isinstance(resolved, dict) or resolved.get("Effect") not in ("Allow", "Deny"):
            raise UnknownPolicy(f"{at}: a statement is a mapping with an Effect, Allow or Deny")
        line = stack.line("Resources", resource.name, "Properties", *path, "Statement", position)
        statements.append(Statement(resolved, renderer.document(resolved), at, line))
    return Policy(
        kind,
        resource,
        _name(resource, path, renderer),
        tuple(_about(tree, resource, guarded, renderer)) if guarded else (resource,),
        tuple(statements),
        node.get("Version"),
    )


def _name(resource: Resource, path: tuple[str | int, ...], renderer: Renderer) -> str:
    if path[:1] == ("Policies",):  # a role's list of inline policies
        return str(renderer.document(renderer.resolver.property(resource, *path[:2], "PolicyName")))
    return str(path[0]) if path else "Statement"


def _about(tree: Tree, resource: Resource, guarded: str, renderer: Renderer) -> Iterator[Resource]:
    """The resources that a property names, and for a managed policy also the roles that name it."""
    named = renderer.resolver.property(resource, guarded)
    for value in named if isinstance(named, list) else [named]:
        if isinstance(value, Reference):
            yield value.resource
    if resource.kind == "AWS::IAM::ManagedPolicy":
        for role in tree.resources("AWS::IAM::Role"):
            attached = renderer.resolver.property(role, "ManagedPolicyArns")
            if isinstance(attached, list) and Reference(resource) in attached:
                yield role


def _permission(tree: Tree, resource: Resource, renderer: Renderer) -> Policy:
    """The statement that Lambda writes into a function's policy for a permission.

    https://docs.aws.amazon.com/lambda/latest/dg/permissions-function-services.html
    """
    asked = renderer.resolver.properties(resource)
    if missing := {"FunctionName", "Principal", "Action"} - asked.keys():
        raise UnknownPolicy(f"{resource.address}: a permission without {', '.join(sorted(missing))}")
    function = asked["FunctionName"]
    conditions: dict[str, Value] = {
        operator: {key: asked[name]}
        for name, operator, key in (
            ("SourceAccount", "StringEquals", "aws:SourceAccount"),
            ("SourceArn", "ArnLike", "aws:SourceArn"),
        )
        if name in asked
    }
    principal = asked["Principal"]
    service = isinstance(principal, str) and principal.endswith(".amazonaws.com")
    resolved: dict[str, Value] = {
        "Effect": "Allow",
        "Principal": {"Service" if service else "AWS": principal},
        "Action": asked["Action"],
        "Resource": function,
        **({"Condition": conditions} if conditions else {}),
    }
    statement = Statement(resolved, renderer.document(resolved), f"{resource.address}.0", resource.line)
    about = (function.resource,) if isinstance(function, Reference) else ()
    return Policy(Kind.RESOURCE, resource, "Permission", about, (statement,), "2012-10-17")
