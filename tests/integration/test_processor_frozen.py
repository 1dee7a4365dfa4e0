"""A reader that stands still, is woken, is silent, or loses its session: who reads then, and who leaves."""

import os
import signal
import time
from typing import Any

from tests.integration.impatient import SILENCE_SECONDS
from tests.integration.turns import CUT, STORED, TAKEN, load, pair

IMPATIENT = "tests.integration.impatient"
# How long the reader's session is there, by the server's clock.
SESSION = """
    SELECT extract(epoch FROM clock_timestamp() - backend_start)::double precision
    FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND datname = current_database()"""


def test_a_reader_that_stands_still_loses_its_turn_and_leaves_when_it_wakes(site: Any) -> None:
    # Given a reader that stands still, as on a machine that is frozen: its connection stays open
    reader, _, _ = pair(site, IMPATIENT)
    site.put(*site.plant(0, 100))
    site.wait(lambda: site.one(STORED) == 100)
    os.kill(reader.pid, signal.SIGSTOP)
    frozen = time.monotonic()

    # When more comes, then the other one takes over although nobody told the server anything
    site.put(*site.plant(100, 100))
    site.wait(lambda: site.one(TAKEN) == 2)
    taken = time.monotonic() - frozen
    print(f"taken over {taken:.1f} s after the freeze, of which the server waited {SILENCE_SECONDS:.0f} s")
    site.wait(lambda: site.one(STORED) == 200)

    # And when it wakes, it stores nothing more and ends by itself, with its own exit code
    os.kill(reader.pid, signal.SIGCONT)
    assert reader.wait(30) == 3
    site.put(*site.plant(200, 100))
    site.wait(lambda: site.one(STORED) == 300)
    site.check_tables(300)


def test_a_zombie_that_gets_a_turn_is_fenced_by_its_old_epoch(site: Any) -> None:
    # Given a reader that stands still, whose shard another one took over, and that one is gone again
    zombie, other, _ = pair(site, IMPATIENT)
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
    site.start(IMPATIENT)
    site.wait(lambda: site.one(STORED) == 300)
    site.check_tables(300)


def test_a_quiet_reader_keeps_its_turn(site: Any) -> None:
    # Given a reader without anything to store, beside one that waits for its turn
    _, _, port = pair(site, IMPATIENT)
    age = site.one(SESSION)

    # When twice the server's patience with a silent session has passed
    site.wait(lambda: site.one(SESSION) > age + 2 * SILENCE_SECONDS)

    # Then the reader has said enough to be left alone
    assert site.state(port)["state"] == "standby"
    assert site.one(TAKEN) == 1
    assert "the database is away" not in site.log.read_text()


def test_a_reader_whose_session_is_cut_reads_on_or_leaves(site: Any) -> None:
    # Given a reader under load beside a standby
    reader, standby, _ = pair(site, IMPATIENT)
    with load(site, 6000):
        for _ in range(3):
            site.wait(lambda: site.one(CUT))
            time.sleep(0.3)

    # Then, whoever has the turn now, every reading is there once, and who has left says why
    site.wait(lambda: site.one(STORED) == 6000, 60)
    site.check_tables(6000)
    ends = {process.poll() for process in (reader, standby)}
    assert ends in ({None}, {None, 3})
