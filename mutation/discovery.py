"""Every break there is: whatever a module under mutation/breaks declares."""

import importlib
import pkgutil
from functools import cache

from mutation import breaks
from mutation.breaking import BadBreak, Break


@cache
def every_break() -> tuple[Break, ...]:
    """By family, in the order of the source. Raises BadBreak where two share a name."""
    found: dict[str, Break] = {}
    for module in pkgutil.walk_packages(breaks.__path__, f"{breaks.__name__}."):
        for declared in vars(importlib.import_module(module.name)).values():
            if isinstance(declared, Break) and declared.edit.__module__ == module.name:
                if declared.title in found:
                    raise BadBreak(f"{declared.title}: is declared twice")
                found[declared.title] = declared
    return tuple(found.values())
