"""The platform's roles in PostgreSQL, made as the master: a CREATEROLE user who is no superuser.

What they are and may do is a table: rotation/grants.py.

RDS's master may more than a CREATEROLE user may on stock PostgreSQL 16 and later; this holds on both. There
whoever creates a role gets ADMIN on it, but neither SET nor INHERIT: the master must grant itself the owner
before it can make a schema that belongs to the owner.
https://www.postgresql.org/docs/18/role-attributes.html
"""

from collections.abc import Mapping

from rotation.credentials import ALL_USERS
from rotation.database import Session, identifier, literal
from rotation.errors import RolesForeign
from rotation.grants import GRANTS, GROUPS, OWNER, PUBLIC_HAS_NOTHING_IN, READER, SCHEMA, WRITER, group_of
from rotation.verifier import verifier

__all__ = ["OWNER", "READER", "SCHEMA", "WRITER", "ensure", "existing", "group_of", "lock"]

LOCK = 0x6D696C6C  # "mill": two rotations at once take turns

# ALTER ROLE takes no parameters, so a verifier in it would be in the statement: in pg_stat_activity, in
# pg_stat_statements, and in the log whenever it is slow or waits. COPY carries it past all of them, and what
# a block executes is not shown as the session's statement. An error goes on without its context, which would
# quote what was executed.
SET_VERIFIERS = """
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT login, verifier FROM pg_temp.rotation_verifier LOOP
        EXECUTE format('ALTER ROLE %I PASSWORD %L', one.login, one.verifier);
    END LOOP;
EXCEPTION WHEN OTHERS THEN
    RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = SQLERRM;
END
$$"""


def existing(session: Session, names: tuple[str, ...]) -> set[str]:
    """Which of these roles there are."""
    rows = session.query("SELECT rolname FROM pg_roles WHERE rolname = ANY(:names)", names=list(names))
    return {str(row[0]) for row in rows}


def lock(session: Session) -> None:
    """Keep another rotation out until this transaction ends. Raises DatabaseUnreachable after a wait."""
    # Before anything is looked up by name: nobody may have the master run what they put into a schema.
    session.query("SET LOCAL search_path = pg_catalog, pg_temp")
    session.query("SELECT pg_advisory_xact_lock(:lock)", lock=LOCK)


def ensure(session: Session, passwords: Mapping[str, str]) -> None:
    """Make what is missing, and give these login users these passwords. To be run in a transaction.

    passwords: user → password; the users are of one pair. Raises RolesForeign for a role that our master
    may not manage: somebody else made it.
    """
    for group in GROUPS:
        _ensure_group(session, group)
    _ensure_schema(session)
    for user in passwords:
        _ensure_login(session, user)
    _ensure_grants(session)
    _set_passwords(session, passwords)


def _create(session: Session, role: str) -> None:
    """CREATE ROLE unless it exists; then ADMIN on it is what we need."""
    if role not in existing(session, (role,)):
        session.query(f"CREATE ROLE {identifier(role)}")
        return
    rows = session.query("SELECT pg_has_role(:role, 'MEMBER WITH ADMIN OPTION')", role=role)
    if not rows[0][0]:
        raise RolesForeign(
            f"the role {role} exists, and the master may not manage it, since somebody else made it: "
            f"GRANT {role} TO the master WITH ADMIN OPTION, or drop it if nothing uses it"
        )


def _ensure_group(session: Session, role: str) -> None:
    _create(session, role)
    session.query(f"ALTER ROLE {identifier(role)} NOLOGIN PASSWORD NULL")


def _ensure_schema(session: Session) -> None:
    session.query(f"GRANT {identifier(OWNER)} TO CURRENT_USER WITH SET TRUE, INHERIT TRUE")
    owners = session.query(
        "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = :name", name=SCHEMA
    )
    if not owners:
        session.query(f"CREATE SCHEMA {identifier(SCHEMA)} AUTHORIZATION {identifier(OWNER)}")
    elif owners[0][0] != OWNER:
        raise RolesForeign(
            f"the schema {SCHEMA} belongs to {owners[0][0]}: "
            f"as a superuser, ALTER SCHEMA {SCHEMA} OWNER TO {OWNER}"
        )


def _ensure_login(session: Session, user: str) -> None:
    """All but the password. What somebody set to keep the user out is taken back."""
    if user not in ALL_USERS:  # the callers have checked; but what comes here is made SQL
        raise RolesForeign(f"{user!r} is not one of {', '.join(ALL_USERS)}")
    _create(session, user)
    name, group = identifier(user), group_of(user)
    session.query(f"GRANT {identifier(group)} TO {name} WITH SET TRUE, INHERIT FALSE, ADMIN FALSE")
    if group != OWNER:  # which the processor's users had once; each loses it when it gets a new password
        session.query(f"REVOKE {identifier(OWNER)} FROM {name}")
    session.query(f"ALTER ROLE {name} SET role = {literal(group)}")
    session.query(f"ALTER ROLE {name} SET search_path = {identifier(SCHEMA)}")
    # Also holds the role's row until the end, so that setting the verifier waits for nobody.
    session.query(f"ALTER ROLE {name} LOGIN CONNECTION LIMIT -1 VALID UNTIL 'infinity'")


def _ensure_grants(session: Session) -> None:
    """To every role that there is: before everybody loses a right, whoever needs it has it as its own."""
    database = identifier(str(session.query("SELECT current_database()")[0][0]))
    place = {"DATABASE": f"DATABASE {database}", "SCHEMA": f"SCHEMA {identifier(SCHEMA)}"}
    present = existing(session, tuple(grant.role for grant in GRANTS))
    for grant in GRANTS:
        if grant.role in present:
            session.query(f"GRANT {grant.privilege} ON {place[grant.on]} TO {identifier(grant.role)}")
    session.query(f"REVOKE ALL ON {place['DATABASE']} FROM PUBLIC")
    schemas = session.query(
        "SELECT nspname::text FROM pg_namespace WHERE nspname = ANY(:names)",
        names=list(PUBLIC_HAS_NOTHING_IN),
    )
    for (schema,) in schemas:  # some drop `public`
        session.query(f"REVOKE ALL ON SCHEMA {identifier(schema)} FROM PUBLIC")


def _set_passwords(session: Session, passwords: Mapping[str, str]) -> None:
    session.query("CREATE TEMPORARY TABLE rotation_verifier (login name, verifier text) ON COMMIT DROP")
    session.fill(
        "pg_temp.rotation_verifier",
        [f"{user}\t{verifier(password)}" for user, password in passwords.items()],
    )
    session.query(SET_VERIFIERS)
    session.query("DROP TABLE pg_temp.rotation_verifier")
