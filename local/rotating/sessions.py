"""Who is logged in to the database, looked at all the while: by user, how long, and with which statement."""

import threading
from dataclasses import dataclass

import psycopg

LOOK_SECONDS = 0.1
PROCESSOR = "millrace-processor"  # as processor/storage/database.py names itself
ACTIVITY = """
SELECT usename, application_name, pid, extract(epoch FROM clock_timestamp() - backend_start)::float8, query
FROM pg_stat_activity
WHERE usename LIKE 'millrace%' AND datname = current_database()"""


@dataclass(frozen=True)
class Login:
    """One session, as a look has seen it."""

    user: str
    program: str
    pid: int
    age_seconds: float
    statement: str


def logins(connection: "psycopg.Connection") -> list[Login]:
    """Those of this moment."""
    return [Login(*row) for row in connection.execute(ACTIVITY).fetchall()]


class Sessions:
    """`with Sessions(connection) as sessions:` looks until it ends; the connection is its own."""

    def __init__(self, connection: "psycopg.Connection") -> None:
        self._connection = connection
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sessions", daemon=True)
        self.most = 0  # of the processors, at one moment
        self.oldest: dict[str, float] = {}  # seconds that a session lived at most, by user
        self.opened: set[tuple[str, int]] = set()  # user, process
        self.statements: set[str] = set()
        self.error: Exception | None = None

    def __enter__(self) -> "Sessions":
        self._thread.start()
        return self

    def __exit__(self, *ending: object) -> None:
        self._stop.set()
        self._thread.join(10)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._note(self._look())
                self._stop.wait(LOOK_SECONDS)
        except psycopg.Error as error:
            self.error = error

    def _look(self) -> list[Login]:
        seen = logins(self._connection)
        self.statements |= {login.statement for login in seen}
        return seen

    def _note(self, seen: list[Login]) -> None:
        self.most = max(self.most, sum(login.program == PROCESSOR for login in seen))
        for login in seen:
            self.opened.add((login.user, login.pid))
            self.oldest[login.user] = max(self.oldest.get(login.user, 0.0), login.age_seconds)
