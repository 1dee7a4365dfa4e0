"""A task's credentials as ECS's agent hands them out: those of the task's role, so that its policies count.

Source: "Container credential provider" in the AWS SDKs and Tools Reference Guide. ministack has the agent's
metadata, but not its credentials.
"""

import hashlib
import json
import time
from typing import Any
from urllib.parse import unquote

from ministack.services import iam, sts

from local.aws.embedded import CREDENTIALS_PATH

LIFETIME_SECONDS = 6 * 3600  # as ECS's own


def handing_out(application: Any) -> Any:
    """An ASGI application (ministack's, untyped) with the agent's path in front of it."""

    async def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(CREDENTIALS_PATH):
            await application(scope, receive, send)
            return
        role = unquote(scope["path"].removeprefix(CREDENTIALS_PATH))
        found = credentials(role)
        body = json.dumps(found or {"message": f"there is no role {role}"}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200 if found else 404, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return serve


def credentials(role_arn: str) -> dict[str, str] | None:
    """A session of the role, the same each time it is asked for; None when there is no such role."""
    account, name = role_arn.split(":")[4] if role_arn.count(":") == 5 else "", role_arn.rpartition("/")[2]
    if iam._roles.get_scoped(account, None, name) is None:
        return None
    digest = hashlib.sha256(role_arn.encode()).hexdigest()
    key, secret, token = f"ASIA{digest[:16].upper()}", digest[16:56], digest[8:]
    sts.register_session(
        key,
        {
            "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/task",
            "UserId": f"{name}:task",
            "SecretAccessKey": secret,
            "SessionToken": token,
        },
    )
    ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + LIFETIME_SECONDS))
    return {
        "RoleArn": role_arn,
        "AccessKeyId": key,
        "SecretAccessKey": secret,
        "Token": token,
        "Expiration": ends,
    }
