"""The wire against a real server: what a cut or a kill at a message does to the transaction it belongs to."""

import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from local.faults.kinds import MOMENTS
from local.faults.tap import Arm, Message, Tap
from local.postgres import PostgresServer

COUNT = "SELECT count(*) FROM kept"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        with PostgresServer(Path(name) / "postgres") as running:
            with running.connect() as connection:
                connection.execute("CREATE TABLE kept (n integer)")
            yield running


@pytest.fixture
def tap(server: PostgresServer) -> Iterator[Tap]:
    with server.connect() as connection:
        connection.execute("TRUNCATE kept")
    with Tap(server.socket) as opened:
        yield opened


def through(tap: Tap, server: PostgresServer, program: str = "millrace-processor") -> psycopg.Connection[Any]:
    return psycopg.connect(
        server.superuser_dsn, host="127.0.0.1", port=tap.port, application_name=program, sslmode="disable"
    )


def store(connection: psycopg.Connection[Any]) -> None:
    with connection.cursor() as cursor:
        with cursor.copy("COPY kept FROM STDIN") as copy:
            copy.write("1\n2\n3\n")
        cursor.execute("INSERT INTO kept VALUES (4)")
    connection.commit()


def meant(name: str) -> Callable[[Message], bool]:
    assert name != "anywhere in a transaction"
    return MOMENTS[name](None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("moment", "kept"),
    [("before commit", 0), ("after commit, before its answer", 4), ("within copy", 0), ("at copy's end", 0)],
)
def test_a_cut_falls_where_it_is_meant_to(tap: Tap, server: PostgresServer, moment: str, kept: int) -> None:
    arm = Arm(meant(moment), passed=0.0, cut=True)
    with through(tap, server) as connection:
        tap.arm(arm)
        with pytest.raises(psycopg.OperationalError):
            store(connection)

    assert arm.fired.is_set()
    with server.connect() as connection:
        assert connection.execute(COUNT).fetchone() == (kept,)


def test_what_is_done_before_a_message_is_done_while_it_is_held(tap: Tap, server: PostgresServer) -> None:
    seen: list[int] = []

    def look() -> None:
        with server.connect() as connection:
            seen.extend(connection.execute(COUNT).fetchone() or ())

    with through(tap, server) as connection:
        tap.arm(Arm(meant("before commit"), before=look))
        store(connection)
        look()

    assert seen == [0, 4]


def test_it_fires_once_and_at_the_processors_sessions_alone(tap: Tap, server: PostgresServer) -> None:
    arm = Arm(meant("before commit"), passed=0.0, cut=True)
    tap.arm(arm)
    with through(tap, server, "somebody else") as connection:
        store(connection)
    assert not arm.fired.is_set()

    with through(tap, server) as connection, pytest.raises(psycopg.OperationalError):
        store(connection)
    with through(tap, server) as connection:
        store(connection)


def test_messages_are_counted_from_the_begin_of_a_transaction(tap: Tap, server: PostgresServer) -> None:
    places: list[tuple[bytes, int]] = []

    def note(message: Message) -> bool:
        if message.from_client:
            places.append((message.kind, message.place))
        return False

    with through(tap, server) as connection:
        tap.arm(Arm(note))
        store(connection)
        store(connection)

    counted = [place for kind, place in places if kind != b"X"]
    half = len(counted) // 2
    assert counted[:half] == counted[half:] == list(range(1, half + 1))


def test_a_wire_without_a_target_refuses_and_cut_all_ends_what_is_open(
    tap: Tap, server: PostgresServer
) -> None:
    with through(tap, server) as connection:
        tap.target = None
        tap.cut_all()
        with pytest.raises(psycopg.OperationalError):
            connection.execute(COUNT)
    with pytest.raises(psycopg.OperationalError):
        through(tap, server)


def test_another_protocol_passes_unread(tmp_path: Path) -> None:
    path = tmp_path / "echo.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def echo() -> None:
        client, _ = listener.accept()
        with client:
            while data := client.recv(100):
                client.sendall(data)

    thread = threading.Thread(target=echo)
    thread.start()
    with Tap(path, watched=False) as tap, socket.create_connection(("127.0.0.1", tap.port)) as client:
        client.sendall(b"PING\r\n")
        assert client.recv(100) == b"PING\r\n"
    thread.join(10)
    listener.close()
    assert not thread.is_alive()
