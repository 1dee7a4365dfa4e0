"""Backups of databases, and a second place to stand."""

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

RDS = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/"
CREATE = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html"
CONTROLS = "https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html"
WEEK, MOST = 7, 35


@rule(
    "E9415",
    cause="{database} of a lasting environment keeps its backups for {days}, so a week's fault outlives them",
    remedy="set BackupRetentionPeriod from 7 to 35 days",
    sources=(f"{RDS}USER_WorkingWithAutomatedBackups.BackupRetention.html", CONTROLS),
)
def backups_that_are_gone_too_soon(site: Site) -> Iterator[Finding]:
    for database in databases(site):
        written = site.get(database, "BackupRetentionPeriod")
        days = 1 if written is None else number(written)
        if days is not None and days < WEEK and site.durable(database):
            text = f"{days} days" if written is not None else "1 day, the default"
            yield found(database, "BackupRetentionPeriod", database=database, days=text)


@rule(
    "W9409",
    cause="{database} is never backed up: BackupRetentionPeriod is 0, and no point in time can be restored",
    remedy="set BackupRetentionPeriod to at least 1",
    sources=(f"{RDS}USER_WorkingWithAutomatedBackups.BackupRetention.html",),
    demanding=True,
)
def a_database_that_is_never_backed_up(site: Site) -> Iterator[Finding]:
    for database in databases(site):
        if number(site.get(database, "BackupRetentionPeriod")) == 0 and not site.durable(database):
            yield found(database, "BackupRetentionPeriod", database=database)


@rule(
    "E9416",
    cause="{what} keeps its backups for {days} days, and the service takes at most 35",
    remedy="set {property} to at most 35; copy what must live longer with AWS Backup",
    sources=(CREATE,),
)
def backups_kept_longer_than_can_be(site: Site) -> Iterator[Finding]:
    for resource in site.all(INSTANCE, CLUSTER, GROUP, "AWS::DocDB::DBCluster", "AWS::Neptune::DBCluster"):
        name = "SnapshotRetentionLimit" if resource.kind == GROUP else "BackupRetentionPeriod"
        days = number(site.get(resource, name))
        if days is not None and days > MOST:
            yield found(resource, name, what=resource, days=days, property=name)


@rule(
    "E9417",
    cause="the backups of {database}, of a lasting environment, are deleted with it",
    remedy="set DeleteAutomatedBackups: false; left out, it is true",
    sources=(f"{RDS}USER_WorkingWithAutomatedBackups-Retaining.html",),
)
def backups_that_go_with_their_database(site: Site) -> Iterator[Finding]:
    for database in databases(site):
        left_out = database.kind == INSTANCE
        if flag(site, database, "DeleteAutomatedBackups", default=left_out) and site.durable(database):
            yield found(database, "DeleteAutomatedBackups", database=database)


@rule(
    "E9418",
    cause="{database} of a lasting environment stands in one zone, and is down when the zone is",
    remedy="set MultiAZ: true",
    sources=(f"{RDS}Concepts.MultiAZSingleStandby.html", CONTROLS),
)
def a_database_in_one_zone(site: Site) -> Iterator[Finding]:
    for database in site.all(INSTANCE):
        if (
            standalone(database)
            and not aurora(site, database)
            and site.durable(database)
            and off(site, database, "MultiAZ")
        ):
            yield found(database, "MultiAZ", database=database)


@rule(
    "E9419",
    cause="cluster {cluster} of a lasting environment has {count} in this tree, so nothing takes over",
    remedy="add a second AWS::RDS::DBInstance with its DBClusterIdentifier, in another zone",
    sources=(
        "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Concepts.AuroraHighAvailability.html",
    ),
)
def a_cluster_of_one(site: Site) -> Iterator[Finding]:
    for cluster in site.all(CLUSTER):
        if not aurora(site, cluster) or not site.durable(cluster):
            continue
        members = [
            one for one in site.all(INSTANCE) if site.target(site.get(one, "DBClusterIdentifier")) == cluster
        ]
        if len(members) == 1:
            yield found(cluster, "Engine", cluster=cluster, count="one instance")


@rule(
    "E9420",
    cause="{database} is to stand in {zone} and in several zones at once",
    remedy="leave out AvailabilityZone where MultiAZ is true",
    sources=(CREATE,),
)
def a_zone_for_what_has_several(site: Site) -> Iterator[Finding]:
    for database in site.all(INSTANCE):
        zone = site.get(database, "AvailabilityZone")
        if zone is not None and flag(site, database, "MultiAZ"):
            yield found(database, "AvailabilityZone", database=database, zone=zone)


@rule(
    "W9410",
    cause="a snapshot of {database} does not take over its tags, so nothing says whose it is",
    remedy="set CopyTagsToSnapshot: true",
    sources=(CONTROLS,),
    demanding=True,
)
def snapshots_without_tags(site: Site) -> Iterator[Finding]:
    for database in databases(site):
        if (
            site.items(database, "Tags")
            and declared(site, database)
            and off(site, database, "CopyTagsToSnapshot")
        ):
            yield found(database, "CopyTagsToSnapshot", database=database)


@rule(
    "W9411",
    cause="{what} takes no minor version by itself, so known faults stay until somebody comes",
    remedy="set AutoMinorVersionUpgrade: true, and choose the maintenance window",
    sources=(CONTROLS, "https://docs.aws.amazon.com/securityhub/latest/userguide/elasticache-controls.html"),
    demanding=True,
)
def an_engine_that_is_never_mended(site: Site) -> Iterator[Finding]:
    for resource in site.all(INSTANCE, GROUP):
        if off(site, resource, "AutoMinorVersionUpgrade", default=True) and declared(site, resource):
            yield found(resource, "AutoMinorVersionUpgrade", what=resource)


@rule(
    "W9412",
    cause="{database} may take a new major version with any update of its stack, and none leads back",
    remedy="leave AllowMajorVersionUpgrade out but for the one deployment that upgrades",
    sources=(f"{RDS}USER_UpgradeDBInstance.Upgrading.html",),
    demanding=True,
)
def a_major_version_that_may_come_unasked(site: Site) -> Iterator[Finding]:
    for database in site.all(INSTANCE):
        if flag(site, database, "AllowMajorVersionUpgrade"):
            yield found(database, "AllowMajorVersionUpgrade", database=database)


@rule(
    "W9413",
    cause="{what} of a lasting environment runs on {kind}, whose speed ends with its credits",
    remedy="take a class of fixed performance, such as m7g or r7g",
    sources=(f"{RDS}Concepts.DBInstanceClass.Types.html",),
)
def a_burstable_class(site: Site) -> Iterator[Finding]:
    for resource in site.all(INSTANCE, GROUP):
        name = "CacheNodeType" if resource.kind == GROUP else "DBInstanceClass"
        kind = word(site, resource, name) or ""
        if kind.startswith(("db.t", "cache.t")) and site.durable(resource):
            yield found(resource, name, what=resource, kind=kind)
