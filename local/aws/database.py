"""RDS as the templates need it: an endpoint that is really there, a master secret that really opens it.

Upstream's DBInstance makes up a host name and forgets ManageMasterUserPassword. The secret's name and
content are RDS's own: `rds!db-<id>`, {"username", "password"} and nothing else.
"""

import json
from collections.abc import Callable
from typing import Any

from ministack.services import rds, secretsmanager
from ministack.services.cloudformation import provisioners

from local.aws.embedded import DatabaseServer
from local.aws.patching import replace
from local.aws.stacks import Json
from local.aws.types import Made, complete, named, register


def install(server: DatabaseServer) -> None:
    def completed(physical_id: str, props: Json, attributes: Json) -> Made:
        instance = rds._instances[physical_id]
        instance["Endpoint"] |= {"Address": server.host, "Port": server.port}
        found = {
            **attributes,
            "Endpoint.Address": server.host,
            "Endpoint.Port": str(server.port),
            "Endpoint.HostedZoneId": instance["Endpoint"]["HostedZoneId"],
        }
        if str(props.get("ManageMasterUserPassword", "")).lower() == "true":
            found["MasterUserSecret.SecretArn"] = _master_secret(instance, props, server)
        return physical_id, found

    complete("AWS::RDS::DBInstance", completed)
    _with_secret_deleted()
    replace(rds._instance_xml, _with_secret(rds._instance_xml))
    register(
        "AWS::RDS::EventSubscription",
        create=lambda logical_id, props, stack: (named(props, "SubscriptionName", stack, logical_id), {}),
        update=lambda physical_id, old, new: (physical_id, {}),
        delete=lambda physical_id, props: None,  # kept in its stack alone: no event is ever simulated
        replacing=("SubscriptionName",),
    )


def _master_secret(instance: Json, props: Json, server: DatabaseServer) -> str:
    known = instance.get("MasterUserSecret")
    if known:
        return str(known["SecretArn"])
    arn, _ = secretsmanager._store_new_secret(
        f"rds!db-{instance['DbiResourceId'].lower()}",
        secret_string=json.dumps(
            {"username": instance["MasterUsername"], "password": server.master_password}
        ),
        description=f"Secret associated with primary RDS DB instance: {instance['DBInstanceArn']}",
        kms_key_id=(props.get("MasterUserSecret") or {}).get("KmsKeyId"),
    )
    instance["MasterUserSecret"] = {
        "SecretArn": arn,
        "SecretStatus": "active",
        "KmsKeyId": (props.get("MasterUserSecret") or {}).get("KmsKeyId") or "",
    }
    return str(arn)


def _with_secret(original: Callable[[Json], str]) -> Callable[[Json], str]:
    def render(instance: Json) -> str:
        secret = instance.get("MasterUserSecret")
        if not secret:
            return original(instance)
        members = "".join(f"<{key}>{value}</{key}>" for key, value in secret.items() if value)
        return f"{original(instance)}<MasterUserSecret>{members}</MasterUserSecret>"

    return render


def _with_secret_deleted() -> None:
    handlers = provisioners._RESOURCE_HANDLERS["AWS::RDS::DBInstance"]
    original: Callable[[str, Json], Any] = handlers["delete"]

    def delete(physical_id: str, props: Json) -> None:
        secret = (rds._instances.get(physical_id) or {}).get("MasterUserSecret")
        original(physical_id, props)
        if secret:
            secretsmanager.delete_secret_in_process(secret["SecretArn"])

    handlers["delete"] = delete
