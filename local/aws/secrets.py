"""Secrets as templates make them: what they hold, what Ref returns, who may read them, when they rotate.

Sources: API_GetRandomPassword for GenerateSecretString, and the user guide's pages of the four types.
"""

import json
import secrets
import string
from collections.abc import Callable
from typing import Any

from ministack.services import rds, secretsmanager
from ministack.services.cloudformation import provisioners

from local.aws import rotation
from local.aws.patching import replace
from local.aws.stacks import Json
from local.aws.types import Made, called, complete, register

SECRET, ATTACHMENT = "AWS::SecretsManager::Secret", "AWS::SecretsManager::SecretTargetAttachment"
SCHEDULE, POLICY = "AWS::SecretsManager::RotationSchedule", "AWS::SecretsManager::ResourcePolicy"
# What GetRandomPassword draws its punctuation from.
PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


def install() -> None:
    replace(provisioners._sm_secret_string, secret_string)
    replace(provisioners._sm_target_connection, _with_instance(provisioners._sm_target_connection))
    _by_arn()
    complete(ATTACHMENT, lambda physical_id, props, found: (physical_id, {**found, "Id": physical_id}))
    register(
        SCHEDULE,
        create=lambda logical_id, props, stack_name: _schedule(props),
        update=lambda physical_id, old, new: _schedule(new),
        delete=lambda physical_id, props: _unschedule(physical_id),
        replacing=("SecretId",),
    )
    register(
        POLICY,
        create=lambda logical_id, props, stack_name: _put_policy(props),
        update=lambda physical_id, old, new: _put_policy(new),
        delete=lambda physical_id, props: _delete_policy(physical_id),
        replacing=("SecretId",),
    )


def secret_string(props: Json) -> str:
    """SecretString as it stands, or the generated one. Upstream ignores every Exclude… but characters."""
    given: str = props.get("SecretString", "")
    wanted = props.get("GenerateSecretString")
    if wanted is None or given:
        return given
    generated = _password(wanted)
    if not wanted.get("SecretStringTemplate"):
        return generated
    try:
        content = json.loads(wanted["SecretStringTemplate"])
    except ValueError as error:
        raise ValueError("Could not parse SecretStringTemplate JSON.") from error
    return json.dumps({**content, wanted["GenerateStringKey"]: generated})


def _password(wanted: Json) -> str:
    excluded = set(wanted.get("ExcludeCharacters", ""))
    groups = {
        "ExcludeUppercase": string.ascii_uppercase,
        "ExcludeLowercase": string.ascii_lowercase,
        "ExcludeNumbers": string.digits,
        "ExcludePunctuation": PUNCTUATION,
    }
    kinds = [
        [c for c in group if c not in excluded] for key, group in groups.items() if not _yes(wanted, key)
    ]
    if _yes(wanted, "IncludeSpace"):
        kinds.append([" "])
    kinds = [kind for kind in kinds if kind]
    letters = [letter for kind in kinds for letter in kind]
    length = int(wanted.get("PasswordLength", 32))
    if not letters:
        raise ValueError("GenerateSecretString excludes every character")
    each = wanted.get("RequireEachIncludedType", True)
    required = [secrets.choice(kind) for kind in kinds] if str(each).lower() == "true" else []
    drawn = required + [secrets.choice(letters) for _ in range(length - len(required))]
    secrets.SystemRandom().shuffle(drawn)
    return "".join(drawn)


def _with_instance(original: Callable[[str, str], Json]) -> Callable[[str, str], Json]:
    """AWS adds the instance's identifier to host, port, engine and database name."""

    def connection(target_type: str, target_id: str) -> Json:
        said = original(target_type, target_id)
        if target_type == "AWS::RDS::DBInstance":
            said["dbInstanceIdentifier"] = rds._instances[target_id]["DBInstanceIdentifier"]
        return said

    return connection


def _by_arn() -> None:
    """Ref of a secret is its ARN; upstream returns, and expects, its name."""
    handlers = provisioners._RESOURCE_HANDLERS[SECRET]
    create, update, delete = handlers["create"], handlers["update"], handlers["delete"]

    def name_of(arn: str) -> str:
        name, _ = secretsmanager._resolve(arn)
        return str(name or arn)

    def created(logical_id: str, props: Json, stack_name: str) -> Made:
        _, attributes = create(logical_id, props, stack_name)
        return attributes["Id"], attributes

    def updated(
        physical_id: str, old: Json, new: Json, stack_name: str, logical_id: str | None = None
    ) -> Made:
        _, attributes = update(name_of(physical_id), old, new, stack_name, logical_id)
        return attributes["Id"], attributes

    provisioners._RESOURCE_HANDLERS[SECRET] = {
        **handlers,
        "create": created,
        "update": updated,
        "update_with_logical_id": True,
        "delete": lambda physical_id, props: delete(name_of(physical_id), props),
    }


def _schedule(props: Json) -> Made:
    immediately = str(props.get("RotateImmediatelyOnUpdate", True)).lower() == "true"
    rules: dict[str, Any] = dict(props.get("RotationRules") or {})
    if "AutomaticallyAfterDays" in rules:
        rules["AutomaticallyAfterDays"] = int(rules["AutomaticallyAfterDays"])
    wanted = {
        "SecretId": props["SecretId"],
        "RotationLambdaARN": props.get("RotationLambdaARN"),
        "RotationRules": rules,
        "RotateImmediately": immediately,
    }
    body: Json = json.loads(called(rotation.rotate_secret(wanted), SCHEDULE))
    return body["ARN"], {"Id": body["ARN"]}


def _unschedule(arn: str) -> None:
    _, secret = secretsmanager._resolve(arn)
    if secret is not None:
        called(rotation.cancel_rotate_secret({"SecretId": arn}), SCHEDULE)


def _put_policy(props: Json) -> Made:
    policy = props["ResourcePolicy"]
    wanted = {
        "SecretId": props["SecretId"],
        "ResourcePolicy": policy if isinstance(policy, str) else json.dumps(policy),
    }
    body: Json = json.loads(called(secretsmanager._put_resource_policy(wanted), POLICY))
    return body["ARN"], {"Id": body["ARN"]}


def _delete_policy(arn: str) -> None:
    _, secret = secretsmanager._resolve(arn)
    if secret is not None:
        called(secretsmanager._delete_resource_policy({"SecretId": arn}), POLICY)


def _yes(wanted: Json, name: str) -> bool:
    return str(wanted.get(name, False)).lower() == "true"
