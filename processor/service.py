"""The running service: everything made from the settings in one place, and torn down in reverse order."""

import logging
import os
import signal
import threading
from types import FrameType
from zoneinfo import ZoneInfo

import boto3
from botocore.config import Config

from processor import cache
from processor.health import HealthServer
from processor.latest import Latest
from processor.migrate import require
from processor.pipeline import Pipeline
from processor.retention import Retention
from processor.secret import DatabaseSecret
from processor.settings import Settings
from processor.source.poll import Poller
from processor.storage.database import Database, Stopping
from processor.storage.store import ShardLost, Store
from processor.turn import Turn, TurnLost
from processor.validate import Rules

logger = logging.getLogger(__name__)

# botocore's own bounds would let one call hang for five minutes, past any SIGTERM; the callers try again.
AWS_CALLS = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2})
# After SIGTERM; less than the task's stop timeout. A database that neither answers nor closes would keep the
# next task waiting for this one. Whether the batch was committed or not, the next owner finds out.
GRACE_SECONDS = 30.0
TAKEN_OVER = 3  # the exit code when another process took a shard or the turn


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT, then finish the batch. Exit code 0, or 3 when another process took over.

    Of several processors on one stream one reads; the others stand by.
    A batch that is not finished within 30 s of the signal is left, with exit code 1: it is read again.
    Any other exception is let out: the process ends at once, and what was not committed is read again.
    """
    stopping = threading.Event()
    _stop_on_signals(stopping)
    aws = boto3.Session(region_name=settings.region)
    secret = DatabaseSecret(aws.client("secretsmanager", config=AWS_CALLS), settings.database_secret_arn)
    database = Database(secret, settings.database_ca_file, stopping)
    turn = Turn(settings.stream_name, stopping)
    database.opened = turn.take
    latest = Latest(cache.connect(settings))
    pipeline = Pipeline(Store(database, settings.stream_name), latest, _rules(settings))

    def state() -> dict[str, object]:
        counts = pipeline.counts
        return {
            "environment": settings.environment,
            "state": turn.state,
            "database": database.waiting_for or "connected",
            "cache": latest.away or "connected",
            "inserted": counts.inserted,
            "absorbed": counts.absorbed,
            "refused": counts.refused,
            "lag_ms": dict(counts.lag_ms),
        }

    with HealthServer(settings.health_port, state) as health:
        database.beat = turn.beat = health.beat

        def alive() -> None:
            health.beat()
            database.say()

        poller = Poller(
            aws.client("kinesis", config=AWS_CALLS),
            settings.stream_name,
            pipeline,
            poll_seconds=settings.poll_seconds,
            batch_records=settings.batch_records,
            stopping=stopping,
            beat=alive,
        )
        housekeeping = Database(secret, settings.database_ca_file, stopping)
        retention = Retention(housekeeping, stopping, lambda: turn.state == "reader")
        try:
            database.run(require)
            retention.start()
            poller.run()
        except Stopping:
            logger.info("stopped while waiting; a batch in hand will be read again")
        except (ShardLost, TurnLost) as error:
            logger.error("another process took over: leaving", extra={"cause": str(error)})
            return TAKEN_OVER
        finally:
            database.close()
    logger.info("stopped", extra=state())
    return 0


def _rules(settings: Settings) -> Rules:
    zone = ZoneInfo(settings.site_time_zone) if settings.site_time_zone else None
    return Rules(settings.oldest_reading_days, settings.newest_reading_minutes, zone)


def _stop_on_signals(stopping: threading.Event) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        if not stopping.is_set():
            stopping.set()
            last = threading.Timer(GRACE_SECONDS, _leave)
            last.daemon = True
            last.start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def _leave() -> None:
    logger.error("the batch was not finished in time: leaving, it will be read again")
    os._exit(1)
