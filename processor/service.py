"""The running service: everything made from the settings in one place, and torn down in reverse order."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from zoneinfo import ZoneInfo

import boto3
from botocore.config import Config

from processor import cache
from processor.alarms.board import Board
from processor.alarms.notifier import Notifier
from processor.alarms.topic import Topic
from processor.alarms.wording import Voice
from processor.committed import Committed
from processor.health import HealthServer
from processor.latest import Latest
from processor.metrics import Gauges, Metrics, Sampler
from processor.migrate import lacking
from processor.pipeline import Pipeline
from processor.readiness import Readiness, Standing, readiness
from processor.refusals import Refusals
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
    """Serve until SIGTERM or SIGINT, then commit what was read. Exit code 0, or 3 when another took over.

    Of several processors on one stream one reads; the others stand by.
    A batch that is not finished within 30 s of the signal is left, with exit code 1: it is read again.
    Any other exception is let out, and one in any other thread ends the process where it stands: what was not
    committed is read again.
    """
    threading.excepthook = end_at_once
    stopping = threading.Event()
    stop_on_signals(stopping)
    aws = boto3.Session(region_name=settings.region)
    secret = DatabaseSecret(aws.client("secretsmanager", config=AWS_CALLS), settings.database_secret_arn)
    database = Database(secret, settings.database_ca_file, stopping, settings.session_minutes * 60)
    turn = Turn(settings.stream_name, stopping, lacking)
    database.opened, database.renewed = turn.take, turn.hand_over
    latest = Latest(cache.connect(settings))
    metrics = Metrics(settings.environment, settings.stream_name)
    notifier = notifier_of(
        settings,
        Database(secret, settings.database_ca_file, stopping, settings.session_minutes * 60),
        topic_of(settings, aws),
        stopping=stopping,
        due=lambda: turn.state == "reader",
        sent=metrics.told,
    )
    pipeline = Pipeline(
        Store(database, settings.stream_name),
        latest,
        rules_of(settings),
        committed=counted(metrics, notifier),
        refused=Refusals(settings.stream_name).tell,
        stopping=stopping,
    )

    def state() -> dict[str, object]:
        counts = pipeline.counts
        return {
            "environment": settings.environment,
            "state": turn.state,
            "database": database.waiting_for or turn.lacks or "connected",
            "cache": latest.away or "connected",
            "inserted": counts.inserted,
            "absorbed": counts.absorbed,
            "refused": counts.refused,
            "lag_ms": dict(counts.lag_ms),
        }

    def ready() -> Readiness:
        standing = Standing(
            role=turn.state,
            lacks=turn.lacks,
            database=database.waiting_for,
            cache=latest.away,
            lag_ms=dict(pipeline.counts.lag_ms),
            last=dict(metrics.last),
            abreast=poller.abreast(),
        )
        return readiness(standing, time.monotonic())

    def gauges() -> Gauges:
        counts = pipeline.counts
        return Gauges(
            dict(counts.lag_ms),
            database.waiting_for or turn.lacks,
            latest.away,
            counts.gaps,
            notifier.standing,
            notifier.age,
        )

    health = HealthServer(settings.health_port, state, ready)
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
    with Sampler(metrics, gauges), health:
        try:
            database.run(
                lambda session: None
            )  # when it has a session, the tables are there and it is our turn
            retention.start()
            notifier.start()
            poller.run()
        except Stopping:
            logger.info("stopped while waiting; what was taken will be read again")
        except (ShardLost, TurnLost) as error:
            logger.error("another process took over: leaving", extra={"cause": str(error)})
            return TAKEN_OVER
        finally:
            stopping.set()  # a writer that waits for the database gives up
            pipeline.close(GRACE_SECONDS)
            notifier.close(GRACE_SECONDS)
            database.close()
    logger.info("stopped", extra=state())
    return 0


def rules_of(settings: Settings) -> Rules:
    zone = ZoneInfo(settings.site_time_zone) if settings.site_time_zone else None
    days, minutes = settings.oldest_reading_days, settings.newest_reading_minutes
    return Rules(days, minutes, zone, bind_devices=bool(settings.bind_devices))


def counted(metrics: Metrics, notifier: Notifier) -> Callable[[Committed], None]:
    """What is done after each commit: it is counted, and who tells people of alarms is woken."""

    def committed(one: Committed) -> None:
        metrics.committed(one)
        if one.raised or one.cleared:
            notifier.wake()

    return committed


def topic_of(settings: Settings, aws: boto3.Session) -> Topic | None:
    """Who is told of alarms; None: nobody."""
    arn = settings.alarm_topic_arn
    # The notifier counts each attempt: none may be made behind its back.
    once = AWS_CALLS.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}))
    return Topic(aws.client("sns", config=once), arn) if arn else None


def notifier_of(
    settings: Settings,
    database: Database,
    topic: Topic | None,
    *,
    stopping: threading.Event,
    due: Callable[[], bool],
    sent: Callable[[], object],
) -> Notifier:
    """What tells people of alarms, on connections of its own: nothing of it keeps a reading."""
    zone = ZoneInfo(settings.site_time_zone or "UTC")
    board, voice = Board(cache.connect(settings)), Voice(settings.environment, zone)
    return Notifier(database, topic, board, voice, stopping=stopping, due=due, sent=sent)


def stop_on_signals(stopping: threading.Event) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        if not stopping.is_set():
            last = threading.Timer(GRACE_SECONDS, _leave)
            last.daemon = True
            last.start()  # first: the interrupted thread may be within the event's own lock
            stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def end_at_once(failure: threading.ExceptHookArgs) -> None:
    """A thread that has died has left its work undone: going on would hide that. Exit code 1."""
    if failure.exc_type is SystemExit:
        return
    name = failure.thread.name if failure.thread is not None else "unknown"
    error = failure.exc_value or failure.exc_type()
    try:
        logger.critical(
            "a thread ended by an unexpected error: leaving", exc_info=error, extra={"ended_thread": name}
        )
    finally:
        os._exit(1)


def _leave() -> None:
    logger.error("the batch was not finished in time: leaving, it will be read again")
    os._exit(1)
