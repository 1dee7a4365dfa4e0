"""What a release does before it takes traffic: the tables brought up to it, and how long rows are kept.

It runs as a container of its own in the processor's task, with a login that the processor never has, and the
processor's container waits for its success. The release before goes on meanwhile.
docs/decisions/migrations.md
"""

import logging
import os
import time
from collections.abc import Callable, Mapping

import psycopg

from processor.migrate import migrate
from processor.settings import MigrationSettings, read
from processor.storage.database import Session, connect

logger = logging.getLogger(__name__)

# Fargate gives up after 3 minutes for a container that another one waits for; what comes of it should be in
# the log before that. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
PATIENCE_SECONDS = 150.0
PAUSE_SECONDS = 2.0


def from_environment(environment: Mapping[str, str] = os.environ) -> MigrationSettings:
    """Read every field. Raises SettingsError: each wrong variable and what is allowed."""
    settings = read(MigrationSettings, environment)
    _ = settings.login
    return settings


def run(settings: MigrationSettings, pause: Callable[[float], None] = time.sleep) -> int:
    """Migrate; exit code 0, or 1 when the database was away, its locks taken or the login unknown for 150 s.

    The login is not known before the first rotation has made it, in the very password that this was given.
    What a migration itself does wrong is raised at once: waiting would not mend it.
    """
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with connect(settings.login, settings.database_ca_file) as connection:
                applied = migrate(Session(connection), settings.days)
        except (
            psycopg.OperationalError,
            psycopg.InterfaceError,
            psycopg.errors.ReadOnlySqlTransaction,
        ) as error:
            cause = f"{type(error).__name__}: {str(error).strip()}"[:500]
            if time.monotonic() > end:
                logger.error(
                    "the tables were not brought up to this release: deploy it again when what is in the way "
                    "is mended; the release before goes on",
                    extra={"cause": cause},
                )
                return 1
            logger.warning("not yet: trying again", extra={"cause": cause})
            pause(PAUSE_SECONDS)
        else:
            logger.info("the tables are up to date", extra={"applied": applied})
            return 0
