"""A database restored to a point in time while readings flow, as docs/restoring.md tells."""

import signal
import threading
from typing import Any

READINGS = 1_400


def stop(process: Any) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def copy(site: Any, source: str, target: str) -> None:
    with site.postgres.operator("postgres") as operator:
        operator.execute(f"CREATE DATABASE {target} TEMPLATE {source}".encode())


def restore(site: Any, backup: str) -> None:
    name = site.credentials.dbname
    with site.postgres.operator("postgres") as operator:
        operator.execute(f"ALTER DATABASE {name} RENAME TO {name}_lost".encode())
        operator.execute(f"ALTER DATABASE {backup} RENAME TO {name}".encode())


def stored(site: Any) -> int:
    return int(site.one("SELECT count(*) FROM reading") or 0)


def test_a_restore_under_load_loses_nothing_and_doubles_nothing(site: Any) -> None:
    # given a plant that never stops, a backup at one moment, and a database lost at a later one
    readings = site.plant(0, READINGS)
    over = threading.Event()
    pace = threading.Event()

    def flow() -> None:
        for start in range(0, READINGS, 10):
            site.put(*readings[start : start + 10])
            pace.wait(0.03)
        over.set()

    plant = threading.Thread(target=flow)
    plant.start()
    process = site.start()
    site.wait(lambda: stored(site) >= 200)
    stop(process)
    backup = f"{site.credentials.dbname}_backup"
    copy(site, site.credentials.dbname, backup)
    backed_up = site.query("SELECT sequence_number FROM shard_progress")
    process = site.start()
    site.wait(lambda: stored(site) >= 500)
    stop(process)

    # when the backup takes its place
    restore(site, backup)
    assert site.query("SELECT sequence_number FROM shard_progress") == backed_up
    process = site.start()
    site.wait(lambda: over.is_set() and stored(site) == READINGS)
    plant.join(10)
    stop(process)

    # then all is there, once, and counted once, and nothing is said to be lost
    site.check_tables(READINGS)
    assert site.query("SELECT count(*) FROM stream_gap") == [(0,)]


def test_a_restore_to_before_what_the_stream_still_holds_says_what_is_lost(site: Any) -> None:
    # given a backup of 300 readings; the next 300 are stored, and lost with the database and by the stream
    readings = site.plant(0, 700)
    site.put(*readings[:300])
    process = site.start()
    site.wait(lambda: stored(site) == 300)
    stop(process)
    backup = f"{site.credentials.dbname}_backup"
    copy(site, site.credentials.dbname, backup)
    site.put(*readings[300:600])
    process = site.start()
    site.wait(lambda: stored(site) == 600)
    stop(process)
    restore(site, backup)
    site.aws.age(site.stream, 25 * 3600)
    site.put(*readings[600:])

    # when the processor goes on
    ((last,),) = site.query("SELECT sequence_number FROM shard_progress")
    process = site.start()
    site.wait(lambda: stored(site) == 400)
    stop(process)

    # then the rest is there once, and one row names the last reading before the gap
    assert site.query("SELECT sum(number) FROM reading") == [(sum(range(300)) + sum(range(600, 700)),)]
    assert site.query("SELECT after_sequence_number, reason FROM stream_gap") == [(last, "expired")]
