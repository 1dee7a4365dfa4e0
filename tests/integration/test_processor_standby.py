"""Several processors on one stream: one reads, the others stand by; when the one ends, another goes on."""

import signal
import time
from typing import Any

from tests.integration.turns import STORED, TAKEN, load, pair


def test_of_two_that_start_at_once_one_reads_and_the_other_stands_by(site: Any) -> None:
    # Given two processors, started at once
    ports = [site.free_port(), site.free_port()]
    both = [site.start(HEALTH_PORT=port) for port in ports]
    site.put(*site.plant(0, 1000))

    # Then one reads, and the other is healthy without it
    site.wait(lambda: {site.state(port).get("state") for port in ports} == {"reader", "standby"})
    site.wait(lambda: site.one(STORED) == 1000)
    assert site.one(TAKEN) == 1
    assert [site.health(HEALTH_PORT=port) for port in ports] == [0, 0]

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
