"""Sessions with the database: TLS with a verified certificate and host name, or none at all.

AWS's sample falls back to a connection without TLS when the first attempt fails; this one never does.
"""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from pg8000 import native
from pg8000.exceptions import InterfaceError
from pg8000.native import Connection, DatabaseError

from rotation.credentials import Credentials
from rotation.errors import DatabaseUnreachable, LoginRefused

# A step must end well within the function's time limit, and a lock that somebody holds is no reason to wait.
CONNECT_SECONDS = 10
LIMITS = {"statement_timeout": "20000", "lock_timeout": "10000"}  # milliseconds

INVALID_PASSWORD = "28P01"  # noqa: S105 (SQLSTATE; PostgreSQL gives it for a missing user as well)
INVALID_AUTHORIZATION = "28000"  # may not log in
CLEARTEXT_PASSWORD = (3).to_bytes(4, "big")  # AuthenticationCleartextPassword


class Session(Connection):
    """pg8000's connection, which would hand the password itself to a server that asks for it; this one won't.

    A host that somebody else wrote into the secret must not learn the master's password, certificate or not.
    """

    def handle_AUTHENTICATION_REQUEST(self, data: bytes, context: Any) -> None:
        if data[:4] == CLEARTEXT_PASSWORD:
            raise InterfaceError("the server asks for the password in clear text")
        super().handle_AUTHENTICATION_REQUEST(data, context)

    def query(self, statement: str, **parameters: object) -> list[list[Any]]:
        """Run one statement, its `:name` parameters sent beside it; no rows for one that gives none."""
        return self.run(statement, **parameters) or []


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
        opened = _open(who, tls_context(ca_file))
    except DatabaseError as error:
        code, message = sqlstate(error), error.args[0].get("M", "")
        if code in (INVALID_PASSWORD, INVALID_AUTHORIZATION):
            raise LoginRefused(f"{where} refuses {who.username!r}: {message}") from None
        raise DatabaseUnreachable(f"{where}: {message} ({code})") from None
    except (InterfaceError, OSError) as error:
        raise DatabaseUnreachable(f"{where}: {error}; the CA bundle is {ca_file}") from error
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


def identifier(name: str) -> str:
    """A name as SQL has it, quoted if need be."""
    return str(native.identifier(name))


def literal(text: str) -> str:
    """A string as SQL has it: for statements that take no parameters, as ALTER ROLE."""
    return str(native.literal(text))


def sqlstate(error: DatabaseError) -> str:
    """The five characters of https://www.postgresql.org/docs/18/errcodes-appendix.html"""
    return str(error.args[0].get("C", ""))


@contextmanager
def transaction(session: Session) -> Iterator[None]:
    """All or nothing."""
    session.query("BEGIN")
    try:
        yield
    except BaseException:
        with suppress(InterfaceError, OSError, DatabaseError):
            session.query("ROLLBACK")
        raise
    session.query("COMMIT")
