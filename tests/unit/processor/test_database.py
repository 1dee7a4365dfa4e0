"""What is waited for, what is let out, and which credentials are tried."""

import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors

from processor.secret import Credentials, SecretError
from processor.storage import database as module
from processor.storage.database import Database, Session, Stopping


class FakeConnection:
    closed = False

    def close(self) -> None:
        self.closed = True


class FakeSecret:
    """Each look gives the next list of passwords."""

    def __init__(self, *looks: list[str]) -> None:
        self.looks = list(looks)

    def candidates(self) -> Iterator[Credentials]:
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if not look:
            raise SecretError("empty")
        for password in look:
            yield Credentials("db", 5432, "millrace", "app", password)


class Server:
    """Takes one password."""

    def __init__(self, password: str) -> None:
        self.password = password
        self.tried: list[str] = []
        self.connections: list[FakeConnection] = []

    def connect(self, credentials: Credentials, ca_file: str) -> Any:
        self.tried.append(credentials.password)
        if credentials.password != self.password:
            raise psycopg.OperationalError('FATAL:  password authentication failed for user "app"')
        self.connections.append(FakeConnection())
        return self.connections[-1]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server("right")
    monkeypatch.setattr(module, "connect", made.connect)
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.001)
    return made


def database(*looks: list[str]) -> tuple[Database, threading.Event]:
    stopping = threading.Event()
    return Database(FakeSecret(*looks), "ca.pem", stopping), stopping


def test_a_refused_password_leads_to_the_pending_one(server: Server) -> None:
    wanted, _ = database(["old", "right"])
    assert wanted.run(lambda session: "done") == "done"
    assert server.tried == ["old", "right"]


def test_the_secret_is_read_anew_until_it_works(server: Server) -> None:
    wanted, _ = database([], ["old"], ["older", "old"], ["right"])
    assert wanted.run(lambda session: "done") == "done"
    assert server.tried == ["old", "older", "old", "right"]
    assert wanted.waiting_for is None


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError("server closed the connection unexpectedly"),
        errors.AdminShutdown(),
        errors.CrashShutdown(),
        errors.CannotConnectNow(),
        errors.ReadOnlySqlTransaction(),
        errors.IdleInTransactionSessionTimeout(),
        errors.LockNotAvailable(),
        errors.DeadlockDetected(),
        errors.SerializationFailure(),
        psycopg.InterfaceError("the connection is closed"),
    ],
)
def test_the_same_work_is_done_again_on_a_new_connection(server: Server, error: Exception) -> None:
    wanted, _ = database(["right"])
    faults = [error, error]

    def work(session: Session) -> object:
        if faults:
            raise faults.pop()
        return session.connection

    assert wanted.run(work) is server.connections[2]
    assert [connection.closed for connection in server.connections] == [True, True, False]


def test_what_no_waiting_mends_is_let_out_and_the_connection_is_left(server: Server) -> None:
    wanted, _ = database(["right"])

    def work(session: Session) -> None:
        raise errors.UndefinedTable("no table")

    with pytest.raises(errors.UndefinedTable):
        wanted.run(work)
    assert server.connections[0].closed


def test_a_stop_ends_the_waiting(server: Server) -> None:
    wanted, stopping = database(["wrong"])
    stopping.set()
    with pytest.raises(Stopping):
        wanted.run(lambda session: None)
    assert "password authentication failed" in str(wanted.waiting_for)


def test_a_new_session_is_opened_before_its_first_work(server: Server) -> None:
    wanted, _ = database(["right"])
    order: list[str] = []
    wanted.opened = lambda session: order.append("opened")
    faults = [errors.AdminShutdown()]

    def work(session: Session) -> None:
        order.append("work")
        if faults:
            raise faults.pop()

    wanted.run(work)
    wanted.run(work)
    assert order == ["opened", "work", "opened", "work", "work"]


def test_a_session_whose_opening_fails_is_never_worked_with(server: Server) -> None:
    wanted, _ = database(["right"])
    faults: list[Exception] = [errors.AdminShutdown()]

    def opened(session: Session) -> None:
        if faults:
            raise faults.pop()

    wanted.opened = opened
    used: list[object] = []
    wanted.run(lambda session: used.append(session.connection))
    assert used == [server.connections[1]]
    assert server.connections[0].closed


def test_a_word_is_said_only_after_silence(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted, _ = database(["right"])
    said: list[bytes] = []
    wanted.run(lambda session: setattr(session.connection, "execute", said.append))
    wanted.say()
    assert said == []
    monkeypatch.setattr(module, "WORD_SECONDS", 0.0)
    wanted.say()
    assert said == [b"SELECT 1"]


def sessions(lifetime: float, *looks: list[str]) -> tuple[Database, list[Session]]:
    """A database whose sessions live so long, and those that its works were given."""
    wanted = Database(FakeSecret(*looks), "ca.pem", threading.Event(), lifetime)
    return wanted, []


def test_an_old_session_hands_over_to_one_that_logs_in_anew_and_is_closed(server: Server) -> None:
    wanted, seen = sessions(0.0, ["right"])
    handed: list[tuple[Session, Session, bool]] = []
    wanted.renewed = lambda old, new: handed.append((old, new, old.connection.closed))

    for _ in range(2):
        wanted.run(seen.append)

    first, second = seen
    assert handed == [(first, second, False)]
    assert [connection.closed for connection in server.connections] == [True, False]
    assert wanted.waiting_for is None


def test_a_session_in_its_time_is_kept(server: Server) -> None:
    wanted, seen = sessions(3600.0, ["right"])
    for _ in range(3):
        wanted.run(seen.append)
    assert len(set(map(id, seen))) == 1


def test_an_old_session_is_good_enough_while_no_new_one_can_be_had(server: Server) -> None:
    # Given a session that is old, and a secret that cannot be read
    wanted, seen = sessions(0.0, ["right"], [], ["right"])
    wanted.run(seen.append)

    # Then work goes on, with no outage told, and the next try waits
    wanted.run(seen.append)
    wanted.run(seen.append)
    assert seen[0] is seen[1] is seen[2]
    assert server.tried == ["right"]
    assert wanted.waiting_for is None


def test_a_hand_over_that_fails_is_an_outage_like_another(server: Server) -> None:
    wanted, seen = sessions(0.0, ["right"])
    wanted.run(seen.append)

    def lost(old: Session, new: Session) -> None:
        wanted.renewed = lambda old, new: None
        raise errors.LockNotAvailable("canceling statement due to lock timeout")

    wanted.renewed = lost
    wanted.run(seen.append)

    assert [connection.closed for connection in server.connections] == [True, True, False]
    assert not seen[1].connection.closed


def test_a_session_that_has_waited_too_long_for_its_turn_makes_room_for_another(server: Server) -> None:
    wanted, seen = sessions(3600.0, ["right"])
    opened: list[Session] = []

    def waits_once(session: Session) -> None:
        opened.append(session)
        if len(opened) == 1:
            raise module.SessionOld

    wanted.opened = waits_once
    wanted.run(seen.append)

    assert seen == [opened[1]]
    assert [connection.closed for connection in server.connections] == [True, False]
