r"""ElastiCache's IAM authentication: whether a token is one that it would take.

A token is a presigned `connect` request without its scheme. A cache checks its signature, that it is not
older than it says, and elasticache:Connect on both the replication group and the user.
https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

Asked by the gate before the local Redis (local/gate.py), over loopback:

    curl -X PUT $AWS_ENDPOINT_URL/_local/connect -d '{"user": "millrace-dev", "token": "…"}'
"""

import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote

from ministack.core import iam_evaluator
from ministack.services import elasticache, sts

from local.aws.connection import PATH
from local.aws.refusals import answer, read

MOST_SECONDS = 900
EARLY_SECONDS = 300.0  # by which clocks may differ
SERVICE, ALGORITHM = "elasticache", "AWS4-HMAC-SHA256"


def admitting(application: Any) -> Any:
    """An ASGI application (ministack's, untyped) with the path that judges tokens in front of it."""

    async def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await application(scope, receive, send)
            return
        asked = json.loads(await read(receive))
        because = refusal(str(asked["user"]), str(asked["token"]), time.time())
        body = json.dumps({"because": because}).encode()
        await answer(send, 403 if because else 200, b"application/json", body)

    return serve


def refusal(user: str, token: str, now: float) -> str | None:
    """Why a cache would not let this user in with this token; never the token. None when it would."""
    host, _, query = token.partition("/?")
    said = dict(parse_qsl(query))
    try:
        key, day, region, service, _ = said["X-Amz-Credential"].split("/")
        signed_at = datetime.strptime(said["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        lives = int(said["X-Amz-Expires"])
        signature = said.pop("X-Amz-Signature")
    except (KeyError, ValueError):
        return "it is no presigned request"
    if (said.get("Action"), said.get("User"), service) != ("connect", user, SERVICE):
        return "it is for something else, or for another user"
    if not 0 < lives <= MOST_SECONDS or not signed_at - EARLY_SECONDS <= now <= signed_at + lives:
        return "it has expired, or is not valid yet"
    session = sts._sessions.get(key)
    if session is None or said.get("X-Amz-Security-Token") != session["SessionToken"]:
        return "nobody has these credentials"
    scope = f"{day}/{region}/{SERVICE}/aws4_request"
    if not hmac.compare_digest(signature, _signature(host, said, scope, session["SecretAccessKey"])):
        return "its signature is not of these credentials"
    return _denied(key, region, session["Arn"].split(":")[4], host, user)


def _denied(key: str, region: str, account: str, group: str, user: str) -> str | None:
    if group not in elasticache._replication_groups:
        return f"there is no cache {group}"
    for resource in (f"replicationgroup:{group}", f"user:{user}"):
        arn = f"arn:aws:elasticache:{region}:{account}:{resource}"
        if iam_evaluator.enforce(key, "elasticache:Connect", SERVICE, region, resource_arn=arn):
            return f"elasticache:Connect on {arn} is not allowed"
    return None


def _signature(host: str, said: dict[str, str], scope: str, secret: str) -> str:
    """Signature Version 4 of GET / with these parameters, the host alone among its headers, and no body."""
    query = "&".join(f"{quote(name, safe='-_.~')}={quote(said[name], safe='-_.~')}" for name in sorted(said))
    nothing = hashlib.sha256(b"").hexdigest()
    request = f"GET\n/\n{query}\nhost:{host}\n\nhost\n{nothing}"
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = f"{ALGORITHM}\n{said['X-Amz-Date']}\n{scope}\n{digest}"
    derived = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        derived = hmac.digest(derived, part.encode(), "sha256")
    return hmac.digest(derived, text.encode(), "sha256").hex()
