"""The connection to PostgreSQL, and how work outlives it.

Whatever the server or the network does (fail-over, rotation, restart), the work given is done again on a new
connection with fresh credentials until it succeeds, or until the process is told to stop.
"""

import logging
import math
import random
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from botocore.exceptions import BotoCoreError, ClientError
from psycopg import Connection, errors

from processor.names import Names
from processor.secret import Credentials, Secret, SecretError
from processor.storage.binary import register_arrays
from processor.storage.points import Points

logger = logging.getLogger(__name__)

FIRST_PAUSE = 0.1  # seconds; doubled at each failure
LONGEST_PAUSE = 10.0  # an RDS fail-over takes one to two minutes: do not add to it
# The server ends a session that is silent so long: a process that stands still would else hold its turn for
# ever (processor/turn.py). One that lives says a word before each call to AWS, which takes 27 s at most.
SILENCE_SECONDS = 30.0
WORD_SECONDS = 1.0  # of silence, after which a word is due
RENEWAL_SECONDS = 60.0  # until a session that could not be renewed is tried to be again


# Class 08, 57P01–03, 28P01, 53xxx, 40001 and 40P01 are all OperationalErrors; 25006 (a former primary after a
# fail-over) is not. A closed connection is an InterfaceError.
_PASSING = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    errors.ReadOnlySqlTransaction,
    errors.IdleInTransactionSessionTimeout,  # we stood still, as a machine that slept
    errors.InvalidAuthorizationSpecification,
    ClientError,
    BotoCoreError,
    SecretError,
)
_REFUSED = ("28P01", "28000")

_OPTIONS = " ".join(
    f"-c {name}={value}"
    for name, value in {
        "TimeZone": "UTC",
        # A stopped process must not hold its shard's row for ever, nor one whose machine went without a word:
        # the server's own keepalive would notice that after two hours.
        "idle_in_transaction_session_timeout": "60s",
        "tcp_keepalives_idle": 10,
        "tcp_keepalives_interval": 5,
        "tcp_keepalives_count": 3,
        "tcp_user_timeout": "25s",
        # Waiting for such a row is waiting for the database: with a sign of life, and ended by SIGTERM.
        "lock_timeout": "10s",
    }.items()
)

Result = TypeVar("Result")


class Stopping(Exception):
    """The process was told to stop while it waited for the database; nothing was committed."""


class SessionOld(Exception):
    """A session that waits for its turn has lived its time; another one may wait as well."""


class Session:
    """One connection, and what may be remembered only as long as it lives. `until`: monotonic seconds."""

    def __init__(self, connection: Connection[Any], until: float = math.inf) -> None:
        self.connection = connection
        self.until = until
        self.days: set[int] = set()  # UTC days since 1970 that have a partition
        self.points = Points(Names())
        self.expects_repetition = False  # the last batch held readings that were there already

    @property
    def old(self) -> bool:
        """It has lived its time: whom it logged in may have got another password."""
        return time.monotonic() >= self.until

    def points_of(self, names: Names) -> Points:
        """The numbers of these names' points."""
        if self.points.names is not names:
            self.points = Points(names)
        return self.points


class Database:
    """Runs work on a session. `ca_file`: PEM that the server's certificate and name are verified against.

    lifetime: seconds, after which a session is left for a new one between two works. PostgreSQL asks for no
    password again: without an end, a session would outlive every rotation of its user
    (docs/decisions/session-lifetime.md).
    """

    def __init__(
        self, secret: Secret, ca_file: str, stopping: threading.Event, lifetime: float = math.inf
    ) -> None:
        self._secret = secret
        self._ca_file = ca_file
        self._stopping = stopping
        self._lifetime = lifetime
        self._session: Session | None = None
        self._in_turn = threading.RLock()  # the session serves one thread at a time
        self._spoken = 0.0
        self.beat: Callable[[], None] = lambda: None  # called at each attempt: a sign of life
        self.opened: Callable[[Session], None] = lambda session: None  # called before a new one's first work
        # What an old session must hand over to the new one before it is closed.
        self.renewed: Callable[[Session, Session], None] = lambda old, new: None
        self.waiting_for: str | None = None  # why there is no connection; None when there is one

    def run(self, work: Callable[[Session], Result]) -> Result:
        """`work` until it succeeds; it must be a whole transaction. Other threads wait for it.

        Raises Stopping, what `opened` raises, and what is no outage.
        """
        with self._in_turn:
            return self._run(work)

    def _run(self, work: Callable[[Session], Result]) -> Result:
        pause = FIRST_PAUSE
        while True:
            self.beat()
            try:
                result = work(self._current())
            except SessionOld:
                self.close()
                continue
            except _PASSING as error:
                self.close()
                self.waiting_for = _said(error)
                logger.warning("the database is away: trying again", extra={"cause": self.waiting_for})
            except BaseException:
                self.close()  # its state is unknown
                raise
            else:
                self.waiting_for = None
                self._spoken = time.monotonic()
                return result
            if self._stopping.wait(pause * random.uniform(0.5, 1)):  # noqa: S311 - spreads tasks, hides nothing
                raise Stopping
            pause = min(2 * pause, LONGEST_PAUSE)

    def points_of(self, names: Names) -> Points | None:
        """What the present session knows of these names' points, if there is one. From any thread."""
        session = self._session
        return session.points if session is not None and session.points.names is names else None

    def say(self) -> None:
        """Tell the server that this process lives, if it has heard nothing for a while. Raises as `run`."""
        if time.monotonic() - self._spoken >= WORD_SECONDS:
            self.run(lambda session: session.connection.execute(b"SELECT 1"))

    def close(self) -> None:
        """Leave the connection; the next work makes a new one."""
        if self._session is not None:
            self._session.connection.close()
            self._session = None

    def _current(self) -> Session:
        if self._session is None:
            return self._open()
        return self._renew(self._session) if self._session.old else self._session

    def _open(self) -> Session:
        session = self._session = self._made()
        self.waiting_for = None
        self.opened(session)
        return session

    def _renew(self, old: Session) -> Session:
        """A new session in the place of an old one. While none can be had, the old one is good enough."""
        try:
            new = self._made()
        except _PASSING as error:
            logger.info("the session could not be renewed yet", extra={"cause": _said(error)})
            old.until = time.monotonic() + RENEWAL_SECONDS
            return old
        try:
            self.renewed(old, new)
        except BaseException:
            new.connection.close()
            raise
        old.connection.close()
        self._session = new
        return new

    def _made(self) -> Session:
        return Session(self._connect(), time.monotonic() + self._lifetime)

    def _connect(self) -> Connection[Any]:
        refusal: psycopg.OperationalError | None = None
        for credentials in self._secret.candidates():
            try:
                return connect(credentials, self._ca_file)
            except psycopg.OperationalError as error:
                if not _refused(error):
                    raise
                refusal = error
        raise refusal or SecretError("the secret has no version")


def connect(credentials: Credentials, ca_file: str) -> Connection[Any]:
    """A connection in autocommit mode over TLS with the server's name verified. Raises OperationalError."""
    connection = psycopg.connect(
        host=credentials.host,
        port=credentials.port,
        dbname=credentials.dbname,
        user=credentials.username,
        password=credentials.password,
        sslmode="verify-full",
        sslrootcert=ca_file,
        gssencmode="disable",
        connect_timeout=10,
        target_session_attrs="read-write",  # not the former primary
        application_name="millrace-processor",
        # A server that went without a word is noticed within 25 s, not after TCP's two hours.
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        tcp_user_timeout=25_000,
        options=f"{_OPTIONS} -c idle_session_timeout={SILENCE_SECONDS:.0f}s",
        autocommit=True,
    )
    register_arrays(connection)
    return connection


def _refused(error: psycopg.OperationalError) -> bool:
    # A refusal while connecting carries no SQLSTATE in libpq, only the server's text.
    return error.sqlstate in _REFUSED or "authentication failed" in str(error) or 'role "' in str(error)


def _said(error: BaseException) -> str:
    """Of the server's own errors the first line: what follows may show a row."""
    said = str(error).strip()
    if isinstance(error, psycopg.Error) and error.sqlstate is not None:
        said = said.partition("\n")[0]
    return f"{type(error).__name__}: {said}"[:500]
