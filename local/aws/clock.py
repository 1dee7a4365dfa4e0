r"""Secrets Manager's clock, which somebody may put forward: thirty days come round in a moment.

Without asking it is this machine's. From another process, `make run`'s for one, a month passes with

    curl -X PUT $AWS_ENDPOINT_URL/_local/clock -d '{"seconds": 2592000}'
"""

import json
import time
import urllib.request
from datetime import UTC, datetime
from typing import Any

from local.aws.refusals import answer, read

PATH = "/_local/clock"
REQUEST_SECONDS = 10.0

_ahead = 0.0


def now() -> datetime:
    return datetime.fromtimestamp(time.time() + _ahead, UTC)


def moving(application: Any) -> Any:
    """An ASGI application (ministack's, untyped) with the path that puts the clock forward in front of it."""

    async def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await application(scope, receive, send)
            return
        status, said = _moved(scope["method"], await read(receive))
        await answer(send, status, b"application/json", said)

    return serve


def put_forward(endpoint_url: str, seconds: float) -> None:
    """Of an embedded AWS. Raises OSError when it is stopped."""
    body = json.dumps({"seconds": seconds}).encode()
    request = urllib.request.Request(f"{endpoint_url}{PATH}", body, method="PUT")  # noqa: S310 -- loopback
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=REQUEST_SECONDS):
        pass


def _moved(method: str, body: bytes) -> tuple[int, bytes]:
    global _ahead  # noqa: PLW0603 -- one clock, of one process
    if method != "PUT":
        return 405, b'{"message": "PUT seconds"}'
    try:
        seconds = float(json.loads(body)["seconds"])
    except (KeyError, TypeError, ValueError) as error:
        return 400, json.dumps({"message": f"seconds are wanted: {error}"}).encode()
    if seconds < 0:
        return 400, b'{"message": "a clock goes forward"}'
    _ahead += seconds
    return 200, b"{}"
