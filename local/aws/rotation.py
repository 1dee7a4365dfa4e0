"""RotateSecret as AWS drives it: four steps through the deployed function, in the background, with retries.

Sources: "Rotation by Lambda function" and "How rotation works" in Secrets Manager's user guide,
API_RotateSecret, API_CancelRotateSecret, botocore's model; event names from "Log Secrets Manager
events with AWS CloudTrail". Upstream's RotateSecret copies the old value and calls nothing.
"""

import json
import logging
import re
import threading
import time
from collections.abc import Callable
from typing import Any

from ministack.core import concurrency, responses
from ministack.services import eventbridge, lambda_svc, secretsmanager

from local.aws.patching import replace
from local.aws.stacks import Answer, Json

logger = logging.getLogger("local.aws.rotation")

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
TOKEN_BEGINS = "rotation-token-"  # noqa: S105 - so that one is known wherever it should not be
PAUSES = (0.5, 2.0, 5.0, 10.0)  # seconds between five attempts; AWS leaves hours between its five
NOT_FOUND = "Secrets Manager can't find the specified secret."
UNFINISHED = "A previous rotation isn't complete. That rotation will be reattempted."
DAY = 86_400.0
UNITS = {"minute": 60.0, "hour": 3_600.0, "day": DAY}

_running: set[str] = set()
_guard = threading.Lock()


def install() -> None:
    replace(secretsmanager._rotate_secret, rotate_secret)
    replace(secretsmanager._describe_secret, _with_dates(secretsmanager._describe_secret))
    replace(secretsmanager._get_secret_value, _without_empty(secretsmanager._get_secret_value))
    replace(secretsmanager.handle_request, _with_cancel(secretsmanager.handle_request))


def rotate_secret(data: Json) -> Answer:
    """Configure the rotation and, unless RotateImmediately is false, start it."""
    secret, refusal = _secret(data)
    if secret is None:
        return refusal
    function = data.get("RotationLambdaARN") or secret.get("RotationLambdaARN")
    refused = _refusal(function, data.get("RotationRules") or {})
    if refused is not None:
        return refused
    secret["RotationLambdaARN"] = function
    secret["RotationRules"] = data.get("RotationRules") or secret.get("RotationRules")
    secret["RotationEnabled"] = True
    if not data.get("RotateImmediately", True):
        return _answer(secret)
    pending, _ = secretsmanager._find_stage_version(secret, "AWSPENDING")
    if pending and "AWSCURRENT" not in secret["Versions"][pending]["Stages"]:
        _start(secret, pending)
        return _error("InvalidRequestException", UNFINISHED)
    token = data.get("ClientRequestToken") or responses.new_uuid()
    if token not in secret["Versions"]:
        # The function finds its version staged, and still without a value.
        secret["Versions"][token] = {
            "SecretString": None,
            "SecretBinary": None,
            "CreatedDate": int(time.time()),
            "Stages": ["AWSPENDING"],
        }
        _start(secret, token)
    return _answer(secret, token)


def cancel_rotate_secret(data: Json) -> Answer:
    """Turn automatic rotation off; what is pending stays as it is, as AWS says it does."""
    secret, refusal = _secret(data)
    if secret is None:
        return refusal
    secret["RotationEnabled"] = False
    return _answer(secret)


def _refusal(function: str | None, rules: Json) -> Answer | None:
    if not function:
        return _error(
            "InvalidRequestException", "No Lambda rotation function ARN is associated with this secret."
        )
    if "AutomaticallyAfterDays" in rules and "ScheduleExpression" in rules:
        return _error(
            "InvalidParameterException",
            "You can't specify both AutomaticallyAfterDays and ScheduleExpression in RotationRules.",
        )
    record = _function(function)
    if record is None or not _may_invoke(record):
        return _error(
            "AccessDeniedException",
            "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy "
            "grants access to the principal secretsmanager.amazonaws.com.",
        )
    return None


def _function(arn: str) -> Json | None:
    unqualified = arn.partition(":function:")[2].partition(":")[0]
    record: Json | None = lambda_svc._functions.get(unqualified or arn)
    return record


def _may_invoke(record: Json) -> bool:
    return any(
        statement.get("Effect") == "Allow"
        and "secretsmanager.amazonaws.com" in json.dumps(statement.get("Principal"))
        for statement in record["policy"]["Statement"]
    )


def _start(secret: Json, token: str) -> None:
    with _guard:
        if secret["ARN"] in _running:
            return
        _running.add(secret["ARN"])
    concurrency.spawn_background(_drive, secret, token, thread_name="secret-rotation")


def _drive(secret: Json, token: str) -> None:
    _tell("RotationStarted", secret)
    try:
        for attempt, pause in enumerate((*PAUSES, None), 1):
            failure = _attempt(secret, token)
            if failure is None:
                _finish(secret, token)
                return
            logger.error("rotation of %s, attempt %d: %s", secret["Name"], attempt, failure)
            _tell("RotationFailed", secret)
            if pause is not None:
                time.sleep(pause)
        logger.error("rotation of %s given up; AWSPENDING stays on version %s", secret["Name"], token)
    finally:
        with _guard:
            _running.discard(secret["ARN"])


def _attempt(secret: Json, token: str) -> str | None:
    """Run the four steps; what went wrong, None when nothing did."""
    rotation_token = f"{TOKEN_BEGINS}{responses.new_uuid()}"
    for step in STEPS:
        if not secret.get("RotationEnabled") or secret.get("DeletedDate"):
            return f"{step}: rotation was cancelled"
        function = _function(secret["RotationLambdaARN"])
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
    if "AWSCURRENT" not in secret["Versions"][token]["Stages"]:
        return f"finishSecret: AWSCURRENT was not moved to version {token}"
    return None


def _finish(secret: Json, token: str) -> None:
    stages = secret["Versions"][token]["Stages"]
    secret["Versions"][token]["Stages"] = [stage for stage in stages if stage != "AWSPENDING"]
    secret["LastRotatedDate"] = time.time()
    secret["LastChangedDate"] = int(time.time())
    logger.info("rotated %s: version %s is current", secret["Name"], token)
    _tell("RotationSucceeded", secret)


def next_rotation(secret: Json) -> float | None:
    """When the schedule comes round again, in epoch seconds; None for cron() or without one."""
    rules = secret.get("RotationRules") or {}
    last = secret.get("LastRotatedDate") or secret["CreatedDate"]
    if rules.get("AutomaticallyAfterDays"):
        return float(last) + DAY * int(rules["AutomaticallyAfterDays"])
    every = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", rules.get("ScheduleExpression", ""))
    return float(last) + int(every[1]) * UNITS[every[2]] if every else None


def _with_dates(original: Callable[[Json], Answer]) -> Callable[[Json], Answer]:
    def describe(data: Json) -> Answer:
        status, headers, body = original(data)
        secret = secretsmanager._resolve(data.get("SecretId"))[1]
        if status != 200 or secret is None:
            return status, headers, body
        said: Json = json.loads(body)
        if secret.get("LastRotatedDate"):
            said["LastRotatedDate"] = secret["LastRotatedDate"]
        if secret.get("RotationEnabled") and next_rotation(secret):
            said["NextRotationDate"] = next_rotation(secret)
        return status, headers, json.dumps(said).encode()

    return describe


def _without_empty(original: Callable[[Json], Answer]) -> Callable[[Json], Answer]:
    """A version without a value cannot be read, and one without the stage asked for is not that version."""

    def get(data: Json) -> Answer:
        answer = original(data)
        if answer[0] != 200:
            return answer
        said: Json = json.loads(answer[2])
        empty = "SecretString" not in said and "SecretBinary" not in said
        stage = data.get("VersionStage")
        if empty or (stage and stage not in said["VersionStages"]):
            found = f"VersionId: {said['VersionId']}" if empty else f"staging label: {stage}"
            return _error(
                "ResourceNotFoundException",
                f"Secrets Manager can't find the specified secret value for {found}",
            )
        return answer

    return get


def _with_cancel(original: Callable[..., Any]) -> Callable[..., Any]:
    async def handle(method: str, path: str, headers: Json, body: bytes, query_params: Json) -> Answer:
        if headers.get("x-amz-target", "").endswith(".CancelRotateSecret"):
            return cancel_rotate_secret(json.loads(body or b"{}"))
        answer: Answer = await original(method, path, headers, body, query_params)
        return answer

    return handle


def _secret(data: Json) -> tuple[Json | None, Answer]:
    secret = secretsmanager._resolve(data.get("SecretId"))[1]
    if secret is not None and secret.get("DeletedDate"):
        return None, _error(
            "InvalidRequestException",
            "You can't perform this operation on the secret because it was marked for deletion.",
        )
    return secret, _error("ResourceNotFoundException", NOT_FOUND)


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


def _answer(secret: Json, version: str | None = None) -> Answer:
    said = {"ARN": secret["ARN"], "Name": secret["Name"]}
    answer: Answer = responses.json_response(said | ({"VersionId": version} if version else {}))
    return answer


def _error(code: str, message: str) -> Answer:
    answer: Answer = responses.error_response_json(code, message, 400)
    return answer
