"""IAM's types that upstream lacks: the OIDC provider and the role policy of its own; a role's boundary."""

import json
import re

from ministack.services import iam

from local.aws.stacks import Json
from local.aws.types import Made, called, complete, query, register

PROVIDER, POLICY = "AWS::IAM::OIDCProvider", "AWS::IAM::RolePolicy"


def install() -> None:
    register(
        PROVIDER,
        create=_create_provider,
        update=lambda physical_id, old, new: (physical_id, {"Arn": physical_id}),
        delete=lambda physical_id, props: _delete_provider(physical_id),
        replacing=("Url",),
        tagged=True,
    )
    register(
        POLICY,
        create=lambda logical_id, props, stack_name: _put_policy(props),
        update=lambda physical_id, old, new: _put_policy(new),
        delete=lambda physical_id, props: _delete_policy(props),
        replacing=("PolicyName", "RoleName"),
    )
    complete("AWS::IAM::Role", _bounded)


def _bounded(name: str, props: Json, attributes: Json) -> Made:
    """Upstream asks a role's boundary with every request, and takes none from a template."""
    iam._roles[name]["PermissionsBoundary"] = props.get("PermissionsBoundary")
    return name, attributes


def _create_provider(logical_id: str, props: Json, stack_name: str) -> Made:
    wanted = {"Url": props["Url"]}
    for key, name in (("ClientIdList", "ClientIDList"), ("ThumbprintList", "ThumbprintList")):
        wanted |= {f"{name}.member.{n}": value for n, value in enumerate(props.get(key) or [], 1)}
    body = called(iam._create_oidc_provider(query(wanted)), PROVIDER)
    found = re.search(rb"<OpenIDConnectProviderArn>([^<]+)<", body)
    if found is None:
        raise ValueError(f"no provider in {body!r}")
    arn = found[1].decode()
    return arn, {"Arn": arn}


def _delete_provider(arn: str) -> None:
    called(iam._delete_oidc_provider(query({"OpenIDConnectProviderArn": arn})), PROVIDER)


def _put_policy(props: Json) -> Made:
    document = props.get("PolicyDocument")
    wanted = {
        "RoleName": props["RoleName"],
        "PolicyName": props["PolicyName"],
        "PolicyDocument": document if isinstance(document, str) else json.dumps(document),
    }
    called(iam._put_role_policy(query(wanted)), POLICY)
    return f"{props['PolicyName']}|{props['RoleName']}", {}


def _delete_policy(props: Json) -> None:
    role = iam._roles.get(props["RoleName"])
    if role is not None:
        role["InlinePolicies"].pop(props["PolicyName"], None)
