"""Who may do what, as far as the rotation says it: roles, memberships, rights on the database and the schema.

One table that `roles.py` makes true and the tests try out. Rights on tables, views and functions are the
migrations' to give, to the three groups alone: `tests/integration/grants.py` has each of them.

millrace_owner   NOLOGIN: owns the schema and all that migrations make; nothing belongs to a login user
millrace_writer  NOLOGIN: owns nothing; migrations grant it what the processor needs
millrace_reader  NOLOGIN: migrations grant it the views; people's logins may be made members of it
millrace_app, millrace_app_clone
                 the processor's, by turns: with nothing in their own right but to connect, they start as the
                 writer (`SET role`), and can become nobody else
millrace_migrator, millrace_migrator_clone
                 a release's, by turns: they start as the owner, and can become nobody else
"""

from dataclasses import dataclass

from rotation.credentials import ALL_USERS, MIGRATORS

OWNER = "millrace_owner"
WRITER = "millrace_writer"
READER = "millrace_reader"
GROUPS = (OWNER, WRITER, READER)
SCHEMA = "millrace"


@dataclass(frozen=True)
class Grant:
    """One privilege of one role: on the application's schema, or on the database that holds it."""

    role: str
    on: str  # DATABASE or SCHEMA
    privilege: str


GRANTS = (
    # Checked for whoever logs in, before it starts as its group: so the login users have it themselves.
    *(Grant(user, "DATABASE", "CONNECT") for user in ALL_USERS),
    Grant(READER, "DATABASE", "CONNECT"),  # which its members inherit
    Grant(WRITER, "SCHEMA", "USAGE"),
    Grant(READER, "SCHEMA", "USAGE"),
)
# PostgreSQL gives everybody CONNECT and TEMPORARY on a database, and USAGE (before 15 CREATE too) on the
# schema `public`: https://www.postgresql.org/docs/18/ddl-priv.html. Here nobody has anything by being there.
PUBLIC_HAS_NOTHING_IN = (SCHEMA, "public")  # nor on the database


def group_of(user: str) -> str:
    """The one role that this login user starts as, and may become."""
    return OWNER if user in MIGRATORS else WRITER
