"""Several processors on one stream: one reads, the others stand by; when the one ends, another goes on."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any

MIGRATIONS = list((Path(__file__).parents[2] / "processor" / "migrations").glob("*.sql"))
TAKEN = "SELECT max(epoch) FROM shard_progress"
STORED = "SELECT count(*) FROM reading"
CUT = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE locktype = 'advisory' AND datname = current_database()"
)


def pair(site: Any, **changes: str) -> tuple["Popen[bytes]", "Popen[bytes]", str]:
    """A reader, and a standby with its health port."""
    reader = site.start(**changes)
    site.wait(lambda: site.one(TAKEN) == 1)
    port = site.free_port()
    standby = site.start(HEALTH_PORT=port, **changes)
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


def test_of_two_that_start_at_once_one_reads_and_the_other_stands_by(site: Any) -> None:
    # Given two processors, started at once on an empty database
    ports = [site.free_port(), site.free_port()]
    both = [site.start(HEALTH_PORT=port) for port in ports]
    site.put(*site.plant(0, 1000))

    # Then one migrates and reads, and the other is healthy without either
    site.wait(lambda: {site.state(port).get("state") for port in ports} == {"reader", "standby"})
    site.wait(lambda: site.one(STORED) == 1000)
    assert site.one(TAKEN) == 1
    assert [site.health(HEALTH_PORT=port) for port in ports] == [0, 0]
    assert site.log.read_text().count("applying migration") == len(MIGRATIONS)

    # When the one that stands by is told to stop
    waiting = next(number for number, port in enumerate(ports) if site.state(port).get("state") == "standby")
    began = time.monotonic()
    both[waiting].send_signal(signal.SIGTERM)

    # Then it ends at once, and the other reads on
    assert both[waiting].wait(10) == 0
    assert time.monotonic() - began < 3
    site.put(*site.plant(1000, 500))
    site.wait(lambda: site.one(STORED) == 1500)
    site.check_tables(1500)
    assert site.one(TAKEN) == 1


def test_a_killed_reader_is_replaced_within_seconds_and_nothing_is_lost_or_doubled(site: Any) -> None:
    # Given a reader under load, and one that stands by
    reader, standby, port = pair(site)
    with load(site, 12_000):
        site.wait(lambda: site.one(STORED) > 2000)

        # When the reader is killed
        reader.kill()
        killed = time.monotonic()
        site.wait(lambda: site.one(TAKEN) == 2, 10)
        taken = time.monotonic() - killed

    # Then the other has taken over, and every reading is there once
    site.wait(lambda: site.one(STORED) == 12_000, 60)
    site.check_tables(12_000)
    assert standby.poll() is None
    assert site.state(port)["state"] == "reader"
    assert taken < 5, f"{taken:.1f} s"
    print(f"taken over {taken:.2f} s after the kill")


def test_a_rolling_replacement_hands_over_within_seconds(site: Any) -> None:
    # Given a reader under load, and its successor, which is healthy already
    reader, successor, port = pair(site)
    with load(site, 12_000):
        site.wait(lambda: site.one(STORED) > 2000)

        # When the reader is told to stop, as a deployment does
        reader.send_signal(signal.SIGTERM)
        told = time.monotonic()
        site.wait(lambda: site.one(TAKEN) == 2, 10)
        taken = time.monotonic() - told
        assert reader.wait(10) == 0

    # Then the successor goes on where it ended
    site.wait(lambda: site.one(STORED) == 12_000, 60)
    site.check_tables(12_000)
    assert successor.poll() is None
    assert site.state(port)["state"] == "reader"
    assert taken < 5, f"{taken:.1f} s"
    print(f"handed over {taken:.2f} s after the signal")


def test_a_reader_that_stands_still_loses_its_turn_and_leaves_when_it_wakes(site: Any) -> None:
    # Given a reader that stands still, as on a machine that is frozen: its connection stays open
    reader, _, _ = pair(site)
    site.put(*site.plant(0, 100))
    site.wait(lambda: site.one(STORED) == 100)
    os.kill(reader.pid, signal.SIGSTOP)
    frozen = time.monotonic()

    # When more comes, then the other one takes over although nobody told the server anything
    site.put(*site.plant(100, 100))
    site.wait(lambda: site.one(TAKEN) == 2, 60)
    print(f"taken over {time.monotonic() - frozen:.1f} s after the freeze")
    site.wait(lambda: site.one(STORED) == 200)

    # And when it wakes, it stores nothing more and ends by itself, with its own exit code
    os.kill(reader.pid, signal.SIGCONT)
    assert reader.wait(30) == 3
    site.put(*site.plant(200, 100))
    site.wait(lambda: site.one(STORED) == 300)
    site.check_tables(300)


def test_a_zombie_that_gets_a_turn_is_fenced_by_its_old_epoch(site: Any) -> None:
    # Given a reader that stands still, whose shard another one took over, and that one is gone again
    zombie, other, _ = pair(site)
    site.put(*site.plant(0, 100))
    site.wait(lambda: site.one(STORED) == 100)
    os.kill(zombie.pid, signal.SIGSTOP)
    assert site.one(CUT) == 1
    site.wait(lambda: site.one(TAKEN) == 2)
    site.put(*site.plant(100, 100))
    site.wait(lambda: site.one(STORED) == 200)
    other.send_signal(signal.SIGTERM)
    assert other.wait(10) == 0

    # When it wakes: nobody has the lock, so it reads on, and what it reads goes beyond what is stored
    site.put(*site.plant(200, 100))
    os.kill(zombie.pid, signal.SIGCONT)

    # Then the epoch alone keeps it from storing anything
    assert zombie.wait(30) == 3
    assert "is owned by epoch 2, not 1" in site.log.read_text()
    site.check_tables(200)

    # And who comes next goes on where the last owner ended
    site.start()
    site.wait(lambda: site.one(STORED) == 300)
    site.check_tables(300)


def test_a_quiet_reader_keeps_its_turn(site: Any) -> None:
    # Given a reader without anything to store, beside one that waits for its turn
    _, _, port = pair(site)

    # When the server's patience with a silent session has passed
    time.sleep(33)

    # Then the reader has said enough to be left alone
    assert site.state(port)["state"] == "standby"
    assert site.one(TAKEN) == 1
    assert "the database is away" not in site.log.read_text()


def test_a_reader_whose_session_is_cut_reads_on_or_leaves(site: Any) -> None:
    # Given a reader under load beside a standby
    reader, standby, _ = pair(site)
    with load(site, 6000):
        for _ in range(3):
            site.wait(lambda: site.one(CUT))
            time.sleep(0.3)

    # Then, whoever has the turn now, every reading is there once, and who has left says why
    site.wait(lambda: site.one(STORED) == 6000, 60)
    site.check_tables(6000)
    ends = {process.poll() for process in (reader, standby)}
    assert ends in ({None}, {None, 3})
