"""Whether the processor lives, and whether it is ready: asked over loopback, never from outside the task.

`GET /health`, the container's check (`python -m processor health`): unhealthy when the loop stands still, and
not while it waits for the database: a restart would not bring the database back, and the batch that is kept
would have to be read again. `GET /ready` (`python -m processor ready`): what readiness.py says.
The fields of both documents are in docs/health.md.
"""

import json
import logging
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from processor.readiness import Readiness

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
STANDSTILL_SECONDS = 180.0  # longer than the longest batch, an RDS fail-over included


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A line in the log as any other; the standard library writes a bare traceback."""
        logger.exception("a question was not answered")


class HealthServer:
    """`GET /health` on loopback: 200 with the state as JSON, 503 when the loop stands still.

    `GET /ready`: 200, or 503 with `because`. `state` gives what `/health` shows besides, `ready` the other
    document. Raises OSError when the port is taken.
    """

    def __init__(
        self,
        port: int,
        state: Callable[[], dict[str, object]],
        ready: Callable[[], Readiness] = lambda: Readiness((), {}),
    ) -> None:
        self._state = state
        self._ready = ready
        self._beaten = time.monotonic()
        self._server = _Server((HOST, port), self._handler())
        self.port: int = self._server.server_address[1]

    def beat(self) -> None:
        """The loop is alive."""
        self._beaten = time.monotonic()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, name="health", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, path: str) -> tuple[int, bytes]:
        silent = time.monotonic() - self._beaten
        alive = silent < STANDSTILL_SECONDS
        document: dict[str, object]
        if path == "/health":
            well = alive
            document = {"alive": alive, "silent_seconds": round(silent, 1), **self._state()}
        elif path == "/ready":
            readiness = self._ready()
            because = [*readiness.because, *([] if alive else ["the loop stands still"])]
            well = not because
            document = {"ready": well, "because": because, **readiness.shown}
        else:
            return 404, b'{"error": "ask for /health or /ready"}'
        return (200 if well else 503), json.dumps(document).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer = self._answer

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = answer(self.path)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: a line every few seconds tells nobody anything."""

        return Handler


def ask(port: int, path: str = "/health", seconds: float = 3.0) -> tuple[bool, str]:
    """Whether the processor on this port is healthy (ready), and what it said, or why nothing was heard."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}{path}", timeout=seconds) as answer:
            return True, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return False, refusal.read().decode()
    except OSError as error:
        return False, f"no answer on {HOST}:{port}: {error}"
