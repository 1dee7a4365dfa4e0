"""Secrets Manager's operations on rotation, and the schedule that rotates by itself.

Sources: API_RotateSecret, API_CancelRotateSecret and API_DescribeSecret in botocore's model, and
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda.html
Upstream's RotateSecret copies the old value and calls nothing. Not here: a RotationToken is handed to the
function and not asked back, as it is only of a function that assumes a role or stands in another account
(PutSecretValue); no managed rotation; rotated secrets have no replicas.
"""

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ministack.core import responses
from ministack.services import secretsmanager

from local.aws import ceremony, clock, schedule
from local.aws.ceremony import CURRENT, PENDING
from local.aws.patching import replace
from local.aws.stacks import Answer, Json

NOT_FOUND = "Secrets Manager can't find the specified secret."
UNFINISHED = "A previous rotation isn't complete. That rotation will be reattempted."
LOOK_SECONDS = 0.25  # how often it is seen whether a window has opened
TRIED = "_TriedWindow"  # when the window opened in which a rotation was begun


def install() -> None:
    replace(secretsmanager._rotate_secret, rotate_secret)
    replace(secretsmanager._describe_secret, _with_dates(secretsmanager._describe_secret))
    replace(secretsmanager._get_secret_value, _without_empty(secretsmanager._get_secret_value))
    replace(secretsmanager.handle_request, _with_cancel(secretsmanager.handle_request))
    threading.Thread(target=_keep_schedules, name="rotation-schedules", daemon=True).start()


def rotate_secret(data: Json) -> Answer:
    """Configure the rotation and start it; if RotateImmediately is false, test it."""
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
    pending, _ = secretsmanager._find_stage_version(secret, PENDING)
    if pending and CURRENT not in secret["Versions"][pending]["Stages"]:
        ceremony.begin(secret, pending)
        return _error("InvalidRequestException", UNFINISHED)
    token = data.get("ClientRequestToken") or responses.new_uuid()
    if data.get("RotateImmediately", True):
        _rotate_to(secret, token)
        return _answer(secret, token)
    if token not in secret["Versions"]:
        secret["Versions"][token] = _staged(_current(secret).get("SecretString"))
        ceremony.begin_test(secret, token)
    return _answer(secret)


def cancel_rotate_secret(data: Json) -> Answer:
    """Turn automatic rotation off, and end one that is under way before its next step.

    What is pending stays as it is, as AWS says it does.
    """
    secret, refusal = _secret(data)
    if secret is None:
        return refusal
    secret["RotationEnabled"] = False
    return _answer(secret)


def window(secret: Json) -> schedule.Window | None:
    """When it is due next; a new value by hand counts as a rotation (API_RotationRulesType)."""
    rules = secret.get("RotationRules") or {}
    got = max(
        float(secret.get("LastRotatedDate") or 0),
        float(secret["CreatedDate"]),
        float(_current(secret).get("CreatedDate") or 0),
    )
    return schedule.next_window(rules, datetime.fromtimestamp(got, UTC), clock.now())


def _rotate_to(secret: Json, token: str) -> None:
    if token not in secret["Versions"]:
        # The function finds its version staged, and still without a value.
        secret["Versions"][token] = _staged(None)
        ceremony.begin(secret, token)


def _staged(value: str | None) -> Json:
    return {
        "SecretString": value,
        "SecretBinary": None,
        "CreatedDate": int(time.time()),
        "Stages": [PENDING],
    }


def _current(secret: Json) -> Json:
    version, _ = secretsmanager._find_stage_version(secret, CURRENT)
    found: Json = secret["Versions"].get(version) or {}
    return found


def _keep_schedules() -> None:
    while True:
        time.sleep(LOOK_SECONDS)
        for _, secret in list(secretsmanager._secrets.all_items()):
            if secret.get("RotationEnabled") and not secret.get("DeletedDate"):
                _keep(secret)


def _keep(secret: Json) -> None:
    """Begin when the window opens: "at any time during this window" is then. Once in each."""
    due = window(secret)
    if due is None or due.opens > clock.now() or secret.get(TRIED) == due.opens.timestamp():
        return
    secret[TRIED] = due.opens.timestamp()
    pending, _ = secretsmanager._find_stage_version(secret, PENDING)
    if pending and CURRENT not in secret["Versions"][pending]["Stages"]:
        ceremony.begin(secret, pending)  # what was given up before; "that rotation will be reattempted"
    elif not ceremony.running(secret):
        _rotate_to(secret, responses.new_uuid())


def _refusal(function: str | None, rules: Json) -> Answer | None:
    if not function:
        return _error(
            "InvalidRequestException", "No Lambda rotation function ARN is associated with this secret."
        )
    wrong = schedule.refusal(rules)
    if wrong is not None:
        return _error("InvalidParameterException", wrong)
    record = ceremony.function_of(function)
    if record is None or not _may_invoke(record):
        return _error(
            "AccessDeniedException",
            "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy "
            "grants access to the principal secretsmanager.amazonaws.com.",
        )
    return None


def _may_invoke(record: Json) -> bool:
    return any(
        statement.get("Effect") == "Allow"
        and "secretsmanager.amazonaws.com" in json.dumps(statement.get("Principal"))
        for statement in record["policy"]["Statement"]
    )


def _with_dates(original: Callable[[Json], Answer]) -> Callable[[Json], Answer]:
    """LastRotatedDate and NextRotationDate; neither where rotation is off (API_DescribeSecret)."""

    def describe(data: Json) -> Answer:
        status, headers, body = original(data)
        secret = secretsmanager._resolve(data.get("SecretId"))[1]
        if status != 200 or secret is None or not secret.get("RotationEnabled"):
            return status, headers, body
        said: Json = json.loads(body)
        if secret.get("LastRotatedDate"):
            said["LastRotatedDate"] = secret["LastRotatedDate"]
        due = window(secret)
        if due is not None:
            said["NextRotationDate"] = due.closes.timestamp()  # "on or before this date"
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


def _answer(secret: Json, version: str | None = None) -> Answer:
    said = {"ARN": secret["ARN"], "Name": secret["Name"]}
    answer: Answer = responses.json_response(said | ({"VersionId": version} if version else {}))
    return answer


def _error(code: str, message: str) -> Answer:
    answer: Answer = responses.error_response_json(code, message, 400)
    return answer
