"""The process behind a front: it ends TLS and passes bytes between a client and a server without TLS.

It is a process of its own because it is in the data path: as a thread it would wait for the interpreter lock,
up to 5 ms a system call, behind the simulated plant and the embedded AWS. Each connection has a thread.
PostgreSQL's messages: https://www.postgresql.org/docs/18/protocol-message-formats.html
"""

import contextlib
import json
import select
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable
from pathlib import Path

CHUNK = 256 * 1024
HANDSHAKE_SECONDS = 10.0
# A renegotiation may want to write where we wait to read; such a wait ends here. It hardly ever happens.
LONGEST_WAIT_MS = 5_000

SSL_REQUEST = 80877103
GSSENC_REQUEST = 80877104
TLS_HANDSHAKE = b"\x16"  # the first byte of TLS: PostgreSQL 17's `sslnegotiation=direct`
ALPN = "postgresql"

Admit = Callable[[socket.socket, ssl.SSLContext], ssl.SSLSocket | None]


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 and 1.3 as the server whose certificate and key lie in these files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols([ALPN])  # only a client that offers protocols is answered
    return context


def admit_tls(client: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket | None:
    """TLS from the first byte, as Redis has it."""
    return context.wrap_socket(client, server_side=True)


def admit_postgresql(client: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket | None:
    """TLS after PostgreSQL's SSLRequest, or from the first byte with its protocol named; else refused.

    Not a byte beyond the request is read before the handshake: what an attacker put in front of it would
    otherwise be taken for the client's own (CVE-2021-23222).
    """
    if client.recv(1, socket.MSG_PEEK) == TLS_HANDSHAKE:
        tls = context.wrap_socket(client, server_side=True)
        return tls if tls.selected_alpn_protocol() == ALPN else None
    length, code = struct.unpack("!ii", _exactly(client, 8))
    if code == GSSENC_REQUEST:
        client.sendall(b"N")
        length, code = struct.unpack("!ii", _exactly(client, 8))
    if code == SSL_REQUEST:
        client.sendall(b"S")
        return context.wrap_socket(client, server_side=True)
    _exactly(
        client, min(max(length - 8, 0), 10_000)
    )  # unread bytes would reset the connection, error and all
    client.sendall(_refusal("this server speaks TLS only: connect with sslmode=verify-full"))
    return None


def _refusal(message: str) -> bytes:
    fields = {"S": "FATAL", "V": "FATAL", "C": "28000", "M": message}
    body = b"".join(f"{code}{value}\0".encode() for code, value in fields.items()) + b"\0"
    return b"E" + struct.pack("!i", len(body) + 4) + body


def _exactly(client: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = client.recv(size - len(parts))
        if not part:
            raise ConnectionError("the client left before it had said what it wants")
        parts += part
    return bytes(parts)


def _read(source: socket.socket) -> bytes | None:
    """What there is now, up to CHUNK: b"" at the end, None if there is nothing yet.

    A TLS socket gives a record (16 KiB) at a time, so several are gathered. It is read until it says that
    it wants more: data that OpenSSL has decrypted already wakes no poll.
    """
    parts = bytearray()
    while len(parts) < CHUNK:
        try:
            part = source.recv(CHUNK)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            return bytes(parts) or None
        if not part:
            return bytes(parts)  # the end shows again at the next call
        parts += part
        if not isinstance(source, ssl.SSLSocket):
            break
    return bytes(parts)


def _write(target: socket.socket, pending: memoryview) -> memoryview:
    """Send what goes without waiting; returns what is left."""
    with contextlib.suppress(ssl.SSLWantWriteError, ssl.SSLWantReadError, BlockingIOError):
        while pending:
            pending = pending[target.send(pending) :]
    return pending


class Way:
    """One direction of a connection: at most one chunk is held, so a slow reader slows its writer."""

    def __init__(self, source: socket.socket, target: socket.socket) -> None:
        self.source, self.target = source, target
        self.pending = memoryview(b"")
        self.ended = False

    def move(self) -> bool:
        """Read and write what goes without waiting; True if anything moved."""
        moved = False
        if not self.pending and not self.ended:
            data = _read(self.source)
            if data is not None:
                moved = True
                self.pending = memoryview(data)
                self.ended = not data
        if self.pending:
            before = len(self.pending)
            self.pending = _write(self.target, self.pending)
            moved = moved or len(self.pending) < before
        return moved

    def waits_for(self) -> tuple[socket.socket, int] | None:
        """The socket and the event that would let something move."""
        if self.pending:
            return self.target, select.POLLOUT
        return None if self.ended else (self.source, select.POLLIN)


def pump(client: ssl.SSLSocket, server: socket.socket) -> None:
    """Pass bytes both ways until the server ends; a client that has ended still gets its answers."""
    client.setblocking(False)
    server.setblocking(False)
    up, down = Way(client, server), Way(server, client)
    told = False
    while not (down.ended and not down.pending):
        if up.move() | down.move():
            continue
        if up.ended and not told:
            server.shutdown(socket.SHUT_WR)
            told = True
        _wait(up, down)
    with contextlib.suppress(OSError):
        client.unwrap()


def _wait(*ways: Way) -> None:
    events: dict[int, int] = {}
    for way in ways:
        if wanted := way.waits_for():
            descriptor = wanted[0].fileno()
            events[descriptor] = events.get(descriptor, 0) | wanted[1]
    poll = select.poll()
    for descriptor, event in events.items():
        poll.register(descriptor, event)
    poll.poll(LONGEST_WAIT_MS)


def _serve(client: socket.socket, context: ssl.SSLContext, admit: Admit, target: str | int) -> None:
    with contextlib.suppress(OSError), client:  # a broken connection is its client's matter
        client.settimeout(HANDSHAKE_SECONDS)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        tls = admit(client, context)
        if tls is not None:
            with tls, _connect(target) as server:
                pump(tls, server)


def _connect(target: str | int) -> socket.socket:
    if isinstance(target, int):
        return socket.create_connection(("127.0.0.1", target))
    server = socket.socket(socket.AF_UNIX)
    server.connect(target)
    return server


def _accept(listener: socket.socket, context: ssl.SSLContext, admit: Admit, target: str | int) -> None:
    while True:
        client, _ = listener.accept()
        threading.Thread(target=_serve, args=(client, context, admit, target), daemon=True).start()


def main() -> None:
    """Serve the listening socket that was handed over until standard input closes: then the run has ended."""
    told = json.loads(sys.argv[1])
    context = server_context(Path(told["certificate"]), Path(told["key"]))
    admit = {"postgresql": admit_postgresql, "tls": admit_tls}[told["protocol"]]
    listener = socket.socket(fileno=told["listener"])
    threading.Thread(target=_accept, args=(listener, context, admit, told["target"]), daemon=True).start()
    print("ready", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
