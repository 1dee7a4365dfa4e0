"""Work that outlives retention: it may drop an empty day between its look at the partitions and its rows."""

from collections.abc import Callable
from typing import TypeVar

from psycopg import errors

from processor.storage.database import Database, Session

# Each day goes once an hour at most, so who loses some of many days to one run is soon past it.
ATTEMPTS = 10
Result = TypeVar("Result")


def run_beside_retention(database: Database, work: Callable[[Session], Result]) -> Result:
    """As `Database.run`, and again when a partition was dropped under it.

    "no partition of relation … found for row" is a CheckViolation that names no constraint. The session went
    with its memory of partitions, so the next attempt makes them again.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return database.run(work)
        except errors.CheckViolation as error:
            if error.diag.constraint_name is not None:
                raise
    return database.run(work)
