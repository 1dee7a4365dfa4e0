"""A database's storage, how it is encrypted, and how it is watched from inside."""

from collections.abc import Iterator

from rules.families.durability.upkeep import (
    CLUSTER,
    GROUP,
    INSTANCE,
    aurora,
    databases,
    declared,
    flag,
    number,
    off,
    standalone,
    word,
)
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Value

RDS = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/"
CREATE = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html"
STORAGE = f"{RDS}CHAP_Storage.html"
SMALLEST = {"gp2": 20, "gp3": 20, "io1": 100, "io2": 100, "standard": 5}
STRIPED = {"postgres": 400, "mysql": 400, "mariadb": 400, "oracle": 200, "db2": 100}  # GiB


def _own(site: Site) -> Iterator[Resource]:
    yield from (one for one in site.all(INSTANCE) if standalone(one) and not aurora(site, one))


@rule(
    "E9428",
    cause="{database} has {allocated} GiB and may grow to {most} GiB, so it cannot grow",
    remedy="set MaxAllocatedStorage above AllocatedStorage, by a quarter at least",
    sources=(f"{RDS}USER_PIOPS.Autoscaling.html",),
)
def storage_that_cannot_grow(site: Site) -> Iterator[Finding]:
    for database in _own(site):
        allocated = number(site.get(database, "AllocatedStorage"))
        most = number(site.get(database, "MaxAllocatedStorage"))
        if allocated is not None and most is not None and most * 10 < allocated * 11:
            yield found(database, "MaxAllocatedStorage", database=database, allocated=allocated, most=most)


@rule(
    "W9418",
    cause="{database} stops when its storage is full: nothing lets it grow",
    remedy="set MaxAllocatedStorage to what it may cost at most",
    sources=(f"{RDS}USER_PIOPS.Autoscaling.html",),
    demanding=True,
)
def storage_that_does_not_grow(site: Site) -> Iterator[Finding]:
    for database in _own(site):
        if (
            "AllocatedStorage" in database.properties
            and declared(site, database)
            and site.get(database, "MaxAllocatedStorage") is None
        ):
            yield found(database, "MaxAllocatedStorage", database=database)


@rule(
    "E9429",
    cause="{database} asks for {allocated} GiB of {kind}, of which there are at least {smallest}",
    remedy="set AllocatedStorage to {smallest} or more",
    sources=(CREATE, STORAGE),
    demanding=True,
)
def storage_that_is_too_small(site: Site) -> Iterator[Finding]:
    for database in _own(site):
        kind = word(site, database, "StorageType") or "gp2"
        allocated = number(site.get(database, "AllocatedStorage"))
        engine = word(site, database, "Engine") or ""
        smallest = SMALLEST.get(kind)
        if (
            engine in ("postgres", "mysql", "mariadb")
            and allocated is not None
            and smallest is not None
            and allocated < smallest
        ):
            yield found(
                database,
                "AllocatedStorage",
                database=database,
                allocated=allocated,
                kind=kind,
                smallest=smallest,
            )


@rule(
    "E9430",
    cause="{database} on {kind} {what}",
    remedy="give Iops with io1 and io2, on gp3 only from the size at which storage is striped; "
    "StorageThroughput with gp3 alone",
    sources=(STORAGE, CREATE),
    by_default=True,
)
def a_speed_that_the_storage_does_not_have(site: Site) -> Iterator[Finding]:
    for database in _own(site):
        kind = site.get(database, "StorageType")
        asked = (database.body.get("Properties") or {}).get("StorageType")
        if not isinstance(kind, str) or kind not in SMALLEST or not isinstance(asked, str):
            continue  # whoever chooses the one by a parameter, chooses the other as well
        iops, throughput = site.get(database, "Iops"), site.get(database, "StorageThroughput")
        for place, what in _misfits(site, database, kind, iops, throughput):
            yield found(database, place, database=database, kind=kind, what=what)


def _misfits(
    site: Site, database: Resource, kind: str, iops: Value, throughput: Value
) -> Iterator[tuple[str, str]]:
    allocated = number(site.get(database, "AllocatedStorage"))
    engine = (word(site, database, "Engine") or "").partition("-")[0]
    small = kind == "gp3" and allocated is not None and allocated < STRIPED.get(engine, 0)
    if kind in ("io1", "io2"):
        if iops is None:
            yield "Iops", "is told no Iops, which it must be"
    elif iops is not None and (kind != "gp3" or small):
        yield "Iops", "takes no Iops" + (f" below {STRIPED[engine]} GiB" if small else "")
    if throughput is not None and (kind != "gp3" or small):
        yield (
            "StorageThroughput",
            "takes no StorageThroughput" + (f" below {STRIPED[engine]} GiB" if small else ""),
        )


@rule(
    "W9419",
    cause="{database} stands on magnetic storage, which is kept for what is old and cannot grow by itself",
    remedy="set StorageType: gp3",
    sources=(STORAGE,),
    demanding=True,
)
def magnetic_storage(site: Site) -> Iterator[Finding]:
    for database in _own(site):
        if word(site, database, "StorageType") == "standard":
            yield found(database, "StorageType", database=database)


SWITCHES = {GROUP: "AtRestEncryptionEnabled", "AWS::EFS::FileSystem": "Encrypted"}


@rule(
    "E9431",
    cause="{what} stores its data unencrypted{why}, and it can be encrypted only when it is made",
    remedy="set {property}: true, and KmsKeyId to a key of your own",
    sources=(
        f"{RDS}Overview.Encryption.html",
        "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/at-rest-encryption.html",
    ),
    by_default=True,
)
def a_store_that_is_not_encrypted(site: Site) -> Iterator[Finding]:
    stores = [*databases(site), *site.all(GROUP)]
    stores += list(site.all("AWS::DocDB::DBCluster", "AWS::Neptune::DBCluster", "AWS::EFS::FileSystem"))
    for store in stores:
        name = SWITCHES.get(store.kind, "StorageEncrypted")
        inherits = {"SnapshotIdentifier", "DBSnapshotIdentifier", "SourceDBClusterIdentifier"}
        inherits |= {"GlobalClusterIdentifier", "GlobalReplicationGroupId"}
        if off(site, store, name) and inherits.isdisjoint(store.properties):
            why = "" if site.get(store, "KmsKeyId") is None else ", though it names a key"
            yield found(store, name, what=store, why=why, property=name)


MONTH, MONTHS, LONGEST = 31, range(1, 24), 731
ADVANCED = 465
INSIGHTS = ("PerformanceInsightsRetentionPeriod", "PerformanceInsightsKMSKeyId")


@rule(
    "E9432",
    cause="{database} keeps Performance Insights for {days} days, and RDS takes 7, months of 31, or 731",
    remedy="set 7, a multiple of 31 up to 713, or 731",
    sources=(CREATE,),
)
def insights_kept_for_days_that_there_are_not(site: Site) -> Iterator[Finding]:
    for database in site.all(INSTANCE, CLUSTER):
        days = number(site.get(database, INSIGHTS[0]))
        valid = {7, LONGEST, *(MONTH * months for months in MONTHS)}
        if days is not None and days not in valid:
            yield found(database, INSIGHTS[0], database=database, days=days)


@rule(
    "E9433",
    cause="{database} is told {told}, and its Performance Insights are off",
    remedy="set EnablePerformanceInsights: true, or leave the others out",
    sources=(CREATE, f"{RDS}USER_DatabaseInsights.TurningOnAdvanced.html"),
)
def insights_that_are_off(site: Site) -> Iterator[Finding]:
    for database in _own(site):
        if not off(site, database, "EnablePerformanceInsights"):
            continue
        told = [name for name in INSIGHTS if site.get(database, name) is not None]
        if word(site, database, "DatabaseInsightsMode") == "advanced":
            told.append("DatabaseInsightsMode: advanced")
        if told:
            yield found(database, "EnablePerformanceInsights", database=database, told=" and ".join(told))


@rule(
    "E9434",
    cause="{database} has Database Insights in advanced mode and keeps them for {days} days",
    remedy="set PerformanceInsightsRetentionPeriod to 465 or more, or DatabaseInsightsMode: standard",
    sources=(f"{RDS}USER_DatabaseInsights.TurningOnAdvanced.html",),
)
def advanced_insights_that_are_kept_too_short(site: Site) -> Iterator[Finding]:
    for database in [*_own(site), *site.all(CLUSTER)]:
        written = site.get(database, INSIGHTS[0])
        days = 7 if written is None else number(written)
        if (
            word(site, database, "DatabaseInsightsMode") == "advanced"
            and days is not None
            and days < ADVANCED
        ):
            yield found(database, INSIGHTS[0], database=database, days=days)


EXPIRED = frozenset({"rds-ca-2015", "rds-ca-2019", "rds-ca-2010"})


@rule(
    "E9436",
    cause="{database} shows a certificate of {authority}, which has expired",
    remedy="set CACertificateIdentifier: rds-ca-rsa2048-g1, or leave it out",
    sources=(f"{RDS}UsingWithRDS.SSL-certificate-rotation.html",),
)
def an_authority_that_has_expired(site: Site) -> Iterator[Finding]:
    for database in site.all(INSTANCE):
        authority = word(site, database, "CACertificateIdentifier")
        if authority in EXPIRED:
            yield found(database, "CACertificateIdentifier", database=database, authority=authority)


@rule(
    "W9420",
    cause="{database} does not tell what it waits for: {switch} is off",
    remedy="set EnablePerformanceInsights: true, and MonitoringInterval to 60 with its role",
    sources=(
        f"{RDS}USER_PerfInsights.html",
        "https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html",
    ),
    demanding=True,
)
def a_database_that_is_not_watched_from_inside(site: Site) -> Iterator[Finding]:
    for database in _own(site):
        if flag(site, database, "EnablePerformanceInsights") is False:
            yield found(
                database, "EnablePerformanceInsights", database=database, switch="Performance Insights"
            )
        interval = site.get(database, "MonitoringInterval")
        if interval is None or number(interval) == 0:
            yield found(database, "MonitoringInterval", database=database, switch="enhanced monitoring")
