"""Who is let through to the server, and how long a connection lasts."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.gate import WRONG_PASSWORD, Gate

AUTH = b"*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$5\r\ntoken\r\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Path]:
    """Says back whatever it hears."""
    path = tmp_path / "echo.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def echo(client: socket.socket) -> None:
        with client:
            while part := client.recv(1024):
                client.sendall(part)

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=echo, args=(client,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield path
    listener.close()


def said(gate: Gate, *parts: bytes, size: int = 1024) -> bytes:
    """What comes back for the parts, sent one after another: so many bytes, or all until the end."""
    with socket.create_connection(("127.0.0.1", gate.port), 5) as client:
        for part in parts:
            client.sendall(part)
        answer = b""
        try:
            while len(answer) < size and (part := client.recv(1024)):
                answer += part
        except ConnectionResetError:  # it had not read all of what it did not want
            pass
    return answer


def test_who_brings_a_good_token_goes_through_with_the_very_bytes(server: Path) -> None:
    with Gate(server) as gate:
        asked: list[tuple[str, str]] = []
        gate.refusal = lambda user, token: asked.append((user, token))
        ping = b"*1\r\n$4\r\nPING\r\n"
        assert said(gate, AUTH[:9], AUTH[9:] + ping, size=len(AUTH + ping)) == AUTH + ping
    assert asked == [("u", "token")]
    assert (gate.admitted, gate.refused) == (1, 0)


def test_a_token_that_is_refused_goes_no_further(server: Path) -> None:
    with Gate(server) as gate:
        gate.refusal = lambda user, token: "it has expired"
        assert said(gate, AUTH) == WRONG_PASSWORD
    assert (gate.admitted, gate.refused, gate.because) == (0, 1, "it has expired")


def test_the_operator_has_a_password(server: Path) -> None:
    with Gate(server) as gate:
        own = b"*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$%d\r\n%s\r\n" % (len(gate.operator), gate.operator.encode())
        assert said(gate, own, size=len(own)) == own
    assert (gate.admitted, gate.refused) == (0, 0)


def test_what_is_no_command_is_not_listened_to(server: Path) -> None:
    with Gate(server) as gate:
        assert said(gate, b"GET / HTTP/1.1\r\n") == b""
        assert said(gate, b"*1\r\n$99999999\r\n") == b""


def test_a_connection_ends_when_it_is_as_old_as_one_may_become(server: Path) -> None:
    with Gate(server, lifetime=0.1) as gate:
        gate.refusal = lambda user, token: None
        with socket.create_connection(("127.0.0.1", gate.port), 5) as client:
            client.sendall(AUTH)
            heard = b""
            while part := client.recv(1024):  # nothing here ends it
                heard += part
    assert heard == AUTH
