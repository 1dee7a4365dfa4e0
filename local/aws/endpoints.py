"""Where the simulated services' real counterparts listen."""

from dataclasses import dataclass
from pathlib import Path

from local.aws.embedded import CacheServer, DatabaseServer


@dataclass(frozen=True)
class Endpoints:
    database: DatabaseServer
    cache: CacheServer
    ca_file: Path  # PEM: what a deployed function verifies the database's certificate against
