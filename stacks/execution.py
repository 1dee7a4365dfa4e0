"""What CloudFormation must be allowed to make an environment's platform, statement by statement.

Derived: the types that occur, what their handlers call (handlers.py), on what (scopes.py). Identity, keys and
secrets are scoped here, by what the templates hand to whom.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from stacks import handlers
from stacks.scopes import EVERYWHERE, Condition, Scope, known, scopes

ROLE = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/"
POLICY = "arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/"
KEY = "arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/*"
SECRET = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:"  # noqa: S105 - an ARN
ARTEFACTS = "${Artefacts.Arn}/*"  # bootstrap's own
ARTEFACT_KEY = "${ArtefactKey.Arn}"
# Only with the boundary may a role come to be or get more: whoever may do this freely may do anything.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-delegate
BOUNDED = ("iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy")
# The role that each service makes for itself, by the type that it makes it for.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html
LINKED = {
    # https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-service-linked-roles.html
    "AWS::ApplicationAutoScaling::ScalableTarget": "ecs.application-autoscaling.amazonaws.com",
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html
    "AWS::ECS::Cluster": "ecs.amazonaws.com",
    # https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/using-service-linked-roles.html
    "AWS::ElastiCache::ParameterGroup": "elasticache.amazonaws.com",
    "AWS::ElastiCache::ReplicationGroup": "elasticache.amazonaws.com",
    # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAM.ServiceLinkedRoles.html
    "AWS::RDS::DBInstance": "rds.amazonaws.com",
    "AWS::RDS::DBParameterGroup": "rds.amazonaws.com",
    "AWS::RDS::DBSubnetGroup": "rds.amazonaws.com",
}
# Through which service a type uses a key in its maker's name: kms:ViaService, by its first label.
# https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
THROUGH = {
    "AWS::DynamoDB::Table": ("dynamodb",),
    "AWS::ElastiCache::ReplicationGroup": ("elasticache",),
    "AWS::Lambda::Function": ("lambda",),
    "AWS::RDS::DBInstance": ("rds", "secretsmanager"),
    "AWS::SecretsManager::Secret": ("secretsmanager",),
}
# What a key's administrator does, and what says nothing of what it encrypts.
OF_THE_KEY = ("kms:DescribeKey", "kms:ListAliases", "kms:ListKeys")


class Unlinked(ValueError):
    """{kind}: makes a role for a service; say in stacks/execution.py (LINKED) for which"""

    def __init__(self, kind: str) -> None:
        super().__init__(f"{kind}: makes a role for a service; say in stacks/execution.py (LINKED) for which")


@dataclass(frozen=True)
class Allowed:
    """Actions of one service that are allowed alike."""

    actions: tuple[str, ...]
    scope: Scope

    @property
    def service(self) -> str:
        return self.actions[0].partition(":")[0]


@dataclass(frozen=True)
class Platform:
    """An environment's templates, by the logical id of the nested stack; the root's is empty."""

    environment: str
    templates: Mapping[str, Mapping[str, Any]]

    @cached_property
    def types(self) -> handlers.Types:
        return handlers.occurring(self.templates.values())

    def named(self, kind: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """The stack, the logical id and the properties of each resource of a type."""
        for stack, template in self.templates.items():
            for title, resource in template["Resources"].items():
                if resource["Type"] == kind:
                    yield stack, title, resource.get("Properties", {})

    def generated(self, kind: str) -> tuple[str, ...]:
        """How CloudFormation begins the names of a type's resources, stack by stack, bootstrap's not."""
        stacks = sorted({stack for stack, _, _ in self.named(kind)})
        return tuple(f"millrace-{self.environment}-{stack}-*" for stack in stacks)

    @cached_property
    def takers(self) -> Mapping[str, tuple[str, ...]]:
        """The service that a role trusts → how the names of those roles begin."""
        found: dict[str, set[str]] = {}
        for stack, _, properties in self.named("AWS::IAM::Role"):
            for statement in properties["AssumeRolePolicyDocument"]["Statement"]:
                for service in statement["Principal"]["Service"]:
                    found.setdefault(service, set()).add(f"millrace-{self.environment}-{stack}-*")
        return {service: tuple(sorted(names)) for service, names in sorted(found.items())}

    @property
    def boundary(self) -> str:
        return f"{POLICY}millrace-{self.environment}-boundary"


def required(platform: Platform) -> Iterator[tuple[str, str]]:
    """Each type, with each action that its resources take. Raises handlers.UnknownType."""
    for kind, properties in platform.types.items():
        yield from ((kind, action) for action in sorted(handlers.permissions(kind, properties)))


def allowed(platform: Platform) -> tuple[Allowed, ...]:
    """All of it, service by service; no action stands twice under one condition.

    Raises handlers.UnknownType for a type without handlers, scopes.Unscoped for an action on nothing of ours,
    scopes.NoAction, Unlinked.
    """
    wanted: dict[str, dict[Scope, None]] = {}
    for kind, action in required(platform):
        for scope in scoped(kind, action, platform):
            wanted.setdefault(action, {})[scope] = None
    alike: dict[tuple[str, object], tuple[list[str], list[Scope]]] = {}
    for action, found in sorted(wanted.items()):
        conditions = {scope.conditions for scope in found}
        service = action.partition(":")[0]
        # One statement for all that has one condition: an action passes over resources of kinds that it does
        # not know. What differs by kind, and what is scoped by hand, is alike only where all of it is.
        pooled = (
            len(conditions) == 1
            and service not in BY_HAND
            and EVERYWHERE.resources != next(iter(found)).resources
        )
        key = (service, next(iter(conditions)) if pooled else tuple(found))
        actions, where = alike.setdefault(key, ([], []))
        actions.append(action)
        where += found
    return tuple(statement for actions, where in alike.values() for statement in _statements(actions, where))


def _statements(actions: list[str], where: list[Scope]) -> Iterator[Allowed]:
    """One for each condition."""
    by_condition: dict[tuple[Condition, ...], dict[str, None]] = {}
    for scope in where:
        by_condition.setdefault(scope.conditions, {}).update(dict.fromkeys(scope.resources))
    for conditions, resources in by_condition.items():
        yield Allowed(tuple(actions), Scope(tuple(sorted(resources)), conditions))


def scoped(kind: str, action: str, platform: Platform) -> Iterable[Scope]:
    """Where an action is allowed for resources of a type."""
    service = action.partition(":")[0]
    return (
        BY_HAND[service](kind, action, platform)
        if service in BY_HAND and known(action)
        else scopes(action, platform.environment)
    )


def _of_identity(kind: str, action: str, platform: Platform) -> Iterator[Scope]:
    roles = tuple(ROLE + name for name in platform.generated("AWS::IAM::Role"))
    if action == "iam:PassRole":
        for service, names in platform.takers.items():
            # Not every service says to whom a role is passed; by its trust it goes to this one alone.
            # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#ck_PassedToService
            yield Scope(
                tuple(ROLE + name for name in names),
                (Condition("StringEqualsIfExists", "iam:PassedToService", (service,)),),
            )
    elif action == "iam:CreateServiceLinkedRole":
        if kind not in LINKED:
            raise Unlinked(kind)
        service = LINKED[kind]
        yield Scope(
            (f"{ROLE}aws-service-role/{service}/*",),
            (Condition("StringEquals", "iam:AWSServiceName", (service,)),),
        )
    elif known(action) == ("policy",):
        yield Scope(tuple(POLICY + name for name in platform.generated("AWS::IAM::ManagedPolicy")))
    elif action in BOUNDED:
        yield Scope(roles, (Condition("StringEquals", "iam:PermissionsBoundary", (platform.boundary,)),))
    else:
        yield Scope(roles)


def _of_keys(kind: str, action: str, platform: Platform) -> Iterator[Scope]:
    if kind == "AWS::KMS::Key" or action in OF_THE_KEY:
        yield from scopes(action, platform.environment)
    elif kind == "AWS::CloudFormation::Stack":
        through = Condition("StringEquals", "kms:ViaService", ("s3.${AWS::Region}.${AWS::URLSuffix}",))
        yield Scope((ARTEFACT_KEY,), (through,))
    else:
        every = sorted({name for one in platform.types for name in THROUGH.get(one, ())})
        services = tuple(f"{name}.${{AWS::Region}}.${{AWS::URLSuffix}}" for name in every)
        through = Condition("StringEquals", "kms:ViaService", services)
        # A grant for nobody but the service that keeps the data.
        # https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-grant-is-for-aws-resource
        grants = (Condition("Bool", "kms:GrantIsForAWSResource", ("true",)),)
        yield Scope((KEY,), (through, *(grants if action in ("kms:CreateGrant", "kms:RevokeGrant") else ())))


def _of_secrets(kind: str, action: str, platform: Platform) -> Iterator[Scope]:
    """CloudFormation begins a secret's name with its logical id, RDS its own with rds!db-.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/cfn-example_secret.html
    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html
    """
    if kind == "AWS::RDS::DBInstance":
        yield Scope((f"{SECRET}rds!db-*",))
    else:
        titles = sorted({title for _, title, _ in platform.named("AWS::SecretsManager::Secret")})
        yield Scope(tuple(f"{SECRET}{title}-*" for title in titles))


def _of_objects(kind: str, action: str, platform: Platform) -> Iterator[Scope]:
    yield Scope((ARTEFACTS,))


BY_HAND = {"iam": _of_identity, "kms": _of_keys, "s3": _of_objects, "secretsmanager": _of_secrets}
