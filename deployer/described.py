"""DescribeChangeSet's shapes as our values.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from deployer import masking
from deployer.changes import Action, Change, PropertyChange, Replacement, document

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import (
        ChangeTypeDef,
        ResourceChangeDetailTypeDef,
        ResourceChangeTypeDef,
    )


def merged(plain: "ResourceChangeTypeDef", valued: "ResourceChangeTypeDef | None") -> "ResourceChangeTypeDef":
    """One resource's change, described without property values and with them (None: left out there)."""
    if valued is None:
        return plain
    if not valued.get("Details"):
        return {**plain, **valued, "Details": plain.get("Details", [])}
    known = {_path(detail) for detail in valued["Details"]}
    missing = [detail for detail in plain.get("Details", []) if _path(detail) not in known]
    # Values are told by path (/Properties/A/B), without them by property (A): a path stands for its property.
    tops = {path.split("/")[0] for path in known}
    details = [*valued["Details"], *(detail for detail in missing if _path(detail) not in tops)]
    return {**plain, **valued, "Details": details}


def with_hooks(told: "ChangeTypeDef") -> "ResourceChangeTypeDef":
    """A resource's change with the number of Hooks that look at it, which stands beside it."""
    hooks = {"HookInvocationCount": told.get("HookInvocationCount", 0)}
    return cast("ResourceChangeTypeDef", {**told["ResourceChange"], **hooks})


def change(raw: "ResourceChangeTypeDef") -> Change:
    """One resource's change as a value, secrets masked."""
    return Change(
        logical_id=raw["LogicalResourceId"],
        type=raw.get("ResourceType", "(no type told)"),
        action=Action(raw["Action"]),
        replacement=Replacement(raw.get("Replacement", "False")),
        policy_action=raw.get("PolicyAction"),
        physical_id=raw.get("PhysicalResourceId"),
        properties=_properties(raw),
        before=_context(raw.get("BeforeContext")),
        after=_context(raw.get("AfterContext")),
        hooks=cast("dict[str, int]", raw).get("HookInvocationCount", 0),
    )


def _properties(raw: "ResourceChangeTypeDef") -> tuple[PropertyChange, ...]:
    """One per path: a property that changes for two reasons is told twice, once for each.

    A scope of which no detail is told is kept as one, so that it cannot be overlooked.
    """
    by_path: dict[str, list[ResourceChangeDetailTypeDef]] = {}
    for detail in raw.get("Details", []):
        by_path.setdefault(_path(detail), []).append(detail)
    changes = [_property(path, same) for path, same in by_path.items()]
    told = {change.attribute for change in changes}
    missing = [scope for scope in raw.get("Scope", []) if scope not in told]
    return (*changes, *(PropertyChange(path=scope, attribute=scope) for scope in missing))


def _property(path: str, same: "list[ResourceChangeDetailTypeDef]") -> PropertyChange:
    targets = [detail.get("Target", {}) for detail in same]
    caused = next((detail for detail in same if detail.get("CausingEntity")), same[0])
    requires = {target.get("RequiresRecreation", "Never") for target in targets}
    return PropertyChange(
        path=path,
        before=_masked(
            path, next((target["BeforeValue"] for target in targets if "BeforeValue" in target), None)
        ),
        after=_masked(
            path, next((target["AfterValue"] for target in targets if "AfterValue" in target), None)
        ),
        dynamic=all(detail.get("Evaluation") == "Dynamic" for detail in same),
        cause=caused.get("CausingEntity"),
        recreates="Always" in requires,
        may_recreate=bool(requires - {"Always", "Never"}),  # a word that is new may mean it as well
        attribute=next((target["Attribute"] for target in targets if "Attribute" in target), "Properties"),
        source=caused.get("ChangeSource"),
    )


def _context(text: str | None) -> Mapping[str, Any] | None:
    """The resource as a document; None when it was not told, or cut off in the middle."""
    value = document(text) if text else None
    return masking.mask("", value) if isinstance(value, dict) else None


def _masked(path: str, text: str | None) -> str | None:
    if text is None:
        return None
    value = document(text)
    masked = masking.mask(path.rsplit("/", 1)[-1], value)
    if masked == value:
        return text
    return masked if isinstance(masked, str) else json.dumps(masked)


def _path(detail: "ResourceChangeDetailTypeDef") -> str:
    target = detail.get("Target", {})
    if "Path" in target:
        return target["Path"].removeprefix("/Properties/").removeprefix("/")
    if "Name" in target:
        return target["Name"]
    return target.get("Attribute", "")
