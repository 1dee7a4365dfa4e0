"""Whether what --state kept can be gone on with: seen before anything is started or changed.

A run without one of these files would start, deploy and then fail in a place that says little of why.
"""

from pathlib import Path

import msgspec

from local.directory import PASSWORD, PORTS
from local.errors import StateDamaged

POSTGRES = "18"  # the major version; a cluster of another one does not open
SUPERUSER = "postgres/superuser.password"
CLUSTER = "postgres/data"
ACCOUNT = "aws/aws"
STACKS = f"{ACCOUNT}/cloudformation.json"
STACK_NAME = b'"millrace-'
CACHE = "redis/redis.rdb"
CACHE_BEGINS = (b"REDIS", b"VALKEY")


def check(directory: Path) -> None:
    """Raises StateDamaged. What an interrupted run had not come to is not missing."""
    _cluster(directory)
    cache = directory / CACHE
    if cache.exists() and not cache.read_bytes().startswith(CACHE_BEGINS):
        raise StateDamaged(directory=directory, file=cache, why="is damaged")
    if not (directory / PORTS).exists() and not _deployed(directory):
        return  # its servers never stood, and no stack names their ports
    for name in (PORTS, PASSWORD, SUPERUSER, f"{CLUSTER}/PG_VERSION", STACKS):
        _see(directory, directory / name)
    for file in sorted((directory / ACCOUNT).glob("*.json")):
        _see(directory, file)
        try:
            msgspec.json.decode(file.read_bytes(), type=msgspec.Raw)
        except msgspec.DecodeError as error:
            raise StateDamaged(directory=directory, file=file, why="is damaged") from error


def _deployed(directory: Path) -> bool:
    stacks = directory / STACKS
    return stacks.exists() and STACK_NAME in stacks.read_bytes()


def _cluster(directory: Path) -> None:
    version = directory / CLUSTER / "PG_VERSION"
    if not version.exists():
        return
    found = version.read_text(errors="replace").strip()
    if found != POSTGRES:
        why = f"says version {found!r}, and this is PostgreSQL {POSTGRES}"
        raise StateDamaged(directory=directory, file=version, why=why)
    _see(directory, directory / SUPERUSER)
    _see(directory, directory / CLUSTER / "global/pg_control")


def _see(directory: Path, file: Path) -> None:
    if not file.is_file() or not file.stat().st_size:
        why = "is empty" if file.exists() else "is missing"
        raise StateDamaged(directory=directory, file=file, why=why)
