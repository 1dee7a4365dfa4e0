"""What cfn-lint carries as data: schemas of resource types, and the service authorization reference.

Read from its files, without loading the linter, and without the newer schemas that it may have fetched: the
same templates on every machine that has this version of it.
"""

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any


@cache
def schema(kind: str, region: str) -> dict[str, Any]:
    """The schema of a type. Raises KeyError for one that the region has not."""
    digest = _read(f"schemas/providers/{region}.json")[kind]
    return _read(f"schemas/resources/{digest}.json")


@cache
def authorization() -> dict[str, Any]:
    """Service → Actions and Resources: https://docs.aws.amazon.com/service-authorization/latest/reference/"""
    return _read("AdditionalSpecs/Policies.json")


@cache
def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_data() / name).read_text(encoding="utf-8"))
    return found


def _data() -> Path:
    """Raises ModuleNotFoundError where cfn-lint is not installed: pip install -e .[build]"""
    spec = find_spec("cfnlint")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            "cfn-lint is not installed, whose data stacks/ reads: pip install -e .[build]"
        )
    return Path(spec.origin).parent / "data"
