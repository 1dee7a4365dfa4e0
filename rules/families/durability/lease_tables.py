"""Tables in which the Kinesis Client Library keeps its leases; without one that fits, nothing is read."""

from collections.abc import Iterator

from rules.families.durability.table_lives import INDEXES, attributes_of, schemas_of
from rules.families.durability.upkeep import TABLE, flag, word
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.policies import texts
from topology.tree import Resource
from topology.values import known

DEV = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
KCL = "https://docs.aws.amazon.com/streams/latest/dev/kcl-dynamoDB.html"
LEASE_KEY, LEASE_OWNER, LEASE_INDEX = "leaseKey", "leaseOwner", "LeaseOwnerToLeaseKeyIndex"


def _leases(site: Site) -> Iterator[Resource]:
    """Tables that the Kinesis Client Library keeps its leases in: whoever names one thing of it means it."""
    for table in site.all(TABLE):
        attributes = {str(name).lower() for name in attributes_of(site, table) or {}}
        names = [one.get("IndexName") for one in site.items(table, INDEXES[0]) if isinstance(one, dict)]
        if {LEASE_KEY.lower(), LEASE_OWNER.lower()} & attributes or LEASE_INDEX in names:
            yield table


@rule(
    "E9475",
    cause="table {table} is not as the Kinesis Client Library keeps leases: {why}",
    remedy="key it by leaseKey (S), and LeaseOwnerToLeaseKeyIndex by leaseOwner and leaseKey",
    sources=(KCL,),
)
def a_lease_table_of_another_shape(site: Site) -> Iterator[Finding]:
    for table in _leases(site):
        defined, schemas = attributes_of(site, table) or {}, dict(schemas_of(site, table))
        keys = schemas.get(("KeySchema",))
        if keys is not None and keys != [(LEASE_KEY, "HASH")]:
            yield found(table, "KeySchema", table=table, why=f"its key is not {LEASE_KEY} alone")
        for name in (LEASE_KEY, LEASE_OWNER):
            if isinstance(defined.get(name), str) and defined[name] != "S":
                yield found(table, "AttributeDefinitions", table=table, why=f"{name} is no text (S)")
        for position, index in enumerate(site.items(table, INDEXES[0])):
            called = index.get("IndexName") if isinstance(index, dict) else None
            pairs = schemas.get((INDEXES[0], position, "KeySchema"))
            owned = pairs is not None and pairs[:1] == [(LEASE_OWNER, "HASH")]
            if owned and isinstance(called, str) and called != LEASE_INDEX:
                why = f"its index by {LEASE_OWNER} is called {called}"
                yield found(table, INDEXES[0], position, "IndexName", table=table, why=why)
            if called == LEASE_INDEX and pairs not in (None, [(LEASE_OWNER, "HASH"), (LEASE_KEY, "RANGE")]):
                yield found(
                    table, INDEXES[0], position, "KeySchema", table=table, why=f"{called} has other keys"
                )


@rule(
    "E9476",
    cause="table {table} lets items expire by {attribute}, which {why}",
    remedy="leave TimeToLiveSpecification out, or name an attribute that holds a time",
    sources=(f"{DEV}TTL.html", KCL),
)
def items_that_expire_by_mistake(site: Site) -> Iterator[Finding]:
    leases = set(_leases(site))
    for table in site.all(TABLE):
        attribute = word(site, table, "TimeToLiveSpecification", "AttributeName")
        if attribute is None or flag(site, table, "TimeToLiveSpecification", "Enabled") is False:
            continue
        defined = attributes_of(site, table) or {}
        why = (
            "is no number"
            if defined.get(attribute) in ("S", "B")
            else "would take leases from readers that hold them"
            if table in leases
            else ""
        )
        if why:
            path = ("TimeToLiveSpecification", "AttributeName")
            yield found(table, *path, table=table, attribute=attribute, why=why)


@rule(
    "W9457",
    cause="table {table} is of a class for what is seldom used, and readers write to it all the time",
    remedy="leave TableClass out: each write costs more in that class",
    sources=(f"{DEV}HowItWorks.TableClasses.html", KCL),
)
def leases_in_a_class_for_what_is_seldom_read(site: Site) -> Iterator[Finding]:
    for table in _leases(site):
        if word(site, table, "TableClass") == "STANDARD_INFREQUENT_ACCESS":
            yield found(table, "TableClass", table=table)


@rule(
    "W9458",
    cause="{holder} is to look for {table}-{suffix}, and no lease table of this tree is called {table}",
    remedy="name lease table and application alike, and its companions after them",
    sources=(KCL, "https://docs.aws.amazon.com/streams/latest/dev/kcl-iam-permissions.html"),
)
def companions_of_a_table_that_there_is_not(site: Site) -> Iterator[Finding]:
    leases = list(_leases(site))
    if not leases or not all(known(site.get(table, "TableName")) for table in leases):
        return
    tables = {
        word(site, table, "TableName") for table in leases
    }  # a name left out is made up, and never that
    for policy in site.policies:
        for statement in policy.statements:
            for arn in texts(statement.document.get("Resource")):
                name = arn.rpartition(":table/")[2] if ":table/" in arn else ""
                for suffix in ("CoordinatorState", "WorkerMetricStats"):
                    table = name.removesuffix(f"-{suffix}")
                    if table != name and "*" not in table and "$" not in table and table not in tables:
                        place = policy.resource
                        yield found(place, holder=place, table=table, suffix=suffix)
