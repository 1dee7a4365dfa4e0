"""Sessions with the database: TLS with a verified certificate and host name, or none at all.

AWS's sample falls back to a connection without TLS when the first attempt fails; this one never does. The
driver's own errors end here: they would carry the server's context, which may quote a statement.
"""

import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from pg8000 import native
from pg8000.exceptions import InterfaceError
from pg8000.native import Connection, DatabaseError
from scramp import ScramException

from rotation.credentials import Credentials
from rotation.errors import DatabaseUnreachable, LoginRefused, RotationError, StatementRefused

# A step must end well within the function's time limit, and a lock that somebody holds is no reason to wait.
# The server gives up before the socket does, so that its reason is heard. A function that was frozen or cut
# off in a transaction holds its locks for a minute at most.
CONNECT_SECONDS = 10  # of every read and write too
LIMITS = {  # milliseconds
    "lock_timeout": "5000",
    "statement_timeout": "8000",
    "idle_in_transaction_session_timeout": "60000",
}

INVALID_PASSWORD = "28P01"  # noqa: S105 (SQLSTATE; PostgreSQL gives it for a missing user as well)
INVALID_AUTHORIZATION = "28000"  # may not log in
NO_CONNECT = "42501"  # lacks CONNECT on the database
CLEARTEXT_PASSWORD = (3).to_bytes(4, "big")  # AuthenticationCleartextPassword
# What passes by itself, or by somebody else's doing: nothing is wrong with the roles or the secret.
PASSING = {
    "25006": "it takes no writes: it fails over, or the host is a replica's",
    "53300": "its connections are used up: end some of those in pg_stat_activity",
    "55P03": "somebody holds a lock, another rotation's step perhaps: wait for it, or end it",
    "57014": "it was too slow, or somebody cancelled it",
    "57P01": "somebody ended the session, or the server restarts",
    "57P02": "the server restarts",
    "57P03": "the server starts, or fails over",
}


class Session(Connection):
    """pg8000's connection, which would hand the password itself to a server that asks for it; this one won't.

    A host that somebody else wrote into the secret must not learn the master's password, certificate or not.
    """

    def handle_AUTHENTICATION_REQUEST(self, data: bytes, context: Any) -> None:
        if data[:4] == CLEARTEXT_PASSWORD:
            raise InterfaceError("the server asks for the password in clear text")
        super().handle_AUTHENTICATION_REQUEST(data, context)

    def query(self, statement: str, **parameters: object) -> list[list[Any]]:
        """Run one statement, its `:name` parameters sent beside it; no rows for one that gives none.

        Raises StatementRefused, or DatabaseUnreachable for what may pass.
        """
        with _plainly("the session"):
            return self.run(statement, **parameters) or []

    def fill(self, table: str, lines: Iterable[str]) -> None:
        """COPY lines (in COPY's text format) into a table: what it carries is in no statement and no log."""
        with _plainly("the session"):
            self.run(f"COPY {table} FROM STDIN", stream=[f"{line}\n" for line in lines])


def tls_context(ca_file: str) -> ssl.SSLContext:
    """Certificate and host name are verified, against this bundle alone."""
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@contextmanager
def session(who: Credentials, ca_file: str) -> Iterator[Session]:
    """Log in. Raises LoginRefused, or DatabaseUnreachable when there is no TLS session to be had."""
    where = f"{who.host}:{who.port}"
    try:
        with _plainly(where):
            opened = _open(who, tls_context(ca_file))
    except StatementRefused as error:
        if error.code in (INVALID_PASSWORD, INVALID_AUTHORIZATION, NO_CONNECT):
            raise LoginRefused(f"{where} refuses {who.username!r}: {error.message} ({error.code})") from None
        raise DatabaseUnreachable(f"{where}: {error.message} ({error.code})") from None
    try:
        yield opened
    finally:
        with suppress(InterfaceError, OSError):  # a broken session must not hide what broke it
            opened.close()


def _open(who: Credentials, context: ssl.SSLContext) -> Session:
    connection = socket.create_connection((who.host, who.port), CONNECT_SECONDS)
    try:
        return Session(
            who.username,
            host=who.host,
            database=who.dbname,
            password=who.password,
            sock=connection,
            ssl_context=context,
            application_name="millrace-rotation",
            startup_params=LIMITS,
        )
    except BaseException:
        connection.close()
        raise


@contextmanager
def _plainly(where: str) -> Iterator[None]:
    """The driver's errors as ours: without the server's context, and told apart by what may pass."""
    try:
        yield
    except DatabaseError as error:
        code, message = str(error.args[0].get("C", "")), str(error.args[0].get("M", ""))
        if code in PASSING:
            raise DatabaseUnreachable(f"{where}: {message} ({code}); {PASSING[code]}") from None
        raise StatementRefused(message, code) from None
    except ssl.SSLError as error:
        raise DatabaseUnreachable(
            f"{where}: {error}; nobody is trusted but the roots in DATABASE_CA_FILE"
        ) from None
    except ScramException:  # a weak one too; its message may quote what was sent
        raise DatabaseUnreachable(f"{where}: its SCRAM exchange is not as it must be") from None
    except (InterfaceError, OSError) as error:
        raise DatabaseUnreachable(f"{where}: {error}; is it up, and does the network lead to it?") from None


def identifier(name: str) -> str:
    """A name as SQL has it, quoted if need be."""
    return str(native.identifier(name))


def literal(text: str) -> str:
    """A string as SQL has it: for statements that take no parameters, as ALTER ROLE."""
    return str(native.literal(text))


@contextmanager
def transaction(session: Session) -> Iterator[None]:
    """All or nothing."""
    session.query("BEGIN")
    try:
        yield
    except BaseException:
        with suppress(RotationError):
            session.query("ROLLBACK")
        raise
    session.query("COMMIT")
