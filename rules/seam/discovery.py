"""Every rule there is: whatever a module under rules/families declares."""

import importlib
import pkgutil
from functools import cache

from rules import families
from rules.seam.rule import BadRule, Rule


@cache
def every_rule() -> tuple[Rule, ...]:
    """By id. Raises BadRule where two rules share one."""
    found: dict[str, Rule] = {}
    for module in pkgutil.walk_packages(families.__path__, f"{families.__name__}."):
        for declared in vars(importlib.import_module(module.name)).values():
            if isinstance(declared, Rule) and declared.judge.__module__ == module.name:
                if declared.id in found:
                    other = found[declared.id].judge.__module__
                    raise BadRule(f"{declared.id}: is declared in {other} and in {module.name}")
                found[declared.id] = declared
    return tuple(found[name] for name in sorted(found))
