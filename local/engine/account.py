"""The embedded AWS alone, for what needs neither database nor cache."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.aws import CacheServer, DatabaseServer, EmbeddedAws

ACCOUNT = "111122223333"


@contextmanager
def opened(directory: Path) -> Iterator[EmbeddedAws]:
    """An account whose database and cache are names only."""
    with EmbeddedAws(
        account=ACCOUNT,
        database=DatabaseServer("localhost", 5432, "none"),
        cache=CacheServer("localhost", 6379),
        ca_file=directory / "none.pem",
        log=directory / "aws.log",
    ) as aws:
        yield aws
