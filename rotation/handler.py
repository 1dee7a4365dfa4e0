"""The Lambda's entry: the gate, the step, one line in the log; or the secret's age, on a schedule."""

import json
import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast

import boto3
from botocore.config import Config

from rotation import age
from rotation.errors import GateClosed
from rotation.settings import from_environment
from rotation.steps import STEPS, Rotation
from rotation.versions import SecretsManager, Versions

# botocore's own patience, a minute for each of five attempts, is longer than the function may run.
PATIENCE = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})

log = logging.getLogger("rotation")
log.setLevel(logging.INFO)  # Lambda's own handler is on the root logger, which lets warnings through only


@cache
def _client() -> SecretsManager:
    # Its stubs spell the same calls otherwise.
    return cast("SecretsManager", boto3.client("secretsmanager", config=PATIENCE))


def handle(event: Mapping[str, Any], _context: object = None) -> None:
    """Take the step that Secrets Manager asks for: Step, SecretId, ClientRequestToken, RotationToken.

    Raises what stops it; Secrets Manager then tries the step again, and gives the rotation up in the end.
    EventBridge's schedule asks for something else: {"Measure": "SecretAge", "SecretId"}.
    """
    if event.get("Measure") == age.MEASURE:
        measure(event, _client())
    else:
        take(event, _client())


def measure(event: Mapping[str, Any], client: SecretsManager, now: datetime | None = None) -> None:
    """Tell how old the secret is; changes nothing, so it is safe while a rotation runs."""
    moment = now or datetime.now(UTC)
    described = client.describe_secret(SecretId=str(event["SecretId"]))
    age.tell(described["ARN"], age.days(described, moment), moment)


def take(event: Mapping[str, Any], client: SecretsManager) -> None:
    """`handle` with its client given."""
    started = time.monotonic()
    step, token = str(event.get("Step")), str(event.get("ClientRequestToken"))
    # The RotationToken is a credential: it stays out of the log, as do the secret's values.
    line = {"step": step, "secret": event.get("SecretId"), "version": token}
    try:
        line["outcome"] = _take(event, client, step, token)
    except Exception as error:
        line["outcome"] = "failed"
        line["error"] = f"{type(error).__name__}: {error}"
        raise
    finally:
        line["seconds"] = round(time.monotonic() - started, 3)
        log.log(logging.ERROR if "error" in line else logging.INFO, "%s", json.dumps(line))


def _take(event: Mapping[str, Any], client: SecretsManager, step: str, token: str) -> str:
    if step not in STEPS:
        raise GateClosed(f"there is no step {step!r}; there are {', '.join(STEPS)}")
    settings = from_environment()
    versions = Versions(client, str(event["SecretId"]), token, event.get("RotationToken"))
    if not versions.open_gate():
        # A finishSecret that died half-way left its label. Another version's is a newer rotation's: not ours.
        if step == "finishSecret":
            versions.drop_pending()
        return "is current already"
    rotation = Rotation(
        versions, client, settings.database_host, settings.master_secret_arn, settings.database_ca_file
    )
    outcome = STEPS[step](rotation)
    if step == "finishSecret":
        age.tell(str(event["SecretId"]), 0.0)  # at once, not at the next measurement
    return outcome
