"""What a login user must and must not be able to do, tried out rather than read from the catalogue alone."""

from rotation.database import Session
from rotation.errors import PrivilegesWrong, StatementRefused
from rotation.grants import OWNER, SCHEMA, WRITER, group_of

FORBIDDEN = "42501"  # insufficient_privilege


def probe(session: Session, user: str) -> None:
    """Go the ways of the user's program, and the ways that must be barred; leave no trace: what is made is
    rolled back, and no other session ever sees it.

    Raises PrivilegesWrong that names the first thing that is not as it must be, and DatabaseUnreachable for
    what says nothing about the user.
    """
    group = group_of(user)
    _attributes(session, user, group)
    session.query("BEGIN")
    try:
        if group == OWNER:
            _migrates(session)
        else:
            _writes(session)
        _no_more(session)
    except StatementRefused as error:
        raise PrivilegesWrong(f"{user}: {error}; grant it what its group must have") from None
    finally:
        session.query("ROLLBACK")


def _attributes(session: Session, user: str, group: str) -> None:
    is_now = session.query("SELECT session_user::text, current_user::text, current_schema()::text")
    if is_now != [[user, group, SCHEMA]]:
        raise PrivilegesWrong(
            f"{user} logs in as (user, role, schema) {is_now}; it must be {[user, group, SCHEMA]}"
        )
    powers = session.query(
        "SELECT rolname::text FROM pg_roles WHERE rolname IN (session_user, :owner, :writer)"
        " AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)",
        owner=OWNER,
        writer=WRITER,
    )
    if powers:
        raise PrivilegesWrong(
            f"{powers[0][0]} has powers over the whole server; it must have none: take them from it as the "
            "master, or as who gave them"
        )
    # Every role it can become, by any path, but itself.
    reach = session.query(
        "SELECT rolname::text FROM pg_roles"
        " WHERE rolname <> session_user AND pg_has_role(session_user, oid, 'MEMBER') ORDER BY 1"
    )
    if reach != [[group]]:
        raise PrivilegesWrong(
            f"{user} is a member of {[name for (name,) in reach]}; it must be of {group} alone: "
            "revoke the others"
        )
    hands_on = session.query(
        "SELECT pg_has_role(session_user, :group, 'MEMBER WITH ADMIN OPTION')", group=group
    )
    if hands_on != [[False]]:
        raise PrivilegesWrong(f"{user} may make others members of {group}: REVOKE ADMIN OPTION FOR it")


def _migrates(session: Session) -> None:
    session.query("CREATE TABLE rotation_probe (n int)")
    session.query("ALTER TABLE rotation_probe ADD COLUMN m int")
    session.query("GRANT SELECT, INSERT ON rotation_probe TO millrace_writer")


def _writes(session: Session) -> None:
    """Before the first migration there is nothing to write to."""
    if session.query("SELECT to_regclass('millrace.shard_progress') IS NOT NULL") == [[True]]:
        session.query("SELECT ts FROM reading LIMIT 0")
        session.query("INSERT INTO shard_progress (stream, shard, epoch) VALUES ('probe', 'probe', 0)")
        _barred(session, "DELETE FROM millrace.reading WHERE false", "the writer deletes readings")
    _barred(session, "CREATE TABLE millrace.rotation_probe (n int)", "the writer creates tables")
    _barred(session, f"SET ROLE {OWNER}", "the processor's user becomes the owner")


def _no_more(session: Session) -> None:
    session.query("SET ROLE NONE")
    _barred(session, "CREATE TABLE millrace.rotation_probe_2 (n int)", "the login user inherits rights")
    _barred(session, "CREATE ROLE rotation_probe", "the login user creates roles")
    if session.query("SELECT has_schema_privilege('millrace', 'USAGE')") != [[False]]:
        raise PrivilegesWrong(
            "the login user sees the schema without starting as its group: revoke what it has itself, or "
            "inherits"
        )


def _barred(session: Session, statement: str, wrong: str) -> None:
    session.query("SAVEPOINT barred")
    try:
        session.query(statement)
    except StatementRefused as error:
        if error.code != FORBIDDEN:
            raise
        session.query("ROLLBACK TO SAVEPOINT barred")
        return
    raise PrivilegesWrong(f"{wrong}: {statement!r} succeeded; revoke what allows it")
