"""Consumers that keep leases in a table, as the Kinesis Client Library does: all that a worker needs.

A lease table is known by its key: the library, in every language, calls it leaseKey.
"""

from collections.abc import Iterator

from rules.families.grants.grant_book import ROLE, book
from rules.families.grants.grant_needs import OF_A_ROLE, Need, arn, unmet
from rules.families.grants.grant_texts import ANY, must
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Value

TABLE = "AWS::DynamoDB::Table"
STREAM = "AWS::Kinesis::Stream"
OWNERS = "LeaseOwnerToLeaseKeyIndex"  # of version 3 of the library
ON_TABLE = ("DescribeTable", "Scan", "GetItem", "PutItem", "UpdateItem", "DeleteItem")
ON_STREAM = ("DescribeStreamSummary", "ListShards", "GetShardIterator", "GetRecords")
BEFORE_THREE = ("DescribeStream",)  # version 3 has no such call
BY_FAN_OUT = frozenset({"GetShardIterator", "GetRecords"})  # not asked for by who subscribes
LEGACY = ("CoordinatorState", "WorkerMetricStats")
PERMISSIONS = "https://docs.aws.amazon.com/streams/latest/dev/kcl-iam-permissions.html"
MIGRATION = "https://docs.aws.amazon.com/streams/latest/dev/kcl-migration-from-2-3.html"


def lease_tables(site: Site) -> Iterator[Resource]:
    for table in site.all(TABLE):
        keys = [key.get("AttributeName") for key in site.items(table, "KeySchema") if isinstance(key, dict)]
        if keys == ["leaseKey"]:
            yield table


def owner_indexes(site: Site, table: Resource) -> list[tuple[int, Value]]:
    """Position and name of the indexes by which a worker finds its own leases."""
    found = []
    for position, index in enumerate(site.items(table, "GlobalSecondaryIndexes")):
        keys = index.get("KeySchema") if isinstance(index, dict) else None
        first = keys[0] if isinstance(keys, list) and keys else None
        if isinstance(index, dict) and isinstance(first, dict) and first.get("AttributeName") == "leaseOwner":
            found.append((position, index.get("IndexName")))
    return found


def workers(site: Site, table: Resource) -> list[Resource]:
    """The roles that work with a table; where none does, those that read a stream."""
    known = book(site)
    on = known.wording.arn(table)
    roles = [role for role in site.all(ROLE) if not known.open_ended(role)]
    here = [
        role for role in roles if any(_works(site, role, "dynamodb:", one) for one in (on, f"{on}/{ANY}"))
    ]
    streams = [known.wording.arn(stream) for stream in site.all(STREAM)]
    return here or [role for role in roles if any(_works(site, role, "kinesis:get", one) for one in streams)]


def _works(site: Site, role: Resource, prefix: str, on: str) -> bool:
    return any(
        line.allows and line.reaches(on) and any(action.startswith(prefix) for action in line.actions)
        for line in book(site).held(role)
    )


def read_by(site: Site, role: Resource) -> Iterator[Resource]:
    for stream in site.all(STREAM):
        on = book(site).wording.arn(stream)
        if _works(site, role, "kinesis:get", on) or _works(site, role, "kinesis:describe", on):
            yield stream


def _needs(site: Site, table: Resource, role: Resource) -> Iterator[Need]:
    wording = book(site).wording
    on = wording.arn(table)
    for action in ON_TABLE:
        yield Need(role, f"dynamodb:{action}", on, table, guarded=table)
    three = bool(owner_indexes(site, table)) or _of_version_three(site, role, on)
    if three:
        yield Need(role, "dynamodb:Query", f"{on}/index/{OWNERS}", table, guarded=table)
        for suffix in LEGACY:
            yield Need(role, "dynamodb:DescribeTable", f"{on}-{suffix}", table)
    for stream in read_by(site, role):
        fans_out = _works(site, role, "kinesis:subscribe", f"{wording.arn(stream)}/consumer/{ANY}")
        for action in ON_STREAM if three else (*BEFORE_THREE, *ON_STREAM):
            if not (fans_out and action in BY_FAN_OUT):
                yield Need(role, f"kinesis:{action}", wording.arn(stream), table, guarded=stream)


def _of_version_three(site: Site, role: Resource, on: str) -> bool:
    """Whether a role may use a table that only version 3 of the library keeps beside its leases."""
    wanted = [f"{on}-{suffix}" for suffix in LEGACY]
    return any(
        line.allows
        and any(must(one, name) for one in line.resources for name in wanted)
        and "*" not in line.resources
        for line in book(site).held(role)
    )


def _may_write_metrics(site: Site, role: Resource) -> bool:
    return any(line.allows and "cloudwatch:putmetricdata" in line.actions for line in book(site).held(role))


@rule(
    "E9206",
    cause="{role} keeps its leases in {table}, and may not {action} on {on} ({why})",
    remedy="allow all that the Kinesis Client Library asks for, or its workers do not run",
    sources=(PERMISSIONS, MIGRATION),
)
def a_worker_that_cannot_keep_its_leases(site: Site) -> Iterator[Finding]:
    for table in lease_tables(site):
        for role in workers(site, table):
            for need, why in unmet(site, _needs(site, table, role)):
                yield found(
                    role, "Policies", role=role, table=table, action=need.action, on=need.shown, why=why
                )


@rule(
    "E9207",
    cause="index {index} of the lease table {table} is not the one that a worker asks for its own leases",
    remedy=f"name it {OWNERS}",
    sources=(MIGRATION,),
)
def a_lease_index_of_another_name(site: Site) -> Iterator[Finding]:
    for table in lease_tables(site):
        for position, name in owner_indexes(site, table):
            if isinstance(name, str) and name != OWNERS:
                yield found(table, "GlobalSecondaryIndexes", position, "IndexName", index=name, table=table)


@rule(
    "W9208",
    cause="{role} keeps its leases in {table}, and may not write the metrics of {table} ({why})",
    remedy="allow cloudwatch:PutMetricData on *, with the table's name as cloudwatch:namespace; or not at "
    "all, where the library is told to write none",
    sources=(PERMISSIONS, "https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-kcl.html"),
)
def a_worker_whose_metrics_are_refused(site: Site) -> Iterator[Finding]:
    """Of one that may write metrics somewhere: without any, the library is told to write none."""
    for table in lease_tables(site):
        request = {**OF_A_ROLE, "cloudwatch:namespace": book(site).wording.name(table)}
        for role in workers(site, table):
            if not _may_write_metrics(site, role):
                continue
            need = Need(role, "cloudwatch:PutMetricData", "*", table, request)
            for _, why in unmet(site, [need]):
                yield found(role, "Policies", role=role, table=table, why=why)


@rule(
    "W9209",
    cause="{role} may write metrics into every namespace, those that alarms watch too",
    remedy="bind cloudwatch:PutMetricData to its own by the condition key cloudwatch:namespace",
    sources=(
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/iam-cw-condition-keys-namespace.html",
    ),
    demanding=True,
)
def a_worker_that_writes_any_metric(site: Site) -> Iterator[Finding]:
    for table in lease_tables(site):
        for role in workers(site, table):
            for line in book(site).held(role):
                named = {key.lower() for _, key, _ in line.conditions}
                writes = line.allows and "cloudwatch:putmetricdata" in line.actions
                if writes and "cloudwatch:namespace" not in named and "*" in line.resources:
                    yield found(line.policy.resource, *line.path, role=role)


@rule(
    "E9210",
    cause="{role} may {has} on {stream} and not {lacks} ({why}), without which that is of no use",
    remedy="allow both to who reads the stream",
    sources=("https://docs.aws.amazon.com/streams/latest/dev/developing-consumers-with-sdk.html",),
)
def a_reader_with_half_of_what_reading_takes(site: Site) -> Iterator[Finding]:
    known = book(site)
    pairs = (
        ("kinesis:GetRecords", "kinesis:GetShardIterator"),
        ("kinesis:GetShardIterator", "kinesis:GetRecords"),
    )
    for stream in site.all(STREAM):
        on = known.wording.arn(stream)
        for role in site.all(ROLE):
            for has, lacks in pairs:
                if any(known.allowing(known.held(role), has, on, OF_A_ROLE)):
                    need = Need(role, lacks, on, stream, guarded=stream)
                    for _, why in unmet(site, [need]):
                        yield found(role, "Policies", role=role, has=has, stream=stream, lacks=lacks, why=why)


@rule(
    "E9211",
    cause="{holder} may elasticache:Connect, and on no {lacks}: a login needs it on cache and user",
    remedy="name the replication group or serverless cache and the user, not its group",
    sources=("https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html",),
)
def a_login_to_a_cache_by_half(site: Site) -> Iterator[Finding]:
    for holder in (*site.all(ROLE), *site.all("AWS::IAM::ManagedPolicy")):
        lines = [
            line
            for line in book(site).held(holder)
            if line.allows and "elasticache:connect" in line.actions and not line.but_resources
        ]
        if not lines or book(site).open_ended(holder):
            continue
        for lacks, kinds in (("cache", ("replicationgroup", "serverlesscache")), ("user", ("user",))):
            wanted = [arn("elasticache", f"{kind}:{ANY}") for kind in kinds]
            if not any(line.reaches(one) for line in lines for one in wanted):
                first = lines[0]
                yield found(first.policy.resource, *first.path, holder=holder, lacks=lacks)
