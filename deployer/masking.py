"""Secret values: what looks like one, and the text without it.

CloudFormation itself shows `****` for a NoEcho parameter; a secret that came another way it shows as it is.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

import re
from collections.abc import Mapping
from typing import Any

MASKED = "****"
# By the name of a property, a parameter or a variable. `…Arn`, `…Name` and `…Id` name a secret, and are none.
NAMES = re.compile(
    r"(?i)(password|passwd|passphrase|secret_?string|auth_?token|access_?token|private_?key|client_?secret"
    r"|secret_?(access_?)?key|api_?key|_token|_secret)s?$"
)
# By the value: an access key's id, a private key, a GitHub and a Slack token, an URL with a password.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
SHAPES = re.compile(
    r"\b(AKIA|ASIA)[A-Z0-9]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----|\bgh[pousr]_[A-Za-z0-9]{36}"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}|\b[a-z][a-z0-9+]*://[^/\s:@]+:[^/\s:@{}]+@"
)
# What stands where a secret would, and is none: a reference, what is not known yet, a switch.
HARMLESS = re.compile(r"\{\{.*\}\}|arn:.*|true|false|\*+|", re.IGNORECASE | re.DOTALL)


def looks_secret(name: str, value: str) -> bool:
    """Whether `value`, under `name`, would give a secret away."""
    if HARMLESS.fullmatch(value):
        return False
    return NAMES.search(name) is not None or SHAPES.search(value) is not None


def mask(name: str, value: Any) -> Any:
    """The same value with `****` for each secret in it, at any depth."""
    if isinstance(value, Mapping):
        # A variable of a container has its name beside its value.
        called = value.get("Name") or value.get("Key")
        return {
            key: mask(called if key == "Value" and isinstance(called, str) else str(key), each)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [mask(name, each) for each in value]
    return MASKED if isinstance(value, str) and looks_secret(name, value) else value
