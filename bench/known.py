"""What the processor asks its surroundings for, as a measurement has it."""

from collections.abc import Iterator

from processor.secret import Credentials
from processor.validate import Rules

RULES = Rules(oldest_days=7, newest_minutes=10)


class Known:
    """A secret that needs no manager."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def candidates(self) -> Iterator[Credentials]:
        """The one there is."""
        yield self._credentials
