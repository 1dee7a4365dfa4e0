"""How databases and caches let somebody in: with a password that a service keeps, and never in clear."""

import re
from collections.abc import Iterator

from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import known

MANAGING = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html"
TLS = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html"
CACHE_TLS = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/in-transit-encryption.html"
USERS = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html"
SCRAM = (
    "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL_Password_Encryption_configuration.html"
)
ELSEWHERE = (
    "DBClusterIdentifier",
    "SourceDBInstanceIdentifier",
    "SourceDBClusterIdentifier",
    "DBSnapshotIdentifier",
    "DBClusterSnapshotIdentifier",
    "SnapshotIdentifier",
    "SourceDBInstanceAutomatedBackupsArn",
    "SourceDbiResourceId",
    "ReplicationSourceIdentifier",
    "GlobalClusterIdentifier",
    "RestoreTime",
    "SourceDbClusterResourceId",
)
DATABASES = ("AWS::RDS::DBInstance", "AWS::RDS::DBCluster")
OFF = {"0", "off", "false", "no"}
TLS_OFF = {"rds.force_ssl": OFF, "require_secure_transport": OFF, "tls": {"disabled"}}
NO_PASSWORD = re.compile(r"(?:^|\s)nopass(?:\s|$)")


@rule(
    "E9380",
    cause="{database} is made with {what}",
    remedy="set ManageMasterUserPassword: true, and no MasterUserPassword",
    sources=(MANAGING,),
)
def a_master_without_a_password(site: Site) -> Iterator[Finding]:
    for database in site.all(*DATABASES):
        managed, password = (
            site.get(database, name) for name in ("ManageMasterUserPassword", "MasterUserPassword")
        )
        if not known(managed):
            continue
        manages = str(managed).lower() == "true"
        if manages and password is not None:
            yield found(
                database, "MasterUserPassword", database=database, what="two passwords for its master"
            )
        elif not manages and password is None and not _from_elsewhere(site, database):
            yield found(
                database, "ManageMasterUserPassword", database=database, what="no password for its master"
            )


def _from_elsewhere(site: Site, database: Resource) -> bool:
    """Whether its master comes from a cluster, a snapshot or a source, which have one."""
    authentication = site.get(database, "MasterUserAuthenticationType")
    return authentication is not None or any(site.get(database, name) is not None for name in ELSEWHERE)


@rule(
    "E9382",
    cause="{user} of the cache logs in without a password",
    remedy="set AuthenticationMode.Type to iam, or to password",
    sources=(USERS,),
)
def a_user_without_a_password(site: Site) -> Iterator[Finding]:
    admitted = {
        site.target(one)
        for group in site.all("AWS::ElastiCache::UserGroup")
        if str(site.get(group, "Engine")).lower() == "valkey"
        for one in site.items(group, "UserIds")
    }
    for user in site.all("AWS::ElastiCache::User", "AWS::MemoryDB::User"):
        if str(site.get(user, "AccessString")).startswith("off ") and user not in admitted:
            continue  # nobody is let in as this one; a group of valkey takes none without a password
        if str(site.get(user, "AuthenticationMode", "Type")).startswith("no-password"):
            yield found(user, "AuthenticationMode", "Type", user=user)
        elif str(site.get(user, "NoPasswordRequired")).lower() == "true":
            yield found(user, "NoPasswordRequired", user=user)
        elif NO_PASSWORD.search(str(site.get(user, "AccessString"))):
            yield found(user, "AccessString", user=user)


@rule(
    "E9383",
    cause="{user} has a password in its AccessString",
    remedy="set AuthenticationMode: {{Type: iam}}, or Passwords from Secrets Manager",
    sources=(USERS,),
)
def a_password_in_an_access_string(site: Site) -> Iterator[Finding]:
    for user in site.all("AWS::ElastiCache::User", "AWS::MemoryDB::User"):
        if re.search(r"(?:^|\s)[>#][^\s$]", str(site.get(user, "AccessString"))):
            yield found(user, "AccessString", user=user)


@rule(
    "E9384",
    cause="{settings} lets clients log in without TLS: {name} is {value}",
    remedy="turn it on, so that no password crosses the network in clear",
    sources=(TLS,),
)
def a_login_in_clear(site: Site) -> Iterator[Finding]:
    kinds = (
        "AWS::RDS::DBParameterGroup",
        "AWS::RDS::DBClusterParameterGroup",
        "AWS::DocDB::DBClusterParameterGroup",
    )
    for settings in site.all(*kinds):
        parameters = site.get(settings, "Parameters")
        for name, value in parameters.items() if isinstance(parameters, dict) else ():
            if known(value) and str(value).lower() in TLS_OFF.get(name, set()):
                yield found(settings, "Parameters", name, settings=settings, name=name, value=value)


@rule(
    "E9385",
    cause="{cache} lets clients log in, and not over TLS alone",
    remedy="set TransitEncryptionEnabled: true and TransitEncryptionMode: required",
    sources=(CACHE_TLS, USERS),
)
def a_cache_login_in_clear(site: Site) -> Iterator[Finding]:
    for cache in site.all("AWS::ElastiCache::ReplicationGroup", "AWS::ElastiCache::ServerlessCache"):
        users = site.get(cache, "UserGroupIds") or site.get(cache, "AuthToken")
        enabled, mode = (
            site.get(cache, name) for name in ("TransitEncryptionEnabled", "TransitEncryptionMode")
        )
        if users is None or cache.kind.endswith("ServerlessCache"):
            continue
        if known(enabled) and str(enabled).lower() != "true":
            yield found(cache, "TransitEncryptionEnabled", cache=cache)
        elif mode == "preferred":
            yield found(cache, "TransitEncryptionMode", cache=cache)


@rule(
    "W9387",
    cause="{settings} keeps passwords as MD5, which whoever has a backup can guess and replay",
    remedy="set password_encryption to scram-sha-256",
    sources=(SCRAM,),
)
def passwords_kept_as_md5(site: Site) -> Iterator[Finding]:
    for settings in site.all("AWS::RDS::DBParameterGroup", "AWS::RDS::DBClusterParameterGroup"):
        if str(site.get(settings, "Parameters", "password_encryption")).lower() == "md5":
            yield found(settings, "Parameters", "password_encryption", settings=settings)


@rule(
    "E9391",
    cause="{user} of the cache {wrong}",
    remedy="set AuthenticationMode, UserId and UserName alike for iam, and let AccessString begin with on",
    sources=(USERS, "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html"),
)
def a_user_who_cannot_log_in(site: Site) -> Iterator[Finding]:
    for user in site.all("AWS::ElastiCache::User"):
        mode = site.get(user, "AuthenticationMode")
        kind = mode.get("Type") if isinstance(mode, dict) else None
        id, name = site.get(user, "UserId"), site.get(user, "UserName")
        if kind == "iam" and known([id, name]) and id != name and None not in (id, name):
            yield found(user, "UserName", user=user, wrong=f"logs in by IAM as {id}, and is named {name}")
        ways = [mode, site.get(user, "Passwords"), site.get(user, "NoPasswordRequired")]
        if all(way is None for way in ways):
            yield found(user, "AuthenticationMode", user=user, wrong="has no way to prove who it is")
        if kind == "iam" and str(site.get(user, "AccessString")).startswith("off"):
            yield found(user, "AccessString", user=user, wrong="logs in by IAM, and is switched off")


@rule(
    "W9388",
    cause="{database} refuses logins through IAM, so whoever works with it needs a password that lasts",
    remedy="set EnableIAMDatabaseAuthentication: true",
    sources=(
        "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html",
        "https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html",
    ),
    demanding=True,
)
def a_database_that_refuses_tokens(site: Site) -> Iterator[Finding]:
    for database in site.all(*DATABASES):
        if str(site.get(database, "EnableIAMDatabaseAuthentication")).lower() == "false":
            yield found(database, "EnableIAMDatabaseAuthentication", database=database)
