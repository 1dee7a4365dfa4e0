"""Several processors on one stream, and a plant that sends meanwhile."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import Popen
from typing import Any

TAKEN = "SELECT max(epoch) FROM shard_progress"
STORED = "SELECT count(*) FROM reading"
CUT = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE locktype = 'advisory' AND datname = current_database()"
)


def pair(site: Any, module: str = "processor") -> tuple["Popen[bytes]", "Popen[bytes]", str]:
    """A reader, and a standby with its health port."""
    reader = site.start(module)
    site.wait(lambda: site.one(TAKEN) == 1)
    port = site.free_port()
    standby = site.start(module, HEALTH_PORT=port)
    site.wait(lambda: site.state(port).get("state") == "standby")
    return reader, standby, port


@contextmanager
def load(site: Any, total: int) -> Iterator[None]:
    """A plant that sends while the block runs, and that has sent all of `total` when it has ended."""

    def send() -> None:
        for start in range(0, total, 200):
            site.put(*site.plant(start, 200))
            time.sleep(0.02)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        sender.join(60)
    assert not sender.is_alive()
