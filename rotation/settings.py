"""What the rotation function is told by its environment. The template makes its variables from the fields."""

import os
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Settings:
    """One environment variable per field, in upper case."""

    database_host: str  # of the one instance whose logins it rotates
    master_secret_arn: str  # RDS's own: {"username", "password"}
    database_ca_file: str  # PEM bundle that the database's certificate is verified against


def from_environment(environment: os._Environ[str] | dict[str, str] = os.environ) -> Settings:
    """Read every field; raises KeyError-free RuntimeError naming the variables that are missing."""
    names = [field.name for field in fields(Settings)]
    missing = [name.upper() for name in names if not environment.get(name.upper())]
    if missing:
        raise RuntimeError(f"the environment lacks {', '.join(missing)}; the function's template sets them")
    return Settings(**{name: environment[name.upper()] for name in names})
