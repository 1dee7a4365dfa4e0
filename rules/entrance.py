"""Where cfn-lint comes in: cfn-lint -a /path/to/millrace/rules -t root.yaml children/*.yaml

cfn-lint imports every file under the directory by its bare name, without its package, those at the top
first; it keeps the classes that are rules of its own kind. This is the one file at the top, so what it
sets up holds for all others, and the one file with such classes.
"""

import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

CHECKOUT = Path(__file__).resolve().parents[1]
OURS = ("rules", "topology")


class _Checkout:
    """Finds the two packages in this checkout, whatever else has such a name; all else as ever."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return PathFinder.find_spec(name, [str(CHECKOUT)], target) if name in OURS else None


def _found() -> None:
    """Raises ImportError, which cfn-lint prints, where a package is missing or is somebody else's."""
    sys.meta_path.insert(0, _Checkout)
    for name in OURS:
        spec = sys.modules[name].__spec__ if name in sys.modules else importlib.util.find_spec(name)
        places = [Path(place).resolve() for place in (spec.submodule_search_locations or ())] if spec else []
        if places != [CHECKOUT / name]:
            where = f"is {places[0]}" if places else "is missing"
            raise ImportError(
                f"millrace's rules need the package {name!r} in {CHECKOUT}, and it {where}: give -a the "
                "rules/ of a whole checkout, from a directory that has no package of that name"
            )


_found()

from rules.seam.adapter import as_class  # noqa: E402 - only now can it be found
from rules.seam.discovery import every_rule  # noqa: E402 - as above

globals().update({rule.id: as_class(rule) for rule in every_rule()})
