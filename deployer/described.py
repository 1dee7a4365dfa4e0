"""DescribeChangeSet's shapes as our values."""

from typing import TYPE_CHECKING

from deployer.changes import Action, Change, PropertyChange, Replacement

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import ResourceChangeDetailTypeDef, ResourceChangeTypeDef


def merged(plain: "ResourceChangeTypeDef", valued: "ResourceChangeTypeDef | None") -> "ResourceChangeTypeDef":
    """One resource's change, described without property values and with them (None: left out there)."""
    if valued is None or not valued.get("Details"):
        return plain
    known = {_path(detail) for detail in valued["Details"]}
    missing = [detail for detail in plain.get("Details", []) if _path(detail) not in known]
    # Values are told by path (/Properties/A/B), without them by property (A): a path stands for its property.
    tops = {path.split("/")[0] for path in known}
    details = [*valued["Details"], *(detail for detail in missing if _path(detail) not in tops)]
    return {**plain, **valued, "Details": details}


def change(raw: "ResourceChangeTypeDef") -> Change:
    """One resource's change as a value."""
    return Change(
        logical_id=raw["LogicalResourceId"],
        type=raw["ResourceType"],
        action=Action(raw["Action"]),
        replacement=Replacement(raw.get("Replacement", "False")),
        policy_action=raw.get("PolicyAction"),
        physical_id=raw.get("PhysicalResourceId"),
        properties=_properties(raw.get("Details", [])),
    )


def _properties(details: "list[ResourceChangeDetailTypeDef]") -> tuple[PropertyChange, ...]:
    """One per path: a property that changes for two reasons is told twice, once for each."""
    by_path: dict[str, list[ResourceChangeDetailTypeDef]] = {}
    for detail in details:
        by_path.setdefault(_path(detail), []).append(detail)
    changes = []
    for path, same in by_path.items():
        targets = [detail.get("Target", {}) for detail in same]
        causes = (detail["CausingEntity"] for detail in same if detail.get("CausingEntity"))
        changes.append(
            PropertyChange(
                path=path,
                before=next((target["BeforeValue"] for target in targets if "BeforeValue" in target), None),
                after=next((target["AfterValue"] for target in targets if "AfterValue" in target), None),
                dynamic=all(detail.get("Evaluation") == "Dynamic" for detail in same),
                cause=next(causes, None),
                recreates=any(target.get("RequiresRecreation") == "Always" for target in targets),
            )
        )
    return tuple(changes)


def _path(detail: "ResourceChangeDetailTypeDef") -> str:
    target = detail.get("Target", {})
    if "Path" in target:
        return target["Path"].removeprefix("/Properties/").removeprefix("/")
    if "Name" in target:
        return target["Name"]
    return target.get("Attribute", "")
