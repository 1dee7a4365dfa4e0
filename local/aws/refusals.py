"""Requests that are refused, or whose answer is lost, when a test asks for it: what a client must survive.

A throttled request, credentials that expired, a connection that broke after the work was done. For services
that name the operation in the request (all that the deployer calls but S3). Shapes of the errors:
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/CommonErrors.html.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape


@dataclass(frozen=True)
class Refusal:
    """An operation (`DescribeStackEvents`) answered with this error, `times` times; None is always.

    With `carried_out` the operation is done first, and only its answer is lost.
    """

    operation: str
    code: str
    message: str = ""
    status: int = 400
    times: int | None = 1
    carried_out: bool = False


class Refusals:
    """The refusals that are asked for now, and how often each has happened."""

    def __init__(self) -> None:
        self._left: list[tuple[Refusal, list[int]]] = []

    def __bool__(self) -> bool:
        return bool(self._left)

    def replace(self, refusals: Sequence[Refusal]) -> None:
        self._left = [(refusal, [0]) for refusal in refusals]

    def due(self, operation: str) -> Refusal | None:
        """The first refusal of this operation that is not over, counted as happening."""
        for refusal, count in self._left:
            if refusal.operation == operation and (refusal.times is None or count[0] < refusal.times):
                count[0] += 1
                return refusal
        return None


def refusing(application: Any, refusals: Refusals) -> Any:
    """An ASGI application (ministack's, untyped) with the refusals in front of it."""

    async def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not refusals:
            await application(scope, receive, send)
            return
        body = await read(receive)
        target = dict(scope["headers"]).get(b"x-amz-target", b"").decode()
        said = parse_qs(body.decode(errors="replace")).get("Action", [""])[0]
        refusal = refusals.due(target.rpartition(".")[2] or said)

        async def again() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        if refusal is None or refusal.carried_out:
            await application(scope, again, send if refusal is None else _lost)
        if refusal is not None:
            await answer(send, refusal.status, *_error(refusal, as_json=bool(target)))

    return serve


async def read(receive: Any) -> bytes:
    """The whole body of a request."""
    body = b""
    while True:
        message: dict[str, Any] = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


async def answer(send: Any, status: int, content_type: bytes, body: bytes) -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lost(message: dict[str, Any]) -> None:
    pass


def _error(refusal: Refusal, *, as_json: bool) -> tuple[bytes, bytes]:
    if as_json:
        said = {"__type": refusal.code, "message": refusal.message}
        return b"application/x-amz-json-1.1", json.dumps(said).encode()
    text = (
        f"<ErrorResponse><Error><Type>{'Sender' if refusal.status < 500 else 'Receiver'}</Type>"
        f"<Code>{escape(refusal.code)}</Code><Message>{escape(refusal.message)}</Message></Error>"
        "<RequestId>refused</RequestId></ErrorResponse>"
    )
    return b"text/xml", text.encode()
