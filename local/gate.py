"""A gate before the local Redis, that lets in whom ElastiCache would: who brings a token of IAM's.

It stands behind the TLS front, so it reads AUTH in clear. The server itself takes any password
(local/redis.py); this machine's operator has one that the gate knows. A connection is ended when it is as old
as ElastiCache lets one become.
https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html
"""

import contextlib
import secrets
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
CHUNK = 64 * 1024
LIFETIME_SECONDS = 12 * 3600.0
LONGEST_LINE = 16 * 1024
WRONG_PASSWORD = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"

Refusal = Callable[[str, str], str | None]  # user, token → why not


class Gate:
    """`with Gate(server.socket) as gate:` listens on `gate.port`. Until `refusal` is set no token is good.

    `operator` is the password of whoever runs this machine. `lifetime`: seconds that a connection may last.
    `admitted` and `refused` say how often; `because`, why the last one was refused.
    """

    def __init__(self, target: Path, lifetime: float = LIFETIME_SECONDS) -> None:
        self._target = target
        self.lifetime = lifetime
        self.operator = secrets.token_urlsafe(24)
        self.refusal: Refusal = lambda user, token: "there is no IAM yet"
        self.admitted = 0
        self.refused = 0
        self.because: str | None = None
        self._listener = socket.create_server((HOST, 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="cache-gate", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        self.cut_all()

    def cut_all(self) -> None:
        """End every connection, as a cache does with one that is old."""
        for side in list(self._open):
            _shut(side)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, contextlib.suppress(OSError):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            first = _command(client)
            if len(first) == 3 and first[0].upper() == b"AUTH" and not self._admits(*first[1:]):
                client.sendall(WRONG_PASSWORD)
                return
            server.connect(str(self._target))
            server.sendall(_written(first))
            self._open |= {client, server}
            end = threading.Timer(self.lifetime, _shut, (client,))
            end.daemon = True
            end.start()
            try:
                answers = threading.Thread(target=_copy, args=(server, client), daemon=True)
                answers.start()
                _copy(client, server)
                answers.join(5)
            finally:
                end.cancel()
                self._open -= {client, server}

    def _admits(self, user: bytes, token: bytes) -> bool:
        if secrets.compare_digest(token, self.operator.encode()):
            return True
        self.because = self.refusal(user.decode(), token.decode())
        if self.because is None:
            self.admitted += 1
        else:
            self.refused += 1
        return self.because is None


def _command(client: socket.socket) -> list[bytes]:
    """The first one: an array of bulk strings. https://redis.io/docs/latest/develop/reference/protocol-spec/"""
    count = int(_line(client, b"*"))
    return [_exactly(client, int(_line(client, b"$")) + 2)[:-2] for _ in range(count)]


def _written(command: list[bytes]) -> bytes:
    parts = [b"*%d\r\n" % len(command), *(b"$%d\r\n%s\r\n" % (len(part), part) for part in command)]
    return b"".join(parts)


def _line(client: socket.socket, begins: bytes) -> bytes:
    line = b""
    while not line.endswith(b"\r\n"):
        line += _exactly(client, 1)
        if not line.startswith(begins) or len(line) > LONGEST_LINE:
            raise ConnectionError("no command of Redis's protocol")
    return line[1:-2]


def _exactly(source: socket.socket, size: int) -> bytes:
    if size > LONGEST_LINE:
        raise ConnectionError("too long for a first command")
    parts = b""
    while len(parts) < size:
        part = source.recv(size - len(parts))
        if not part:
            raise ConnectionError("the other side has ended")
        parts += part
    return parts


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(CHUNK):
            target.sendall(part)
    _shut(source)
    _shut(target)


def _shut(side: socket.socket) -> None:
    with contextlib.suppress(OSError):
        side.shutdown(socket.SHUT_RDWR)
