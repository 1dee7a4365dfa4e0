"""TLS that is verified or none at all: an impostor learns no password, however it answers."""

import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local.certificates import Authority
from local.front import Protocol, TlsFront
from rotation.credentials import USERS
from rotation.database import session
from rotation.errors import DatabaseUnreachable
from tests.integration.rotations import FIRST_PASSWORD, Plant


def test_another_authority_is_not_believed(plant: Plant, tmp_path: Path) -> None:
    plant.rotate("v1")
    other = Authority(tmp_path)
    with (
        pytest.raises(DatabaseUnreachable, match="certificate verify failed"),
        session(plant.value("AWSCURRENT"), str(other.ca_file)),
    ):
        pass


def test_another_name_is_not_believed(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant.rotate("v1")
    connect = socket.create_connection
    monkeypatch.setattr(
        "rotation.database.socket.create_connection",
        lambda address, timeout: connect(("localhost", address[1]), timeout),
    )
    who = replace(plant.value("AWSCURRENT"), host="db.example.internal")
    with (
        pytest.raises(DatabaseUnreachable, match=r"certificate is not valid for 'db\.example\.internal'"),
        session(who, str(plant.authority.ca_file)),
    ):
        pass


def test_a_bundle_that_is_not_there_is_no_reason_to_go_without(plant: Plant, tmp_path: Path) -> None:
    with (
        pytest.raises(DatabaseUnreachable, match="No such file"),
        session(plant.value("AWSCURRENT"), str(tmp_path / "none.pem")),
    ):
        pass


def listen(
    family: int, address: Any, handle: Callable[[socket.socket], None]
) -> tuple[socket.socket, threading.Thread]:
    listener = socket.socket(family)
    listener.bind(address)
    listener.listen()

    def serve() -> None:
        client, _ = listener.accept()
        with client:
            handle(client)

    thread = threading.Thread(target=serve)
    thread.start()
    return listener, thread


def test_a_server_without_tls_learns_nothing(plant: Plant) -> None:
    heard = bytearray()

    def decline(client: socket.socket) -> None:
        heard.extend(client.recv(8))
        client.sendall(b"N")
        while data := client.recv(1000):
            heard.extend(data)

    listener, thread = listen(socket.AF_INET, ("127.0.0.1", 0), decline)
    who = replace(plant.value("AWSCURRENT"), port=listener.getsockname()[1])
    with pytest.raises(DatabaseUnreachable, match="refuses SSL"), session(who, str(plant.authority.ca_file)):
        pass
    thread.join()
    listener.close()
    assert bytes(heard) == struct.pack("!ii", 8, 80877103)


def sasl(code: int, text: bytes) -> bytes:
    """An AuthenticationSASL… message: https://www.postgresql.org/docs/18/protocol-message-formats.html"""
    return b"R" + struct.pack("!ii", 8 + len(text), code) + text


@pytest.mark.parametrize(
    ("asks", "said"),
    [
        (b"R" + struct.pack("!ii", 8, 3), "asks for the password in clear text"),
        # One iteration, so that what it hears is soon guessed from.
        (sasl(10, b"SCRAM-SHA-256\0\0"), "SCRAM exchange is not as it must be"),
    ],
    ids=["in clear text", "with a weak exchange"],
)
def test_a_server_that_would_have_the_password_does_not_get_it(
    plant: Plant, tmp_path: Path, asks: bytes, said: str
) -> None:
    heard = bytearray()

    def ask(client: socket.socket) -> None:
        heard.extend(client.recv(1000))
        client.sendall(asks)
        answer = client.recv(1000)
        heard.extend(answer)
        if b"r=" in answer:
            nonce = answer.partition(b"r=")[2]
            client.sendall(sasl(11, b"r=" + nonce + b"more,s=c2FsdHNhbHRzYWx0,i=1"))
        while data := client.recv(1000):
            heard.extend(data)

    listener, thread = listen(socket.AF_UNIX, str(tmp_path / "s"), ask)
    with TlsFront(plant.authority, tmp_path / "s", Protocol.POSTGRESQL) as greedy:
        who = replace(plant.value("AWSCURRENT"), port=greedy.port)
        with pytest.raises(DatabaseUnreachable, match=said), session(who, str(plant.authority.ca_file)):
            pass
        thread.join()
    listener.close()
    assert USERS[0].encode() in heard
    assert FIRST_PASSWORD.encode() not in heard
    assert b"p=" not in heard, "no proof either"
