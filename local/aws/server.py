"""The child: ministack with our additions, served until its parent lets go."""

import asyncio
import json
import logging
import shutil
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack import app
from ministack.core import lambda_runtime

from local.aws import acts, additions, stacks
from local.aws.ageing import ageing
from local.aws.clock import moving
from local.aws.connecting import admitting
from local.aws.credentials import handing_out
from local.aws.embedded import CacheServer, DatabaseServer
from local.aws.endpoints import Endpoints
from local.aws.faults import taking
from local.aws.noting import telling
from local.aws.refusals import Refusals, refusing

logger = logging.getLogger("local.aws")

SETTLE_SECONDS = 5.0


@dataclass(frozen=True)
class Settings:
    """What embedded.py says on the first line of stdin."""

    account: str
    endpoints: Endpoints


def read_settings(line: str) -> Settings:
    said: dict[str, Any] = json.loads(line)
    return Settings(
        account=said["account"],
        endpoints=Endpoints(
            database=DatabaseServer(**said["database"]),
            cache=CacheServer(**said["cache"]),
            ca_file=Path(said["ca_file"]),
        ),
    )


def main(listener: int) -> None:
    """Serve on file descriptor `listener` until stdin ends or SIGTERM comes."""
    settings = read_settings(sys.stdin.readline())
    additions.install(settings.endpoints)
    try:
        asyncio.run(_serve(listener))
    finally:
        lambda_runtime.reset()  # ends the functions' processes
        # A parent that was killed cannot do it.
        shutil.rmtree(tempfile.gettempdir(), ignore_errors=True)


async def _serve(listener: int) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    watch = threading.Thread(target=_watch_stdin, args=(loop, ended), daemon=True, name="parent-watch")
    watch.start()
    config = Config()
    config.bind = [f"fd://{listener}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.loglevel = "WARNING"

    async def settled() -> None:
        await ended.wait()
        await _stacks_settled()

    refusals = Refusals()
    answering = refusing(admitting(moving(telling(ageing(handing_out(app.app))))), refusals)
    await serve(taking(answering, acts.FAULTS, refusals), config, shutdown_trigger=settled)


async def _stacks_settled() -> None:
    """A stack saved in mid-operation would stay so for ever: let what runs come to its end."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while stacks.in_operation() and time.monotonic() < deadline:
        await asyncio.sleep(0.05)


def _watch_stdin(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    while sys.stdin.readline():
        pass
    logger.info("the parent let go: stopping")
    loop.call_soon_threadsafe(ended.set)
