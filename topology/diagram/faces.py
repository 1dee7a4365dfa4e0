"""Which resources the picture shows, and what it says of each.

A type that is not listed is not drawn: it belongs to one that is (a role, a subnet group), or says nothing to
somebody who looks for the first time.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from topology.diagram.measure import TOGETHER
from topology.resolution import Resolver
from topology.tree import Resource
from topology.values import Value

Ask = Callable[..., Value]  # ask("Engine") is that property of the resource, resolved

ENGINES = {"postgres": "PostgreSQL", "valkey": "Valkey", "redis": "Redis"}


@dataclass(frozen=True)
class Face:
    """What stands in a resource's box."""

    title: str
    lines: tuple[str, ...]


def _stream(ask: Ask) -> list[str]:
    shards = ask("ShardCount")
    hours = f"{ask('RetentionPeriodHours')}{TOGETHER}h"
    return ["Kinesis stream", f"{shards} shards, {hours}" if shards else f"on demand, {hours}"]


def _database(ask: Ask) -> list[str]:
    zones = ["Multi-AZ"] if ask("MultiAZ") else []
    engine = ENGINES.get(str(ask("Engine")), str(ask("Engine")))
    return [f"{engine} {ask('EngineVersion')}", ", ".join([str(ask("DBInstanceClass")), *zones])]


def _cache(ask: Ask) -> list[str]:
    engine = ENGINES.get(str(ask("Engine")), str(ask("Engine")))
    return [
        f"{engine} {ask('EngineVersion')}",
        f"{ask('CacheNodeType')}{TOGETHER}×{TOGETHER}{ask('NumCacheClusters')}",
    ]


def _budget(ask: Ask) -> list[str]:
    return [f"{ask('Budget', 'BudgetLimit', 'Amount')} USD"]


SHOWN: Mapping[str, Callable[[Ask], list[str]]] = {
    "AWS::Budgets::Budget": _budget,
    "AWS::CloudWatch::CompositeAlarm": lambda _: ["composite alarm"],
    "AWS::CloudWatch::Dashboard": lambda _: ["CloudWatch"],
    "AWS::DynamoDB::Table": lambda _: ["DynamoDB table"],
    "AWS::ECR::Repository": lambda _: ["image repository"],
    "AWS::ECS::Service": lambda _: ["ECS Fargate"],
    "AWS::ElastiCache::ReplicationGroup": _cache,
    "AWS::IoT::TopicRule": lambda _: ["IoT topic rule"],
    "AWS::KMS::Key": lambda _: [],
    "AWS::Kinesis::Stream": _stream,
    "AWS::Lambda::Function": lambda _: ["Lambda function"],
    "AWS::RDS::DBInstance": _database,
    "AWS::S3::Bucket": lambda _: ["S3 bucket"],
    "AWS::SNS::Topic": lambda _: ["SNS topic"],
    "AWS::SQS::Queue": lambda _: ["SQS queue"],
    "AWS::SecretsManager::Secret": lambda _: ["secret"],
}
# So many of them that a number says more.
COUNTED = {"AWS::CloudWatch::Alarm": "alarm", "AWS::Events::Rule": "event rule"}


def face(resource: Resource, resolver: Resolver) -> Face:
    """Raises KeyError for a type that is not shown."""

    def ask(*path: str) -> Value:
        return resolver.property(resource, *path)

    return Face(words(resource.name), tuple(SHOWN[resource.kind](ask)))


def counted(resources: Iterable[Resource]) -> str:
    """21 alarms, or 1 alarm; all are of one type."""
    ((kind, number),) = Counter(resource.kind for resource in resources).items()
    noun = COUNTED[kind]
    return f"{number} {noun}{'' if number == 1 else 's'}"


def words(name: str) -> str:
    """DeadLetters → Dead letters"""
    first, *rest = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]+|[a-z]+|\d+", name) or [name]
    return " ".join([first, *(word if word.isupper() and len(word) > 1 else word.lower() for word in rest)])
