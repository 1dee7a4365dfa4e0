"""How an addition takes the place of a ministack function: wherever that function was imported to."""

import sys
from collections.abc import Callable
from typing import Any


def replace(original: Callable[..., Any], addition: Callable[..., Any]) -> None:
    """Put `addition` where any loaded ministack module holds `original`, in its globals or its tables.

    Raises LookupError when nothing holds it: upstream has changed, and the addition with it.
    """
    places = 0
    for name, module in list(sys.modules.items()):
        if not name.startswith("ministack"):
            continue
        for key, value in list(vars(module).items()):
            if value is original:
                setattr(module, key, addition)
                places += 1
            elif isinstance(value, dict):
                places += _replace_in_table(value, original, addition)
    if not places:
        raise LookupError(f"no ministack module holds {original!r}")


def _replace_in_table(table: dict[Any, Any], original: object, addition: object) -> int:
    keys = [key for key, value in table.items() if value is original]
    for key in keys:
        table[key] = addition
    return len(keys)
