"""Each role may do what the table of grants says and nothing else: by the catalogue, and by trying."""

from collections.abc import Iterable, Iterator
from typing import Any

import psycopg
import pytest

from local.postgres import DATABASE, MASTER
from processor.migrate import migrate
from processor.secret import Credentials
from processor.storage.database import Session, connect
from rotation.credentials import MIGRATORS, USERS
from rotation.errors import PrivilegesWrong
from tests.integration.grants import (
    MEMBERS,
    OWNER,
    PUBLIC,
    READ_AS_CALLER,
    READER,
    THE_OWNERS,
    WRITER,
    Right,
    rights,
)
from tests.integration.rotations import Plant

OURS = "nspname !~ '^pg_' AND nspname <> 'information_schema'"
# Every privilege that is not an owner's own. Where nothing was granted, the built-in default holds.
CATALOGUE = f"""
WITH things (thing, name, owner, acl) AS (
    SELECT 'TABLE', relname, relowner, coalesce(relacl, acldefault(
        CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))
    FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND {OURS}
    UNION ALL
    SELECT 'COLUMN', relname || '.' || attname, relowner, attacl
    FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid JOIN pg_namespace AS n ON n.oid = relnamespace
    WHERE {OURS} AND attacl IS NOT NULL
    UNION ALL
    SELECT 'FUNCTION', proname, proowner, coalesce(proacl, acldefault('f', proowner))
    FROM pg_proc JOIN pg_namespace AS n ON n.oid = pronamespace WHERE {OURS}
    UNION ALL
    SELECT 'SCHEMA', nspname, nspowner, coalesce(nspacl, acldefault('n', nspowner))
    FROM pg_namespace WHERE {OURS}
    UNION ALL
    SELECT 'DATABASE', datname, datdba, coalesce(datacl, acldefault('d', datdba))
    FROM pg_database WHERE datname = current_database())
SELECT CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE grantee::regrole::text END, privilege_type, thing, name,
    is_grantable
FROM things, aclexplode(acl) WHERE grantee <> owner
"""
# Whether the current role may: whatever else goes wrong, and when all goes well, nothing stays.
ALLOWED = """
CREATE FUNCTION pg_temp.allowed(statement text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RAISE EXCEPTION USING ERRCODE = 'ZZ001';
EXCEPTION
    WHEN insufficient_privilege THEN RETURN false;
    WHEN OTHERS THEN RETURN true;
END $$
"""
STRANGER = "millrace_stranger"  # has what PUBLIC has


@pytest.fixture
def database(plant: Plant, release: Plant) -> Iterator["psycopg.Connection[Any]"]:
    """All roles and all tables there are; a superuser's connection."""
    plant.rotate("v1")
    release.rotate("m1")
    plant.rotate("v2")
    release.rotate("m2")
    who = release.value("AWSCURRENT")
    login = Credentials(who.host, who.port, who.dbname, who.username, who.password)
    with connect(login, str(plant.authority.ca_file)) as connection:
        migrate(Session(connection))
    with plant.superuser() as connection:
        connection.execute("SELECT millrace.ensure_partitions(ARRAY[DATE '2026-01-01'])")
        connection.execute(f"CREATE ROLE {STRANGER}".encode())
        connection.execute(ALLOWED)
        yield connection


def test_the_catalogue_grants_what_the_table_says(database: "psycopg.Connection[Any]") -> None:
    rows = database.execute(CATALOGUE.encode()).fetchall()
    found = {Right(*row[:4]) for row in rows}
    expected = rights(DATABASE)
    assert found - expected == set(), "granted, and in no table: revoke it, or add it to grants.py"
    assert expected - found == set(), "in the table, and not granted"
    assert not [row for row in rows if row[4]], "nobody may hand on what it was granted"
    for catalogue in ("pg_default_acl", "pg_parameter_acl", "pg_largeobject_metadata", "pg_foreign_server"):
        assert database.execute(f"SELECT count(*) FROM {catalogue}".encode()).fetchone() == (0,), catalogue


def test_all_is_the_owner_s_and_logins_are_members_of_their_group_alone(
    database: "psycopg.Connection[Any]",
) -> None:
    owned = database.execute(
        """SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = 'millrace'::regnamespace
        UNION SELECT DISTINCT proowner::regrole::text FROM pg_proc
            WHERE pronamespace = 'millrace'::regnamespace
        UNION SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'millrace'"""
    ).fetchall()
    assert owned == [(OWNER,)]
    others = database.execute(
        "SELECT refobjid::regrole::text FROM pg_shdepend WHERE deptype = 'o'"
        " AND refclassid = 'pg_authid'::regclass AND refobjid::regrole::text ~ '^millrace_'"
        " AND refobjid::regrole::text NOT IN (%s, %s)",
        [OWNER, MASTER],
    ).fetchall()
    assert others == []
    check_memberships(database)


def check_memberships(database: "psycopg.Connection[Any]") -> None:
    """The table's, each for becoming the group alone: without its rights before that, and none handed on."""
    rows = database.execute(
        "SELECT member::regrole::text, roleid::regrole::text, admin_option, inherit_option, set_option"
        " FROM pg_auth_members WHERE member::regrole::text ~ '^millrace_' AND member::regrole::text <> %s",
        [MASTER],
    ).fetchall()
    assert {(member, group) for member, group, *_ in rows} == MEMBERS
    assert {tuple(options) for _, _, *options in rows} == {(False, False, True)}
    powers = database.execute(
        "SELECT rolname FROM pg_roles WHERE rolname ~ '^millrace_' AND rolname <> %s AND"
        " (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)",
        [MASTER],
    ).fetchall()
    assert powers == []
    logins = database.execute(
        "SELECT rolname FROM pg_roles WHERE rolname ~ '^millrace_' AND rolcanlogin AND rolname <> %s",
        [MASTER],
    ).fetchall()
    assert {name for (name,) in logins} == {*USERS, *MIGRATORS}


def attempts(database: "psycopg.Connection[Any]") -> dict[str, Right]:
    """A statement for each thing that one could do → the right that it takes; on every object there is."""
    made: dict[str, Right] = {}
    relations = database.execute(
        "SELECT relname, relkind FROM pg_class WHERE relnamespace = 'millrace'::regnamespace"
        " AND relkind IN ('r', 'p', 'v')"
    ).fetchall()
    for name, kind in relations:
        table = f"millrace.{name}"
        made[f"SELECT 1 FROM {table} LIMIT 0"] = Right("", "SELECT", "TABLE", name)
        if kind == "v":
            continue
        made[f"DELETE FROM {table} WHERE false"] = Right("", "DELETE", "TABLE", name)
        made[f"TRUNCATE {table}"] = Right("", "TRUNCATE", "TABLE", name)
        made[f"ALTER TABLE {table} ADD COLUMN tried int"] = Right("", "OWN", "TABLE", name)
        made[f"DROP TABLE {table} CASCADE"] = Right("", "OWN", "TABLE", name)
    columns = database.execute(
        "SELECT table_name, column_name FROM information_schema.columns JOIN information_schema.tables"
        " USING (table_schema, table_name) WHERE table_schema = 'millrace' AND table_type = 'BASE TABLE'"
    ).fetchall()
    for table, column in columns:
        inserted = f'INSERT INTO millrace.{table} ("{column}") VALUES (DEFAULT)'
        made[inserted] = Right("", "INSERT", "COLUMN", f"{table}.{column}")
        updated = f'UPDATE millrace.{table} SET "{column}" = DEFAULT WHERE false'
        made[updated] = Right("", "UPDATE", "COLUMN", f"{table}.{column}")
    for name, arguments in database.execute(
        "SELECT proname, pg_get_function_identity_arguments(oid) FROM pg_proc"
        " WHERE pronamespace = 'millrace'::regnamespace"
    ).fetchall():
        given = ", ".join(f"NULL::{one.split(' ', 1)[1]}" for one in arguments.split(", ") if one)
        made[f"SELECT millrace.{name}({given})"] = Right("", "EXECUTE", "FUNCTION", name)
    for (name,) in database.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'millrace'::regnamespace AND relkind = 'S'"
    ).fetchall():
        made[f"SELECT nextval('millrace.{name}')"] = Right("", "USAGE", "TABLE", name)
    for schema in ("millrace", "public"):
        made[f"CREATE TABLE {schema}.tried (n int)"] = Right("", "CREATE", "SCHEMA", schema)
    made["CREATE TEMPORARY TABLE tried (n int)"] = Right("", "TEMPORARY", "DATABASE", DATABASE)
    made["CREATE SCHEMA tried"] = Right("", "CREATE", "DATABASE", DATABASE)
    made["CREATE ROLE tried"] = Right("", "CREATEROLE", "SERVER", "")
    for user in (*USERS, *MIGRATORS):
        made[f"ALTER ROLE {user} PASSWORD NULL"] = Right("", "ADMIN", "ROLE", user)
    return made


def allowed(database: "psycopg.Connection[Any]", role: str, statements: Iterable[str]) -> set[str]:
    """Those of the statements that the role may run."""
    database.execute(f"SET ROLE {role}".encode())
    rows = database.execute(
        "SELECT statement FROM unnest(%s::text[]) AS statement WHERE pg_temp.allowed(statement)",
        [list(statements)],
    ).fetchall()
    database.execute("RESET ROLE")
    return {statement for (statement,) in rows}


def may(role: str, wanted: Right) -> bool:
    """By the table: the right itself, or that on the whole table, and the schema in reach."""
    if wanted.thing == "ROLE":
        return wanted.name == role  # PostgreSQL lets everybody change their own password
    known = rights(DATABASE)
    whole = ("TABLE", wanted.name.partition(".")[0])
    has = {
        Right(who, wanted.privilege, *on)
        for who in (role, PUBLIC)
        for on in ((wanted.thing, wanted.name), whole)
    }
    read = READ_AS_CALLER.get(wanted.name)
    return (
        Right(role, "USAGE", "SCHEMA", "millrace") in known
        and bool(has & known)
        and (read is None or Right(role, "SELECT", "TABLE", read) in known)
    )


def test_each_statement_works_exactly_for_whom_it_may(database: "psycopg.Connection[Any]") -> None:
    tried = attempts(database)
    assert len(tried) > 200
    for role in (WRITER, READER, *USERS, *MIGRATORS, STRANGER):
        expected = {statement for statement, wanted in tried.items() if may(role, wanted)}
        found = allowed(database, role, tried)
        assert found - expected == set(), f"{role} may, and should not"
        assert expected - found == set(), f"{role} should, and may not"
    # The owner may do all to its own, and nothing elsewhere.
    barred = {tried[statement] for statement in tried.keys() - allowed(database, OWNER, tried)}
    assert {wanted.thing for wanted in barred} == {"SCHEMA", "DATABASE", "SERVER", "ROLE"}
    assert Right("", "CREATE", "SCHEMA", "public") in barred
    assert Right("", "CREATE", "SCHEMA", "millrace") not in barred
    assert set(THE_OWNERS.split()) < {wanted.name for wanted in tried.values()}


def test_a_login_that_nobody_named_cannot_even_connect(plant: Plant) -> None:
    plant.rotate("v1")
    with plant.superuser() as connection:
        connection.execute(f"CREATE ROLE {STRANGER} LOGIN PASSWORD 'sTrAnGeR'".encode())
        connection.execute("CREATE ROLE millrace_person LOGIN PASSWORD 'sTrAnGeR' IN ROLE millrace_reader")
    who = plant.value("AWSCURRENT").of_master(STRANGER, "sTrAnGeR")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        plant.connect(who)
    plant.connect(who.of_master("millrace_person", "sTrAnGeR")).close()


def test_a_database_without_a_schema_public_is_as_good(plant: Plant) -> None:
    with plant.superuser() as connection:
        connection.execute("DROP SCHEMA public")
        try:
            plant.rotate("v1")
        finally:
            connection.execute("CREATE SCHEMA public AUTHORIZATION pg_database_owner")
    plant.check_settled("v1")


def test_the_master_runs_nothing_that_lies_in_a_schema_on_its_way(plant: Plant) -> None:
    # given a function that fits a call of the rotation's better than PostgreSQL's own does
    with plant.superuser() as connection:
        connection.execute("CREATE SCHEMA millrace_master")
        connection.execute(
            "CREATE FUNCTION millrace_master.pg_advisory_xact_lock(integer) RETURNS void LANGUAGE plpgsql"
            " AS $$ BEGIN RAISE EXCEPTION 'caught'; END $$"
        )
        connection.execute("GRANT USAGE ON SCHEMA millrace_master TO millrace_master")
        try:
            plant.rotate("v1")
        finally:
            connection.execute("DROP SCHEMA millrace_master CASCADE")
    plant.check_settled("v1")


def test_the_writer_s_probe_tries_the_tables_once_they_are_there(
    plant: Plant, database: "psycopg.Connection[Any]"
) -> None:
    for spoil, mend, said in (
        (
            "REVOKE INSERT ON millrace.shard_progress FROM millrace_writer",
            "GRANT INSERT ON millrace.shard_progress TO millrace_writer",
            "permission denied for table shard_progress",
        ),
        (
            "GRANT DELETE ON millrace.reading TO millrace_writer",
            "REVOKE DELETE ON millrace.reading FROM millrace_writer",
            "the writer deletes readings",
        ),
    ):
        database.execute(spoil.encode())
        with pytest.raises(PrivilegesWrong, match=said):
            plant.rotate("v3")
        database.execute(mend.encode())
    plant.steps("v3")
    assert database.execute("SELECT count(*) FROM millrace.shard_progress").fetchone() == (0,)
    plant.check_settled("v3")
