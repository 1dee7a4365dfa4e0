"""What can happen to a property's value: it is lowered, turned off, removed.

A value is what CloudFormation tells, a number or its text; None where there is none, and then the service's
default counts, which whoever asks knows. Of what is no number yet nothing holds.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

Test = Callable[[Any, Any], bool]  # of the value before and the one after


def _number(value: Any, default: float) -> float:
    try:
        return default if value is None else float(value)
    except (TypeError, ValueError):
        return math.nan  # not known yet, or no number: no comparison with it holds


def _truth(value: Any, default: bool) -> bool | None:
    if value is None:
        return default
    return {"true": True, "false": False}.get(str(value).lower())


def lowered(default: float) -> Test:
    return lambda before, after: _number(after, default) < _number(before, default)


def zeroed(default: float) -> Test:
    return lambda before, after: _number(before, default) > 0 and _number(after, default) == 0


def shortened(default: float) -> Test:
    """Lowered, and not to zero."""
    return lambda before, after: 0 < _number(after, default) < _number(before, default)


def turned_on(default: bool = False) -> Test:
    return lambda before, after: _truth(before, default) is False and _truth(after, default) is True


def turned_off(default: bool = True) -> Test:
    return lambda before, after: _truth(before, default) is True and _truth(after, default) is False


def left(value: str) -> Test:
    return lambda before, after: before == value and after != value


def other(before: Any, after: Any) -> bool:
    return after is not None and before != after


def _expiring(configuration: Any) -> dict[str, float]:
    """Rule and kind of expiry → days; a date counts as at once."""
    rules = configuration.get("Rules") if isinstance(configuration, Mapping) else None
    found: dict[str, float] = {}
    for place, rule in enumerate(rules if isinstance(rules, list) else []):
        if not isinstance(rule, Mapping) or rule.get("Status") != "Enabled":
            continue
        noncurrent = rule.get("NoncurrentVersionExpiration")
        if isinstance(noncurrent, Mapping):
            noncurrent = noncurrent.get("NoncurrentDays")
        days = {
            "current": 0 if "ExpirationDate" in rule else rule.get("ExpirationInDays"),
            "noncurrent": noncurrent
            if noncurrent is not None
            else rule.get("NoncurrentVersionExpirationInDays"),
        }
        name = f"{rule.get('Id', place)} {rule.get('Prefix', '')} {rule.get('TagFilters', '')}"
        found |= {
            f"{name} {kind}": _number(value, math.inf) for kind, value in days.items() if value is not None
        }
    return found


def expires_sooner(before: Any, after: Any) -> bool:
    """A lifecycle rule that deletes objects is new, or deletes them earlier."""
    old = _expiring(before)
    return any(days < old.get(name, math.inf) for name, days in _expiring(after).items())
