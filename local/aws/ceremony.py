"""How Secrets Manager has a secret rotated: four steps through the deployed function, and what ends them.

Sources: "Rotation by Lambda function" in the user guide and API_RotateSecret; the names of the events from
https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html
"If any rotation step fails, Secrets Manager retries the entire rotation process multiple times":
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda.html
It does not say how often, nor how long it waits; the number and PAUSES are ours. What becomes of a rotation
that is given up it does not say either, but that AWSPENDING may stay, on a version that may be empty
(RotateSecret).
"""

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from ministack.core import concurrency, responses
from ministack.services import eventbridge, lambda_svc

from local.aws import clock
from local.aws.stacks import Json

logger = logging.getLogger("local.aws.rotation")

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
PAUSES = (0.5, 2.0, 5.0, 10.0)  # seconds between five attempts
# So that one is known wherever it should not be; else it is any of letters, digits and dashes.
TOKEN_BEGINS = "rotation-token-"  # noqa: S105
CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"

_running: set[str] = set()
_guard = threading.Lock()


class Cancelled(Exception):
    """Somebody called CancelRotateSecret, or deleted the secret: nothing is tried again."""


class Abandoned(Exception):
    """Somebody made a new version of the secret meanwhile."""


def begin(secret: Json, token: str) -> None:
    """Rotate to version `token`, in the background; a rotation that is under way goes on by itself."""
    _begin(secret, token, _rotate)


def begin_test(secret: Json, token: str) -> None:
    """Rehearse with version `token`, which is removed after it."""
    _begin(secret, token, _test)


def running(secret: Json) -> bool:
    return secret["ARN"] in _running


def _begin(secret: Json, token: str, drive: Callable[[Json, str], None]) -> None:
    with _guard:
        if secret["ARN"] in _running:
            return
        _running.add(secret["ARN"])

    def driven() -> None:
        try:
            drive(secret, token)
        finally:
            with _guard:
                _running.discard(secret["ARN"])

    concurrency.spawn_background(driven, thread_name="secret-rotation")


def _rotate(secret: Json, token: str) -> None:
    _tell("RotationStarted", secret)
    versions = set(secret["Versions"])
    try:
        for attempt, pause in enumerate((*PAUSES, None), 1):
            failure = _attempt(secret, token, versions)
            if failure is None:
                _finish(secret, token)
                return
            logger.error("rotation of %s, attempt %d: %s", secret["Name"], attempt, failure)
            _tell("RotationFailed", secret)
            if pause is not None:
                time.sleep(pause)
        logger.error("rotation of %s given up; AWSPENDING stays on version %s", secret["Name"], token)
    except Cancelled:
        logger.info("rotation of %s was cancelled; labels stay as they are", secret["Name"])
    except Abandoned:
        # The page of the events: it "abandons rotation when you create a new version of a secret during
        # rotation", and removes AWSPENDING.
        _unstage(secret, token)
        logger.error("rotation of %s abandoned: it got another new version", secret["Name"])
        _tell("RotationAbandoned", secret)


def _test(secret: Json, token: str) -> None:
    """`RotateImmediately=false`: testSecret alone, on a version that is removed again.

    The documentation does not say what that version holds; AWSCURRENT's value, since testSecret logs in.
    """
    _tell("TestRotationStarted", secret)
    failure = _step(secret, token, "testSecret", _rotation_token())
    secret["Versions"].pop(token, None)
    if failure:
        logger.error("test of the rotation of %s: %s", secret["Name"], failure)
    else:
        logger.info("tested the rotation of %s", secret["Name"])
    _tell("TestRotationFailed" if failure else "TestRotationSucceeded", secret)


def _attempt(secret: Json, token: str, versions: set[str]) -> str | None:
    """Run the four steps; what went wrong, None when nothing did. Raises Cancelled, Abandoned."""
    rotation_token = _rotation_token()
    for step in STEPS:
        if not secret.get("RotationEnabled") or secret.get("DeletedDate"):
            raise Cancelled
        if set(secret["Versions"]) - versions - {token}:
            raise Abandoned
        failure = _step(secret, token, step, rotation_token)
        if failure is not None:
            return failure
    if CURRENT not in secret["Versions"][token]["Stages"]:
        return f"finishSecret: AWSCURRENT was not moved to version {token}"
    return None


def _step(secret: Json, token: str, step: str, rotation_token: str) -> str | None:
    function = function_of(secret["RotationLambdaARN"])
    if function is None:
        return f"{step}: {secret['RotationLambdaARN']} does not exist"
    event = {
        "Step": step,
        "SecretId": secret["ARN"],
        "ClientRequestToken": token,
        "RotationToken": rotation_token,
    }
    result: dict[str, Any] = lambda_svc._execute_function_with_config_scope(function, event)
    if result.get("error") or result.get("throttle"):
        return f"{step}: {result.get('body')}"
    return None


def function_of(arn: str) -> Json | None:
    """What is deployed under this ARN."""
    unqualified = arn.partition(":function:")[2].partition(":")[0]
    record: Json | None = lambda_svc._functions.get(unqualified or arn)
    return record


def _rotation_token() -> str:
    return f"{TOKEN_BEGINS}{responses.new_uuid()}"


def _unstage(secret: Json, token: str) -> None:
    version = secret["Versions"].get(token)
    if version is not None:
        version["Stages"] = [stage for stage in version["Stages"] if stage != PENDING]


def _finish(secret: Json, token: str) -> None:
    _unstage(secret, token)
    secret["LastRotatedDate"] = clock.now().timestamp()
    secret["LastChangedDate"] = int(time.time())
    logger.info("rotated %s: version %s is current", secret["Name"], token)
    _tell("RotationSucceeded", secret)


def _tell(name: str, secret: Json) -> None:
    """The event as it reaches EventBridge by way of CloudTrail."""
    eventbridge._dispatch_event(
        {
            "EventId": responses.new_uuid(),
            "Source": "aws.secretsmanager",
            "DetailType": "AWS Service Event via CloudTrail",
            "Detail": json.dumps(
                {
                    "eventSource": "secretsmanager.amazonaws.com",
                    "eventName": name,
                    "additionalEventData": {"SecretId": secret["ARN"]},
                }
            ),
            "EventBusName": "default",
            "Time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "Resources": [secret["ARN"]],
            "Account": responses.get_account_id(),
            "Region": responses.get_region(),
        }
    )
