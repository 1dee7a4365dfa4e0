"""Keeps who asked for what, for local/aws/asked.py. Upstream has no CloudTrail of calls to tell it."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import sts

from local.aws.asked import PATH, Asked
from local.aws.patching import replace
from local.aws.refusals import answer

_asked: set[Asked] = set()


def install() -> None:
    replace(iam_evaluator.enforce, _noting(iam_evaluator.enforce))


def telling(application: Any) -> Any:
    """An ASGI application (ministack's, untyped) with the path that tells what was asked in front of it."""

    async def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await application(scope, receive, send)
            return
        body = json.dumps([asdict(one) for one in sorted(_asked)]).encode()
        await answer(send, 200, b"application/json", body)

    return serve


def _noting(original: Callable[..., Any]) -> Callable[..., Any]:
    def enforce(access_key_id: str, iam_action: str, *about: Any, **named: Any) -> Any:
        refusal = original(access_key_id, iam_action, *about, **named)
        resource_arn = named.get("resource_arn") or (about[2] if len(about) > 2 else "*")
        arn = (sts._sessions.get(access_key_id) or {}).get("Arn", "")
        if ":assumed-role/" in arn:
            _asked.add(Asked(arn.split("/")[1], iam_action, resource_arn, allowed=refusal is None))
        return refusal

    return enforce
