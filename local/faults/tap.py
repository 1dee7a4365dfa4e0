"""A wire between processor and PostgreSQL that can be cut at a message: before COMMIT, after it, within COPY.

It stands behind the TLS front, so it reads the protocol in clear. What it is armed with happens once, at the
first message that it is meant for, while that message is held.
https://www.postgresql.org/docs/18/protocol-message-formats.html
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

HOST = "127.0.0.1"
CHUNK = 256 * 1024
PROGRAM = b"millrace-processor"  # only its sessions are meant, by their application_name
ARMED_SECONDS = 3.0  # what a fault may wait for its message


@dataclass(frozen=True)
class Message:
    """One message. `place` counts those of the client since its transaction began; 0 outside of one."""

    from_client: bool
    kind: bytes
    body: bytes
    place: int

    @property
    def whole(self) -> bytes:
        return self.kind + struct.pack("!i", len(self.body) + 4) + self.body


@dataclass
class Arm:
    """What happens at the first message that `meant` finds: what is done `before`, how much of it is sent on
    (0 to 1), and whether the session is cut then."""

    meant: Callable[[Message], bool]
    before: Callable[[], None] = lambda: None
    passed: float = 1.0
    cut: bool = False
    fired: threading.Event = field(default_factory=threading.Event)


class Cut(ConnectionError):
    """This session ends here."""


class Tap:
    """`with Tap(socket) as tap:` listens on `tap.port`; `tap.target` is where sessions go, None refuses them.

    watched: whether it is PostgreSQL's protocol; another one passes unread.
    """

    def __init__(self, target: Path | None, *, watched: bool = True) -> None:
        self.target = target
        self._watched = watched
        self._listener = socket.create_server((HOST, 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._arm: Arm | None = None
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()

    def __enter__(self) -> "Tap":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *ending: object) -> None:
        self._listener.close()
        self.cut_all()

    def arm(self, arm: Arm) -> None:
        """Replace what it is armed with."""
        with self._lock:
            self._arm = arm

    def disarm(self) -> None:
        """Nothing more happens."""
        with self._lock:
            self._arm = None

    def cut_all(self) -> None:
        """End every session, as a network that goes away."""
        for side in list(self._open):
            _shut(side)

    def take(self, message: Message) -> Arm | None:
        """The arm, if this is its message; it is disarmed then."""
        with self._lock:
            arm = self._arm
            if arm is None or not arm.meant(message):
                return None
            self._arm = None
            return arm

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        target = self.target
        server = socket.socket(socket.AF_UNIX)
        with client, server, contextlib.suppress(OSError):
            if target is None:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server.connect(str(target))
            self._open |= {client, server}
            try:
                if self._watched:
                    Wire(self, client, server).run()
                else:
                    _pass_unread(client, server)
            finally:
                self._open -= {client, server}


class Wire:
    """One session: both ways, message by message."""

    def __init__(self, tap: Tap, client: socket.socket, server: socket.socket) -> None:
        self._tap = tap
        self._client = client
        self._server = server
        self._place = 0
        self._watched = False

    def run(self) -> None:
        """Until either side ends."""
        start = _exactly(self._client, 4)
        start += _exactly(self._client, struct.unpack("!i", start)[0] - 4)
        self._watched = PROGRAM in start
        self._server.sendall(start)
        answers = threading.Thread(target=self._pass, args=(self._server, self._client, False), daemon=True)
        answers.start()
        self._pass(self._client, self._server, True)
        answers.join(ARMED_SECONDS)

    def _pass(self, source: socket.socket, target: socket.socket, from_client: bool) -> None:
        try:
            while True:
                head = _exactly(source, 5)
                body = _exactly(source, struct.unpack("!i", head[1:])[0] - 4)
                self._send(target, self._message(from_client, head[:1], body))
        except OSError:
            _shut(self._client)
            _shut(self._server)

    def _message(self, from_client: bool, kind: bytes, body: bytes) -> Message:
        if from_client and b"BEGIN" in body[:32]:
            self._place = 1
        elif from_client and self._place:
            self._place += 1
        message = Message(from_client, kind, body, self._place)
        if not from_client and kind == b"C" and body[:6] in (b"COMMIT", b"ROLLBA"):
            self._place = 0
        return message

    def _send(self, target: socket.socket, message: Message) -> None:
        arm = self._tap.take(message) if self._watched else None
        if arm is None:
            target.sendall(message.whole)
            return
        arm.before()
        target.sendall(message.whole[: int(len(message.whole) * arm.passed)])
        arm.fired.set()
        if arm.cut:
            raise Cut


def _pass_unread(client: socket.socket, server: socket.socket) -> None:
    answers = threading.Thread(target=_copy, args=(server, client), daemon=True)
    answers.start()
    _copy(client, server)
    answers.join(ARMED_SECONDS)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(CHUNK):
            target.sendall(part)
    _shut(source)
    _shut(target)


def _exactly(source: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = source.recv(min(size - len(parts), CHUNK))
        if not part:
            raise ConnectionError("the other side has ended")
        parts += part
    return bytes(parts)


def _shut(side: socket.socket) -> None:
    with contextlib.suppress(OSError):
        side.shutdown(socket.SHUT_RDWR)
