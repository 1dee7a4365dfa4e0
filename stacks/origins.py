"""Which line of Python made each resource, written down for the deployer, which never imports a stack.

One file an environment. Each template stands there with the digest of its text, so that nobody is sent to
a line that made another template.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from stacks.wiring import HERE, Origin, StackTemplate


def document(emitted: Iterable[tuple[Path, str, StackTemplate]]) -> dict[str, str]:
    """Environment → JSON: template's file name → its text's SHA-256, and logical id → file:line."""
    found: dict[str, dict[str, object]] = {}
    for path, text, template in emitted:
        found.setdefault(template.environment, {})[path.name] = {
            "digest": hashlib.sha256(text.encode()).hexdigest(),
            "lines": {title: shown(origin) for title, origin in template.origins.items()},
        }
    return {environment: json.dumps(files, indent=1) + "\n" for environment, files in found.items()}


def shown(origin: Origin) -> str:
    """`stacks/database.py:57`"""
    root = HERE.parents[1]
    file = origin.file.relative_to(root) if origin.file.is_relative_to(root) else origin.file
    return f"{file.as_posix()}:{origin.line}"
