"""Whether an endpoint's policy lets a call through, as IAM would decide it; None where nobody can tell.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from rules.families.reach.condition_keys import OF_SERVICES, exists, has_resources
from rules.families.reach.network_model import Network
from rules.families.reach.network_needs import LAYERS, Need
from topology.policies import Kind, Policy, Statement, texts
from topology.rendering import ACCOUNT
from topology.tree import Resource
from topology.values import Reference

LAYER = "arn:aws:s3:::prod-{region}-starport-layer-bucket/layer"
OTHERS = "an account of AWS"  # signs the way to the layers of images
ABSENT, UNKNOWN = object(), object()
MATCHES = frozenset({"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "bool"})


@dataclass(frozen=True)
class Refusal:
    """Which statement comes nearest to letting a call through, and why it does not."""

    why: str
    statement: Statement | None


def policy_of(net: Network, endpoint: Resource) -> Policy | None:
    for policy in net.site.policies:
        if policy.kind is Kind.ENDPOINT and policy.resource == endpoint:
            return policy
    return None


def refusal(net: Network, endpoint: Resource, need: Need) -> Refusal | None:
    """Why the endpoint's policy refuses what is needed, if it surely does."""
    policy = policy_of(net, endpoint)
    if policy is None or not need.action:
        return None
    role = net.site.renderer.text(Reference(need.role, "Arn")) if need.role else ""
    gateway = net.site.get(endpoint, "VpcEndpointType") in (None, "Gateway")
    for wanted in need.resources or ("",):
        call = Call(need.action, _resource(net, wanted), role, wanted == LAYERS, gateway)
        judged = [(statement, *_judged(statement, call)) for statement in policy.statements]
        denied = [(one, why) for one, matches, why in judged if matches and not one.allows]
        if denied:
            return Refusal(f"{denied[0][0].name} refuses it", denied[0][0])
        allows = [(one, matches, why) for one, matches, why in judged if one.allows]
        if all(matches is False for _, matches, _ in allows):
            return _nearest(call, allows)
    return None


@dataclass(frozen=True)
class Call:
    action: str
    resource: str  # "" where it is not known
    role: str
    signed: bool  # by AWS, whose principal it then is
    gateway: bool


def _resource(net: Network, wanted: str) -> str:
    return LAYER.format(region=net.site.renderer.place.region) if wanted == LAYERS else wanted


def _nearest(call: Call, allows: list[tuple[Statement, bool | None, str]]) -> Refusal:
    named = [(one, why) for one, _, why in allows if _names(one, call.action)]
    if not named:
        return Refusal(f"no statement allows {call.action}", None)
    return Refusal(f"{named[0][0].name} does not: {named[0][1]}", named[0][0])


def _names(statement: Statement, action: str) -> bool:
    inverted = "NotAction" in statement.document
    listed = texts(statement.document.get("NotAction" if inverted else "Action"))
    return any(covers(one.lower(), action.lower()) for one in listed) != inverted


def _judged(statement: Statement, call: Call) -> tuple[bool | None, str]:
    """Whether a statement is about a call, and what about it is not."""
    if not _names(statement, call.action):
        return False, ""
    answers = (
        (_about(statement, call.resource), f"its Resource does not cover {call.resource}"),
        (_principal(statement, call), "its Principal is not who calls"),
        *_conditions(statement, call),
    )
    for answer, why in answers:
        if answer is False:
            return False, why
    return (None if any(answer is None for answer, _ in answers) else True), ""


def _about(statement: Statement, resource: str) -> bool | None:
    inverted = "NotResource" in statement.document
    listed = texts(statement.document.get("NotResource" if inverted else "Resource"))
    if "*" in listed:
        return not inverted
    if not resource or "${" in resource or "*" in resource or any("${" in one for one in listed):
        return True if resource in listed and resource else None
    return any(covers(one, resource) for one in listed) != inverted


def _principal(statement: Statement, call: Call) -> bool | None:
    answers: list[bool | None] = []
    for kind, name in statement.principals:
        if name == "*":
            return True
        if kind != "AWS" or call.signed:
            answers.append(False)
        elif name in (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root"):
            answers.append(not call.gateway)  # there it means the root user alone
        else:
            other = name.startswith("arn:") and "${" not in name and call.role
            answers.append((name == call.role) if other else None)
    return True if True in answers else None if None in answers else False


def _conditions(statement: Statement, call: Call) -> list[tuple[bool | None, str]]:
    return [
        (condition(operator, carried(key, call), texts(values)), f"{operator} {key} never holds")
        for operator, keys in statement.conditions.items()
        for key, values in keys.items()
    ]


def carried(key: str, call: Call) -> Any:
    """What a call carries under a condition key: a text, ABSENT or UNKNOWN."""
    name = key.lower()
    ours = OTHERS if call.signed else ACCOUNT
    exact: Mapping[str, Any] = {
        "aws:principalaccount": ours,
        "aws:resourceaccount": ours if has_resources(call.action) else ABSENT,
        "aws:principalarn": UNKNOWN if call.signed or not call.role else call.role,
        "aws:principaltype": UNKNOWN if call.signed else "AssumedRole",
        "aws:securetransport": "true",
        "aws:viaawsservice": "false",
        "aws:principalisawsservice": UNKNOWN if call.signed else "false",
    }
    if name in exact:
        return exact[name]
    return ABSENT if name in OF_SERVICES or not exists(name) else UNKNOWN


def condition(operator: str, value: Any, allowed: tuple[str, ...]) -> bool | None:
    name = operator.lower().rpartition(":")[2]
    lax = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    negated = "not" in name
    if name == "null":
        return None if value is UNKNOWN else (value is ABSENT) == (allowed == ("true",))
    if value is ABSENT:
        return lax or negated
    plain = name.replace("not", "")
    if value is UNKNOWN or plain not in MATCHES or any("${" in one for one in allowed):
        return None
    if plain in ("stringlike", "arnlike", "arnequals"):
        held = any(covers(one, value) for one in allowed)
    elif plain == "stringequals":
        held = value in allowed
    else:
        held = str(value).lower() in {one.lower() for one in allowed}
    return held != negated


@cache
def covers(pattern: str, text: str) -> bool:
    escaped = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(escaped, text, re.DOTALL) is not None
