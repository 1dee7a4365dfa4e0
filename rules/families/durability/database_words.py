"""What a database is called and told in words: names, licences, logs."""

import re
from collections.abc import Iterator

from rules.families.durability.upkeep import INSTANCE, members, word
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site

CREATE = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html"

RESERVED = {
    "postgres": {"admin", "rdsadmin", "rds_superuser", "rds_replication"},
    "mysql": {"rdsadmin", "mysql.sys", "mysql.session"},
    "mariadb": {"rdsadmin", "mariadb.sys"},
}
LICENSES = {
    "postgres": {"postgresql-license"},
    "mysql": {"general-public-license"},
    "mariadb": {"general-public-license"},
}


@rule(
    "E9425",
    cause="{database} has {name} {written}, which {engine} does not take",
    remedy="{remedy}",
    sources=(CREATE,),
)
def a_word_that_the_engine_keeps_for_itself(site: Site) -> Iterator[Finding]:
    for database in site.all(INSTANCE):
        engine = word(site, database, "Engine") or ""
        user, license = word(site, database, "MasterUsername"), word(site, database, "LicenseModel")
        parts = {"database": database, "engine": engine}
        if user is not None and user.lower() in RESERVED.get(engine, ()):
            remedy = "choose a name that is not reserved"
            yield found(
                database, "MasterUsername", **parts, name="MasterUsername", written=user, remedy=remedy
            )
        if license is not None and engine in LICENSES and license not in LICENSES[engine]:
            remedy = f"leave it out, or set {', '.join(LICENSES[engine])}"
            yield found(
                database, "LicenseModel", **parts, name="LicenseModel", written=license, remedy=remedy
            )


@rule(
    "E9426",
    cause="secret {secret} says dbname {said} for {database}, which makes {made}",
    remedy="give DBName and the secret one name",
    sources=(
        "https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html",
        CREATE,
    ),
)
def a_secret_for_a_database_that_is_not_made(site: Site) -> Iterator[Finding]:
    for attachment in site.all("AWS::SecretsManager::SecretTargetAttachment"):
        secret = site.target(site.get(attachment, "SecretId"), "AWS::SecretsManager::Secret")
        database = site.target(site.get(attachment, "TargetId"), INSTANCE)
        if secret is None or database is None:
            continue
        template = word(site, secret, "GenerateSecretString", "SecretStringTemplate") or ""
        said = re.search(r'"dbname"\s*:\s*"([^"]*)"', template)
        engine, made = word(site, database, "Engine") or "", site.get(database, "DBName")
        ours = {"postgres"} if engine == "postgres" else set()
        if said is None or said[1] in ours or not (made is None or isinstance(made, str)):
            continue
        if said[1] != made and {"DBSnapshotIdentifier", "SourceDBInstanceIdentifier"}.isdisjoint(
            database.properties
        ):
            yield found(
                database,
                "DBName",
                secret=secret,
                said=said[1],
                database=database,
                made=made or "none",
            )


VALID = {
    "postgres": {"postgresql", "upgrade", "iam-db-auth-error"},
    "mysql": {"audit", "error", "general", "slowquery", "iam-db-auth-error"},
    "mariadb": {"audit", "error", "general", "slowquery", "iam-db-auth-error"},
    "sqlserver": {"agent", "error"},
    "oracle": {"alert", "audit", "listener", "trace", "oemagent"},
    "db2": {"diag.log", "notify.log", "iam-db-auth-error"},
}


@rule(
    "E9427",
    cause="{database} exports the log {name}, and {engine} has none of that name",
    remedy="name what the engine has: {valid}",
    sources=(CREATE,),
)
def a_log_that_the_engine_does_not_write(site: Site) -> Iterator[Finding]:
    for database in site.all(INSTANCE):
        engine = word(site, database, "Engine") or ""
        valid = VALID.get(engine.partition("-")[0])
        if valid is None:
            continue
        for position, name in enumerate(members(site.get(database, "EnableCloudwatchLogsExports"))):
            if isinstance(name, str) and name not in valid:
                yield found(
                    database,
                    "EnableCloudwatchLogsExports",
                    position,
                    database=database,
                    name=name,
                    engine=engine,
                    valid=", ".join(sorted(valid)),
                )
