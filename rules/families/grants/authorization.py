"""The service authorization reference, as cfn-lint carries it: actions, and what they are on."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache, lru_cache
from typing import Any

from cfnlint.data import AdditionalSpecs
from cfnlint.helpers import load_resource

from rules.families.grants.grant_texts import ANY, SPECIAL

WILD = re.compile(r"[*?]")
# Services that evaluate requests as the reference says. Others take ARNs and actions that it does not have.
WELL_KNOWN = frozenset(
    {
        "application-autoscaling",
        "cloudwatch",
        "dynamodb",
        "ec2",
        "ecr",
        "ecs",
        "elasticache",
        "events",
        "firehose",
        "iam",
        "iot",
        "kinesis",
        "kms",
        "lambda",
        "logs",
        "rds",
        "rds-db",
        "s3",
        "secretsmanager",
        "sns",
        "sqs",
        "ssm",
        "ssmmessages",
        "sts",
        "xray",
    }
)
UNLISTED = frozenset({"sns:receive"})  # in the policies that SNS itself gives topics


@cache
def reference() -> Mapping[str, Any]:
    """Service prefix → Actions and Resources, with the names in lower case."""
    loaded: Mapping[str, Any] = load_resource(AdditionalSpecs, "Policies.json")  # type: ignore[no-untyped-call]
    return loaded


@lru_cache(maxsize=5_000)
def exists(action: str) -> bool:
    """Whether AWS has an action, in lower case; of one with * or ?, any."""
    service, _, name = action.partition(":")
    known = reference().get(service)
    if known is None:
        return WILD.search(service) is not None
    if not WILD.search(name):
        return name in known["Actions"]
    wanted = re.compile(re.escape(name).replace(r"\*", ".*").replace(r"\?", "."))
    return any(wanted.fullmatch(one) for one in known["Actions"])


@lru_cache(maxsize=5_000)
def is_slip(action: str) -> bool:
    """Whether no such action can have been meant. Services have actions that the reference leaves out."""
    service, _, name = action.partition(":")
    if exists(action) or action in UNLISTED:
        return False
    known = reference().get(service)
    if known is None:
        return bool(get_close_matches(service, reference(), 1, 0.8))
    return is_well_known(action) or bool(
        WILD.search(name) or get_close_matches(name, known["Actions"], 1, 0.92)
    )


def is_well_known(action: str) -> bool:
    """Whether what the reference says of an action, and of what it is on, can be relied on."""
    service, _, name = action.partition(":")
    return service in WELL_KNOWN and name != "link"


@lru_cache(maxsize=5_000)
def formats(action: str) -> tuple[str, ...] | None:
    """The forms of the ARNs that an action is on; none for one that is on * alone, None for no one action."""
    service, _, name = action.partition(":")
    known = reference().get(service)
    if known is None or WILD.search(name) or name not in known["Actions"]:
        return None
    resources = known["Resources"]
    return tuple(
        form
        for kind in known["Actions"][name].get("Resources", ())
        for form in resources.get(kind.lower(), {}).get("ARNFormats", ("arn:*:*:*:*:.*",))
    )


@lru_cache(maxsize=20_000)
def fits(resource: str, form: str) -> bool:
    """Whether a resource of a policy may be of a form: by service, and by what begins its last part."""
    if resource in ("*", ANY) or not resource.startswith("arn:"):
        return True
    ours, theirs = resource.split(":", 5), form.split(":", 5)
    if len(ours) < 6:
        return bool(WILD.search(resource) or SPECIAL.search(resource))
    if not WILD.search(ours[2]) and ANY not in ours[2] and ours[2] != theirs[2]:
        return theirs[2] == "*"
    start = theirs[5].partition(".*")[0]
    for mine, other in zip(ours[5], start, strict=False):
        if mine in "*?" or SPECIAL.match(mine):
            return True
        if mine != other:
            return False
    return len(ours[5]) >= len(start) or theirs[5] == start
