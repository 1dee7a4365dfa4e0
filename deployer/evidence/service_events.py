"""What RDS and ElastiCache tell of an instance or a group in the time of the operation."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from deployer.evidence.question import LINES, Evidence, Question, short


def of_database(question: Question) -> Iterator[Evidence]:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeEvents.html"""
    if name := question.event.physical_id:
        events = question.clients.rds.describe_events(
            SourceType="db-instance",
            SourceIdentifier=name,
            StartTime=question.since,
            EndTime=question.until,
        )["Events"]
        told = ((event["Date"], event["Message"]) for event in events)
        yield _evidence(f"events of the database {name}", told)


def of_cache(question: Question) -> Iterator[Evidence]:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DescribeEvents.html"""
    if name := question.event.physical_id:
        events = question.clients.elasticache.describe_events(
            SourceType="replication-group",
            SourceIdentifier=name,
            StartTime=question.since,
            EndTime=question.until,
        )["Events"]
        told = ((event["Date"], event["Message"]) for event in events)
        yield _evidence(f"events of the replication group {name}", told)


def _evidence(about: str, events: Iterable[tuple[datetime, str]]) -> Evidence:
    lines = [f"{at:%H:%M:%S} {short(message)}" for at, message in sorted(events)[-LINES:]]
    return Evidence(about, tuple(lines) or ("none in this time",))
