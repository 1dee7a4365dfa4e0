"""A loopback TLS front for a server that has no TLS in it.

The servers in the wheels are built without TLS and the products never speak without it, so each gets a
front: it listens on 127.0.0.1, ends TLS with the run's own certificate, and passes the bytes to the server's
Unix socket (or loopback port). `local/relay.py` does the work, in a process of its own.
"""

import errno
import json
import socket
import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from local.certificates import Authority
from local.errors import LocalError, PortInUse, ServerFailed

ROOT = Path(__file__).parent.parent
HOST = "127.0.0.1"


class Protocol(StrEnum):
    POSTGRESQL = "postgresql"  # answers SSLRequest and direct TLS; a client without TLS is told so
    TLS = "tls"  # TLS from the first byte


class TlsFront:
    """`with TlsFront(authority, server.socket, Protocol.TLS) as front:` serves `localhost:{front.port}`.

    `target` is a Unix socket's path or a loopback port; `port` 0 takes a free one. Every connection is closed
    at the end, and when the run dies. Raises PortInUse, before anything is started.
    """

    def __init__(
        self, authority: Authority, target: Path | int, protocol: Protocol, *, port: int = 0
    ) -> None:
        self._listener = _listen(port)
        self.host = "localhost"  # what the certificate names
        self.port: int = self._listener.getsockname()[1]
        self._told = {
            "certificate": str(authority.certificate_file.absolute()),
            "key": str(authority.key_file.absolute()),
            "target": target if isinstance(target, int) else str(target),
            "protocol": protocol,
            "listener": self._listener.fileno(),
        }
        self._relay: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self._listener:
            relay = subprocess.Popen(
                [sys.executable, "-m", "local.relay", json.dumps(self._told)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=[self._listener.fileno()],
                start_new_session=True,  # a Ctrl-C must not cut the processor's last commit
            )
        self._relay = relay
        if relay.stdout is None or relay.stdout.readline() != b"ready\n":
            self.__exit__(None, None, None)
            raise ServerFailed(server="the TLS front", seconds=0, log="standard error", tail="see above")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._relay is not None:
            if self._relay.stdin is not None:
                self._relay.stdin.close()
            if self._relay.stdout is not None:
                self._relay.stdout.close()
            self._relay.wait(10)
            self._relay = None


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port just left is free
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(port=port, host=HOST) from error
        raise LocalError(why=f"port {port} on {HOST}: {error.strerror}") from error
    return listener
