"""What a change is from and to, as a change set shows it when it is asked for values."""

import json

from local.aws.stacks import Json


def add_values(resource: Json, before: Json | None, after: Json | None) -> None:
    """Before and after, of the whole resource and of each detail; shown when IncludePropertyValues asks."""
    if before is not None:
        resource["BeforeContext"] = _context(before)
    if after is not None:
        resource["AfterContext"] = _context(after)
    for detail in resource.get("Details") or []:
        target = detail["Target"]
        holder, name = ("Properties", target["Name"]) if target.get("Name") else ("", target["Attribute"])
        if not target.get("Name") and name in ("Properties", "Tags"):
            continue
        old = ((before or {}).get(holder) or {} if holder else before or {}).get(name)
        new = ((after or {}).get(holder) or {} if holder else after or {}).get(name)
        target["Path"] = f"/{holder}/{name}" if holder else f"/{name}"
        if old is not None:
            target["BeforeValue"] = _value(old)
        if new is not None:
            target["AfterValue"] = _value(new)
        target["AttributeChangeType"] = "Add" if old is None else "Remove" if new is None else "Modify"


def _context(definition: Json) -> str:
    shown = {key: value for key, value in definition.items() if key not in ("Type", "DependsOn", "Condition")}
    return json.dumps(shown, sort_keys=True, default=str)


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
