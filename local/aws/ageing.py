r"""Time that passes for a stream alone: its records get older, and those past the retention are gone.

Without asking nothing ages. From another process, `make run`'s for one, a day and an hour pass with

    curl -X PUT $AWS_ENDPOINT_URL/_local/age -d '{"stream": "readings", "seconds": 90000}'
"""

import json
from typing import Any

from ministack.services import kinesis

from local.aws.embedded import AGE_PATH
from local.aws.refusals import answer, read
from local.aws.resharding import CLOSED_AT
from local.aws.streams import expire_records


def ageing(application: Any) -> Any:
    """An ASGI application (ministack's, untyped) with the path that lets time pass in front of it."""

    async def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != AGE_PATH:
            await application(scope, receive, send)
            return
        status, said = _aged(scope["method"], await read(receive))
        await answer(send, status, b"application/json", said)

    return serve


def _aged(method: str, body: bytes) -> tuple[int, bytes]:
    if method != "PUT":
        return 405, b'{"message": "PUT a stream and seconds"}'
    try:
        asked = json.loads(body)
        name, seconds = str(asked["stream"]), float(asked["seconds"])
    except (KeyError, TypeError, ValueError) as error:
        return 400, json.dumps({"message": f"a stream and seconds are wanted: {error}"}).encode()
    named = [stream for (*_, other), stream in kinesis._streams.all_items() if other == name]
    for stream in named:
        for shard in stream["shards"].values():
            for record in shard["records"]:
                record["ApproximateArrivalTimestamp"] -= seconds
            if CLOSED_AT in shard:
                shard[CLOSED_AT] -= seconds
        expire_records(stream)
    if not named:
        return 404, json.dumps({"message": f"there is no stream {name}"}).encode()
    return 200, b"{}"
