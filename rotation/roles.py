"""The platform's roles in PostgreSQL, made as the master: a CREATEROLE user who is no superuser.

millrace_owner   NOLOGIN: owns the schema and all that migrations make; nothing belongs to a login user
millrace_writer  NOLOGIN: owns nothing; migrations grant it what the processor needs
millrace_reader  NOLOGIN: migrations grant it the views; people's logins may be made members of it
millrace_app, millrace_app_clone
                 the processor's, by turns: with nothing in their own right they start as the writer
                 (`SET role`), and can become nobody else
millrace_migrator, millrace_migrator_clone
                 a release's, by turns: they start as the owner, and can become nobody else

RDS's master may more than a CREATEROLE user may on stock PostgreSQL 16 and later; this holds on both. There
whoever creates a role gets ADMIN on it, but neither SET nor INHERIT: the master must grant itself the owner
before it can make a schema that belongs to the owner.
https://www.postgresql.org/docs/18/role-attributes.html
"""

from collections.abc import Mapping

from rotation.credentials import ALL_USERS, MIGRATORS
from rotation.database import Session, identifier, literal
from rotation.errors import RolesForeign
from rotation.verifier import verifier

OWNER = "millrace_owner"
WRITER = "millrace_writer"
READER = "millrace_reader"
SCHEMA = "millrace"
LOCK = 0x6D696C6C  # "mill": two rotations at once take turns


def existing(session: Session, names: tuple[str, ...]) -> set[str]:
    """Which of these roles there are."""
    rows = session.query("SELECT rolname FROM pg_roles WHERE rolname = ANY(:names)", names=list(names))
    return {str(row[0]) for row in rows}


def group_of(user: str) -> str:
    """The one role that this login user starts as, and may become."""
    return OWNER if user in MIGRATORS else WRITER


def lock(session: Session) -> None:
    """Keep another rotation out until this transaction ends."""
    session.query("SELECT pg_advisory_xact_lock(:lock)", lock=LOCK)


def ensure(session: Session, passwords: Mapping[str, str]) -> None:
    """Make what is missing, and give these login users these passwords. To be run in a transaction.

    passwords: user → password; the users are of one pair. Raises RolesForeign for a role that our master
    may not manage: somebody else made it.
    """
    for group in (OWNER, WRITER, READER):
        _ensure_group(session, group)
    _ensure_schema(session)
    for user, password in passwords.items():
        _ensure_login(session, user, password)


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
    for group in (WRITER, READER):
        session.query(f"GRANT USAGE ON SCHEMA {identifier(SCHEMA)} TO {identifier(group)}")


def _ensure_login(session: Session, user: str, password: str) -> None:
    if user not in ALL_USERS:  # the callers have checked; but what comes here is made SQL
        raise RolesForeign(f"{user!r} is not one of {', '.join(ALL_USERS)}")
    _create(session, user)
    name, group = identifier(user), group_of(user)
    session.query(f"GRANT {identifier(group)} TO {name} WITH SET TRUE, INHERIT FALSE, ADMIN FALSE")
    if group != OWNER:  # which the processor's users had once; each loses it when it gets a new password
        session.query(f"REVOKE {identifier(OWNER)} FROM {name}")
    session.query(f"ALTER ROLE {name} SET role = {literal(group)}")
    session.query(f"ALTER ROLE {name} SET search_path = {identifier(SCHEMA)}")
    session.query(f"ALTER ROLE {name} LOGIN PASSWORD {literal(verifier(password))}")
