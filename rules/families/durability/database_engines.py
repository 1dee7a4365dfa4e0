"""A database's engine, version, parameter group and what it is told fit each other."""

import re
from collections.abc import Iterator, Mapping

from rules.families.durability.upkeep import CLUSTER, INSTANCE, declared, exported, number, word
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource

RDS = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/"
GROUPS = f"{RDS}USER_WorkingWithParamGroups.html"
INSTANCE_GROUP, CLUSTER_GROUP = "AWS::RDS::DBParameterGroup", "AWS::RDS::DBClusterParameterGroup"


def family(engine: str, version: str | None) -> str | None:
    """A pattern for the families that fit; None where the engine names them otherwise."""
    major, minor = ([*re.findall(r"\d+", version or ""), "", ""])[:2]
    if engine in ("postgres", "aurora-postgresql"):
        if not major:
            return rf"{engine}\d+(\.\d+)?"
        return rf"{engine}{major}" + (rf"\.{minor}" if int(major) < 10 and minor else "")
    if engine in ("mysql", "mariadb"):
        return rf"{engine}{major}\.{minor}" if major and minor else rf"{engine}\d+\.\d+"
    if engine == "aurora-mysql":
        return rf"aurora-mysql{major}\.{minor}" if major and minor else r"aurora-mysql\d+\.\d+"
    return None


@rule(
    "E9421",
    cause="{database} runs {engine} {version}, and its parameter group {group} is of the family {family}",
    remedy="give the group the family of that engine and major version, or the database the version",
    sources=(GROUPS,),
)
def a_parameter_group_of_another_version(site: Site) -> Iterator[Finding]:
    ways = (
        (INSTANCE, "DBParameterGroupName", INSTANCE_GROUP),
        (CLUSTER, "DBClusterParameterGroupName", CLUSTER_GROUP),
    )
    for kind, name, of in ways:
        for database in site.all(kind):
            engine, group = word(site, database, "Engine"), site.target(site.get(database, name), of)
            if engine is None or group is None:
                continue
            version = word(site, database, "EngineVersion")
            written, fits = word(site, group, "Family"), family(engine, version)
            if written is not None and fits is not None and not re.fullmatch(fits, written):
                told = {"engine": engine, "version": version or "of any version"}
                yield found(database, name, database=database, group=group, family=written, **told)


@rule(
    "W9439",
    cause="{what} leaves its version to a default that moves, and {group} is of the fixed family {family}",
    remedy="set EngineVersion, so that version and family move together",
    sources=(GROUPS,),
    demanding=True,
)
def a_version_that_moves_away_from_its_group(site: Site) -> Iterator[Finding]:
    for kind, name, of, told in (
        (INSTANCE, "DBParameterGroupName", INSTANCE_GROUP, "Family"),
        (CLUSTER, "DBClusterParameterGroupName", CLUSTER_GROUP, "Family"),
        (
            "AWS::ElastiCache::ReplicationGroup",
            "CacheParameterGroupName",
            "AWS::ElastiCache::ParameterGroup",
            "CacheParameterGroupFamily",
        ),
    ):
        for one in site.all(kind):
            group = site.target(site.get(one, name), of)
            inherits = {"DBClusterIdentifier", "SourceDBInstanceIdentifier", "DBSnapshotIdentifier"}
            inherits |= {"SnapshotIdentifier", "GlobalReplicationGroupId"}
            if group is not None and "EngineVersion" not in one.properties and declared(site, one):
                written = word(site, group, told)
                if written is not None and inherits.isdisjoint(one.properties):
                    yield found(one, "EngineVersion", what=one, group=group, family=written)


USED = {
    INSTANCE_GROUP: "parameter group",
    CLUSTER_GROUP: "parameter group",
    "AWS::RDS::DBSubnetGroup": "subnet group",
    "AWS::RDS::OptionGroup": "option group",
    "AWS::ElastiCache::ParameterGroup": "parameter group",
    "AWS::ElastiCache::SubnetGroup": "subnet group",
    "AWS::ElastiCache::UserGroup": "user group",
    "AWS::ElastiCache::User": "user",
}
NAMES = ("DBParameterGroupName", "DBSubnetGroupName", "CacheSubnetGroupName", "UserGroupId", "UserId")


@rule(
    "W9414",
    cause="{kind} {group} is used by nothing, so what would use it goes by a default",
    remedy="name it where it is meant, or remove it",
    sources=(GROUPS, "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ParameterGroups.html"),
)
def a_group_that_nothing_uses(site: Site) -> Iterator[Finding]:
    if not any(site.all(INSTANCE, CLUSTER, "AWS::ElastiCache::ReplicationGroup")):
        return  # made for others to use by name
    for group in site.all(*USED):
        if not site.uses(group) and not exported(site, group):
            yield Finding(group, ("Type",), {"kind": USED[group.kind], "group": group})


def written_parameters(site: Site) -> Iterator[tuple[Resource, str, str, str]]:
    """Group, family, name and value of each parameter that is written down."""
    for group in site.all(INSTANCE_GROUP, CLUSTER_GROUP):
        of, told = word(site, group, "Family"), site.get(group, "Parameters")
        if of is not None and isinstance(told, dict):
            for name, value in told.items():
                if isinstance(value, str | int | float):
                    yield group, of, name, str(value).lower()


OFF = frozenset({"0", "off", "false", "no"})
ON = frozenset({"1", "on", "true", "yes"})

# Family → parameter → values with which a committed transaction can be lost, or a data file torn.
UNSAFE: Mapping[str, Mapping[str, frozenset[str]]] = {
    "postgres": {
        "fsync": OFF,
        "full_page_writes": OFF,
        "synchronous_commit": OFF,
        "zero_damaged_pages": ON,
        "ignore_invalid_pages": ON,
        "data_sync_retry": ON,
    },
    "mysql": {
        "innodb_flush_log_at_trx_commit": frozenset({"0", "2"}),
        "innodb_doublewrite": OFF,
        "sync_binlog": OFF,
    },
}


def _line(of: str) -> str:
    """The line of engines that a family belongs to."""
    return "postgres" if "postgres" in of else "mysql" if "mysql" in of or "mariadb" in of else ""


@rule(
    "E9422",
    cause="{group} sets {name} to {value}, so a crash loses commits or tears what was stored",
    remedy="leave {name} to the engine's default",
    sources=(f"{RDS}Appendix.PostgreSQL.CommonDBATasks.Parameters.html", GROUPS),
)
def a_parameter_that_loses_commits(site: Site) -> Iterator[Finding]:
    for group, of, name, value in written_parameters(site):
        if value in UNSAFE.get(_line(of), {}).get(name, ()):
            yield found(group, "Parameters", name, group=group, name=name, value=value)


@rule(
    "E9424",
    cause="{group} is of the family {family}, where clients choose whether to use TLS unless told otherwise",
    remedy="set rds.force_ssl to 1, which is the default from PostgreSQL 15 on only",
    sources=(f"{RDS}PostgreSQL.Concepts.General.SSL.html",),
)
def a_family_that_admits_plain_text(site: Site) -> Iterator[Finding]:
    """Only where the group is used, and by a database of an environment that is told."""
    for group in site.all(INSTANCE_GROUP):
        of = word(site, group, "Family") or ""
        major = re.fullmatch(r"postgres(\d+)(\.\d+)?", of)
        told = site.get(group, "Parameters")
        if (
            major
            and int(major[1]) < 15
            and isinstance(told, dict)
            and "rds.force_ssl" not in told
            and site.durable(group) is not None
        ):
            yield found(group, "Parameters", group=group, family=of)


NEEDED = {"autovacuum": OFF, "track_counts": OFF}
IDLE = "idle_in_transaction_session_timeout"
HOUR = 3_600_000


@rule(
    "W9415",
    cause="{group} sets {name} to {value}, so dead rows are never cleaned up and transaction ids run out",
    remedy="leave {name} on",
    sources=(f"{RDS}Appendix.PostgreSQL.CommonDBATasks.Autovacuum.html",),
)
def a_database_that_is_never_vacuumed(site: Site) -> Iterator[Finding]:
    for group, of, name, value in written_parameters(site):
        if _line(of) == "postgres" and value in NEEDED.get(name, ()):
            yield found(group, "Parameters", name, group=group, name=name, value=value)


@rule(
    "W9416",
    cause="{group} sets {name} to {value}, so a forgotten transaction holds its locks {how}",
    remedy="set it in milliseconds to what the longest pause in a transaction needs: a minute or so",
    sources=(f"{RDS}Appendix.PostgreSQL.CommonDBATasks.Parameters.html",),
    demanding=True,
)
def a_transaction_that_may_idle(site: Site) -> Iterator[Finding]:
    for group, of, name, value in written_parameters(site):
        if _line(of) == "postgres" and name == IDLE:
            limit = number(value)
            if limit is not None and (limit <= 0 or limit > HOUR):
                how = "for ever" if limit <= 0 else "for more than an hour"
                yield found(group, "Parameters", name, group=group, name=name, value=value, how=how)


@rule(
    "W9417",
    cause="{group} sets max_connections to {value}: too few for maintenance and one service together",
    remedy="leave it to the default, which goes by the memory of the class, or give at least 20",
    sources=(f"{RDS}CHAP_Limits.html",),
    demanding=True,
)
def a_database_that_nobody_can_join(site: Site) -> Iterator[Finding]:
    for group, _, name, value in written_parameters(site):
        limit = number(value)
        if name == "max_connections" and limit is not None and limit < 20:
            yield found(group, "Parameters", name, group=group, value=value)
