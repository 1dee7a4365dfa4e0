"""A child of the engine: everything made from the settings in one place, for one shard."""

import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from processor import cache
from processor.engine.checkpoints import Checkpoints
from processor.engine.child import Child, State, TakenOver
from processor.engine.daemon import Daemon, DaemonGone, claim_stdout
from processor.engine.lines import Lines, widen
from processor.engine.memory import be_thrifty
from processor.engine.past import Past
from processor.engine.post import Post
from processor.engine.tables import Tables
from processor.engine.vitals import Told, Vitals
from processor.latest import Latest
from processor.metrics import Gauges, Metrics, Sampler
from processor.pipeline import Pipeline
from processor.refusals import Refusals
from processor.retention import Retention
from processor.secret import DatabaseSecret
from processor.service import (
    AWS_CALLS,
    GRACE_SECONDS,
    TAKEN_OVER,
    counted,
    end_at_once,
    notifier_of,
    rules_of,
    topic_of,
)
from processor.settings import Settings
from processor.source.stream import Stream
from processor.storage.database import Database, Stopping
from processor.storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

STDIN = 0


def run(settings: Settings) -> int:
    """Serve one shard over standard input and output. Does not return: the process ends where it stands.

    0 the daemon let it go · 1 an error, or the daemon left without a word · 3 the shard was taken over. After
    an error nothing more is answered, so nothing that was not stored can be checkpointed.
    """
    write = claim_stdout()
    be_thrifty()
    threading.excepthook = end_at_once
    # A signal is for the daemon, which ends its children in order; when it dies, the end of its pipe says so.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    code = 1
    try:
        code = _serve(settings, write)
    except BaseException:
        # Nothing is mended by going on: the next process does again what was not committed.
        logger.exception("ended by an unexpected error")
    finally:
        sys.stderr.flush()
        os._exit(code)  # whatever other threads wait for


def _serve(settings: Settings, write: "Callable[[bytes], None]") -> int:
    stopping = threading.Event()
    widen(STDIN)
    daemon = Daemon(Lines(STDIN), write, gone=stopping.set)
    daemon.start()
    aws = boto3.Session(region_name=settings.region)
    secret = DatabaseSecret(aws.client("secretsmanager", config=AWS_CALLS), settings.database_secret_arn)
    database = Database(secret, settings.database_ca_file, stopping, settings.session_minutes * 60)
    latest = Latest(cache.connect(settings))
    metrics = Metrics(
        settings.environment,
        settings.stream_name,
        write=lambda line: print(line, file=sys.stderr, flush=True),  # the daemon hands it on, as it is
    )
    post = Post(Path(settings.children_directory))
    notifier = notifier_of(
        settings,
        Database(secret, settings.database_ca_file, stopping, settings.session_minutes * 60),
        topic_of(settings, aws),
        stopping=stopping,
        due=lambda: post.taken(wanted=child.state is State.OWNER),
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
    beaten = [time.monotonic()]

    def beat() -> None:
        beaten[0] = time.monotonic()

    def alive() -> None:
        if stopping.is_set():
            pipeline.drain()  # raises what the writer met, if it is that
        database.say()

    stream = Stream(aws.client("kinesis", config=AWS_CALLS), settings.stream_name)
    child = Child(
        daemon,
        pipeline,
        Past(stream, pipeline, database, stopping, beat),
        Checkpoints(daemon, settings.checkpoint_seconds),
        beat=beat,
        alive=alive,
    )
    tables = Tables(stopping, beat)
    database.beat = beat
    database.opened = tables.wait

    def vitals() -> Vitals | None:
        counts = pipeline.counts
        if not child.shard:
            return None
        return Vitals(
            shard=child.shard,
            pid=os.getpid(),
            parent=os.getppid(),
            state=child.state.name.lower(),
            beat=beaten[0],
            heard=child.heard,
            lacks=tables.lacks,
            database=database.waiting_for,
            cache=latest.away,
            lag_ms=dict(counts.lag_ms),
            last=dict(metrics.last),
            abreast=child.abreast,
            inserted=counts.inserted,
            absorbed=counts.absorbed,
            refused=counts.refused,
        )

    def gauges() -> Gauges:
        return Gauges(
            dict(pipeline.counts.lag_ms),
            database.waiting_for,
            latest.away,
            pipeline.counts.gaps,
            notifier.standing,
            notifier.age,
        )

    told = Told(Path(settings.children_directory), vitals)
    told.start()
    code = 0
    try:
        with Sampler(metrics, gauges):
            Retention(
                Database(secret, settings.database_ca_file, stopping),
                stopping,
                lambda: child.state is State.OWNER,
            ).start()
            notifier.start()
            child.run()
    except (DaemonGone, Stopping):
        logger.error("the daemon has gone without a word: what is not committed will be read again")
        code = 1
    except TakenOver as error:
        logger.error("another process took over: leaving", extra={"cause": str(error)})
        code = TAKEN_OVER
    stopping.set()
    pipeline.close(GRACE_SECONDS)
    notifier.close(GRACE_SECONDS)
    database.close()
    if not code:
        told.end()
        logger.info("the daemon let the shard go", extra={"shard": child.shard})
    return code
