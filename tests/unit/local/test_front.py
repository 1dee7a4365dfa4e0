"""The TLS front against sockets of the test's own: what it lets in, what it passes on, when it ends."""

import os
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from local.certificates import Authority
from local.errors import PortInUse
from local.front import ROOT, Protocol, TlsFront

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
GSSENC_REQUEST = struct.pack("!ii", 8, 80877104)
STARTUP = struct.pack("!ii", 8 + 10, 196608) + b"user\0me\0\0\0"


class Server:
    """A Unix socket whose every connection is handled by one function."""

    def __init__(self, path: Path, handle: Callable[[socket.socket], None]) -> None:
        self.path = path
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._handle = handle
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client:
                self._handle(client)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


def echo(client: socket.socket) -> None:
    while data := client.recv(65536):
        client.sendall(data)


def count_then_answer(client: socket.socket) -> None:
    total = 0
    while data := client.recv(1 << 20):
        total += len(data)
    client.sendall(str(total).encode())


def send_and_leave(client: socket.socket) -> None:
    client.sendall(b"x" * 3_000_000)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[Callable[[socket.socket], None]], Server]]:
    servers = []

    def start(handle: Callable[[socket.socket], None]) -> Server:
        servers.append(Server(tmp_path / "s", handle))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def tls(front: TlsFront, authority: Authority, before: bytes = b"", alpn: str = "") -> ssl.SSLSocket:
    raw = socket.create_connection(("localhost", front.port), 10)
    if before:
        raw.sendall(before)
        assert raw.recv(1) == b"S"
    context = ssl.create_default_context(cafile=authority.ca_file)
    if alpn:
        context.set_alpn_protocols([alpn])
    return context.wrap_socket(raw, server_hostname="localhost")


def test_passes_bytes_both_ways(authority: Authority, serve: Callable[..., Server]) -> None:
    with TlsFront(authority, serve(echo).path, Protocol.TLS) as front, tls(front, authority) as client:
        for message in (b"a", b"b" * 100_000, b"c"):
            client.sendall(message)
            received = b""
            while len(received) < len(message):
                received += client.recv(65536)
            assert received == message


def test_a_client_that_has_ended_still_gets_its_answer(
    authority: Authority, serve: Callable[..., Server]
) -> None:
    with (
        TlsFront(authority, serve(count_then_answer).path, Protocol.TLS) as front,
        tls(front, authority) as client,
    ):
        for _ in range(50):
            client.sendall(b"x" * 200_000)
        client.settimeout(0)
        with suppress(ssl.SSLWantReadError):  # our farewell is sent, the front's need not have come
            client.unwrap()
        client.settimeout(10)
        assert client.recv(100) == b"10000000"


def test_what_the_server_sent_before_it_left_arrives(
    authority: Authority, serve: Callable[..., Server]
) -> None:
    with (
        TlsFront(authority, serve(send_and_leave).path, Protocol.TLS) as front,
        tls(front, authority) as client,
    ):
        received = 0
        while data := client.recv(65536):
            received += len(data)
        assert received == 3_000_000


def test_postgresql_asks_for_tls_first(authority: Authority, serve: Callable[..., Server]) -> None:
    with (
        TlsFront(authority, serve(echo).path, Protocol.POSTGRESQL) as front,
        tls(front, authority, SSL_REQUEST) as client,
    ):
        client.sendall(b"hello")
        assert client.recv(5) == b"hello"


def test_postgresql_declines_gssapi_and_goes_on(authority: Authority, serve: Callable[..., Server]) -> None:
    with (
        TlsFront(authority, serve(echo).path, Protocol.POSTGRESQL) as front,
        socket.create_connection(("localhost", front.port), 10) as raw,
    ):
        raw.sendall(GSSENC_REQUEST)
        assert raw.recv(1) == b"N"
        raw.sendall(SSL_REQUEST)
        assert raw.recv(1) == b"S"


def test_postgresql_takes_direct_tls_with_its_protocol_named(
    authority: Authority, serve: Callable[..., Server]
) -> None:
    with TlsFront(authority, serve(echo).path, Protocol.POSTGRESQL) as front:
        with tls(front, authority, alpn="postgresql") as client:
            client.sendall(b"hello")
            assert client.recv(5) == b"hello"
        with tls(front, authority) as client:
            assert client.recv(5) == b""


def test_postgresql_tells_a_client_without_tls(authority: Authority, serve: Callable[..., Server]) -> None:
    with (
        TlsFront(authority, serve(echo).path, Protocol.POSTGRESQL) as front,
        socket.create_connection(("localhost", front.port), 10) as raw,
    ):
        raw.sendall(STARTUP)
        answer = b""
        while data := raw.recv(1000):
            answer += data
    assert answer[:1] == b"E"
    assert struct.unpack("!i", answer[1:5])[0] == len(answer) - 1
    assert b"C28000\0" in answer
    assert b"sslmode=verify-full" in answer


def test_bytes_put_before_the_handshake_never_arrive(
    authority: Authority, serve: Callable[..., Server]
) -> None:
    arrived = []

    def remember(client: socket.socket) -> None:
        arrived.append(client.recv(100))

    with (
        TlsFront(authority, serve(remember).path, Protocol.POSTGRESQL) as front,
        socket.create_connection(("localhost", front.port), 10) as raw,
    ):
        raw.sendall(SSL_REQUEST + STARTUP)  # an attacker's line before the client's own
        assert raw.recv(1) == b"S"
        with suppress(ConnectionResetError):
            while raw.recv(1000):  # an alert, then the end
                pass
    assert arrived == []


def test_a_port_in_use_is_named(authority: Authority, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=f"port {port} on 127.0.0.1 is in use") as refused:
            TlsFront(authority, tmp_path / "s", Protocol.TLS, port=port)
    assert refused.value.exit_code == 2


def test_a_fixed_port_is_taken_and_left_free(authority: Authority, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for _ in range(2):
        with TlsFront(authority, tmp_path / "s", Protocol.TLS, port=port) as front:
            assert front.port == port
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 1)


def test_every_connection_is_closed_at_the_end(authority: Authority, serve: Callable[..., Server]) -> None:
    with TlsFront(authority, serve(echo).path, Protocol.TLS) as front:
        client = tls(front, authority)
        client.sendall(b"x")
        assert client.recv(1) == b"x"
    with client, suppress(ConnectionResetError):
        assert client.recv(1) == b""


RUN_AND_HANG = """
import sys, time
from pathlib import Path
from local.certificates import Authority
from local.front import Protocol, TlsFront
with TlsFront(Authority(Path(sys.argv[1])), Path("/nowhere"), Protocol.TLS) as front:
    print(front.port, flush=True)
    time.sleep(60)
"""


def test_does_not_outlive_a_killed_run(tmp_path: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", RUN_AND_HANG, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    with run.stdout:
        port = int(run.stdout.readline())
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.05)
    pytest.fail("the front still listens")
