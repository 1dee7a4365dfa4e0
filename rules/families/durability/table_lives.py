"""Tables: restored to any point, keyed by what they declare, shaped as their engine wants them."""

from collections.abc import Iterator

from rules.families.durability.upkeep import TABLE, members, off, word
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Text, Value, known

DEV = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
API = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html"
CONTROLS = "https://docs.aws.amazon.com/securityhub/latest/userguide/dynamodb-controls.html"
PITR = ("PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled")
INDEXES = ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")


@rule(
    "E9470",
    cause="table {table} of a lasting environment cannot be restored to a point in time",
    remedy="set PointInTimeRecoveryEnabled: true",
    sources=(f"{DEV}PointInTimeRecovery_Howitworks.html", CONTROLS),
)
def a_table_without_recovery(site: Site) -> Iterator[Finding]:
    for table in site.all(TABLE):
        if off(site, table, *PITR) and site.durable(table):
            yield found(table, *PITR, table=table)


@rule(
    "W9456",
    cause="table {table} cannot be restored to a point in time",
    remedy="set PointInTimeRecoveryEnabled: true, even where the data is to be had again: it costs by size",
    sources=(CONTROLS,),
    demanding=True,
)
def a_passing_table_without_recovery(site: Site) -> Iterator[Finding]:
    for table in site.all(TABLE):
        if off(site, table, *PITR) and site.durable(table) is False:
            yield found(table, *PITR, table=table)


def _keys(schema: Value) -> list[tuple[str, str]] | None:
    """Attribute and kind of key, in order; None where any of it is not known."""
    found_: list[tuple[str, str]] = []
    for one in members(schema):
        name, kind = (one.get("AttributeName"), one.get("KeyType")) if isinstance(one, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(kind, str):
            return None
        found_.append((name, kind))
    return found_


def schemas_of(
    site: Site, table: Resource
) -> Iterator[tuple[tuple[str | int, ...], list[tuple[str, str]] | None]]:
    """Where each key schema stands, and what it says."""
    yield ("KeySchema",), _keys(site.get(table, "KeySchema"))
    for name in INDEXES:
        for position, index in enumerate(site.items(table, name)):
            schema = index.get("KeySchema") if isinstance(index, dict) else None
            yield (name, position, "KeySchema"), _keys(schema) if schema is not None else None


def attributes_of(site: Site, table: Resource) -> dict[str, Value] | None:
    found_: dict[str, Value] = {}
    for one in site.items(table, "AttributeDefinitions"):
        if not isinstance(one, dict) or not isinstance(one.get("AttributeName"), str):
            return None
        found_[str(one["AttributeName"])] = one.get("AttributeType")
    return found_


@rule(
    "E9471",
    cause="table {table} {why}",
    remedy="define each attribute of a key schema in AttributeDefinitions, and no other",
    sources=(API,),
)
def keys_that_are_not_defined(site: Site) -> Iterator[Finding]:
    for table in site.all(TABLE):
        defined, schemas = attributes_of(site, table), list(schemas_of(site, table))
        if defined is None or any(keys is None for _, keys in schemas):
            continue
        used = {name for _, keys in schemas for name, _ in keys or ()}
        for path, keys in schemas:
            for name, _ in keys or ():
                if name not in defined:
                    yield found(
                        table, *path, table=table, why=f"is keyed by {name}, which it does not define"
                    )
        for name in defined:
            if name not in used:
                why = f"defines {name}, by which nothing is keyed"
                yield found(table, "AttributeDefinitions", table=table, why=why)


@rule(
    "E9472",
    cause="table {table} has the key schema {keys}, which needs one HASH and at most one RANGE key",
    remedy="name the HASH key first, then the RANGE key, two different attributes",
    sources=(API,),
)
def a_key_schema_that_cannot_be(site: Site) -> Iterator[Finding]:
    for table in site.all(TABLE):
        for path, keys in schemas_of(site, table):
            kinds = [kind for _, kind in keys or ()]
            multiple = (
                path[0] == "GlobalSecondaryIndexes" and len(kinds) > 2
            )  # several of each are taken there
            if keys is None or multiple:
                continue
            if kinds not in (["HASH"], ["HASH", "RANGE"]) or len(dict(keys)) != len(keys):
                text = ", ".join(f"{name} {kind}" for name, kind in keys) or "nothing"
                yield found(table, *path, table=table, keys=text)


@rule(
    "E9473",
    cause="table {table} {why}",
    remedy="give ProvisionedThroughput with PROVISIONED, which is the default, and none with PAY_PER_REQUEST",
    sources=(API,),
)
def a_billing_mode_that_does_not_fit(site: Site) -> Iterator[Finding]:
    for table in site.all(TABLE):
        mode, throughput = site.get(table, "BillingMode"), site.get(table, "ProvisionedThroughput")
        if not known(mode):
            continue
        if mode == "PAY_PER_REQUEST" and throughput is not None:
            why = "is paid per request, and has a ProvisionedThroughput"
            yield found(table, "ProvisionedThroughput", table=table, why=why)
        if mode in (None, "PROVISIONED") and throughput is None:
            why = f"is PROVISIONED{'' if mode else ' by default'}, and has no ProvisionedThroughput"
            yield found(table, "BillingMode", table=table, why=why)


@rule(
    "E9474",
    cause="{holder} is granted index {index} of table {table}, which has {has}",
    remedy="name an index that the table has",
    sources=(f"{DEV}GSI.html",),
)
def a_grant_on_an_index_that_there_is_not(site: Site) -> Iterator[Finding]:
    for policy in site.policies:
        for statement in policy.statements:
            for value in members(statement.resolved.get("Resource")):
                table, index = _index(value)
                if table is None or "*" in index or not known(site.properties(table).get(INDEXES[0])):
                    continue
                names = [
                    one.get("IndexName")
                    for name in INDEXES
                    for one in site.items(table, name)
                    if isinstance(one, dict)
                ]
                if index not in names and all(isinstance(name, str) for name in names):
                    has = ", ".join(map(str, names)) or "none"
                    place = policy.resource
                    yield found(place, holder=place, index=index, table=table, has=has)


def _index(value: Value) -> tuple[Resource | None, str]:
    """Table and index of ${Table.Arn}/index/<name>."""
    if not isinstance(value, Text) or len(value.parts) != 2:
        return None, ""
    first, rest = value.parts
    if not isinstance(first, Reference) or first.resource.kind != TABLE or not isinstance(rest, str):
        return None, ""
    return (first.resource, rest.removeprefix("/index/")) if rest.startswith("/index/") else (None, "")


@rule(
    "E9477",
    cause="table {table} names a key, and its SSESpecification does not use it",
    remedy="set SSEEnabled: true and SSEType: KMS",
    sources=(f"{DEV}encryption.usagenotes.html",),
)
def a_table_key_that_is_not_used(site: Site) -> Iterator[Finding]:
    for table in site.all(TABLE):
        if site.get(table, "SSESpecification", "KMSMasterKeyId") is None:
            continue
        other = word(site, table, "SSESpecification", "SSEType") not in (None, "KMS")
        if off(site, table, "SSESpecification", "SSEEnabled") or other:
            yield found(table, "SSESpecification", "SSEEnabled", table=table)


@rule(
    "E9478",
    cause="index {index} of table {table} projects {kind}, and {why}",
    remedy="give NonKeyAttributes with INCLUDE, and with nothing else",
    sources=(API,),
)
def a_projection_that_cannot_be(site: Site) -> Iterator[Finding]:
    for table in site.all(TABLE):
        for name in INDEXES:
            for position, index in enumerate(site.items(table, name)):
                projection = index.get("Projection") if isinstance(index, dict) else None
                if not isinstance(projection, dict) or not known(projection):
                    continue
                kind, more = projection.get("ProjectionType"), projection.get("NonKeyAttributes")
                wrong = (kind == "INCLUDE") != bool(more)
                if wrong and isinstance(index, dict):
                    why = "names no attributes" if kind == "INCLUDE" else "names attributes all the same"
                    path = (name, position, "Projection")
                    yield found(table, *path, index=index.get("IndexName"), table=table, kind=kind, why=why)
