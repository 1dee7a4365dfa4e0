"""The script in a real Redis: forward only in time, one round trip."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from processor.columns import Columns, Kind
from processor.latest import Latest, newest_of
from processor.names import Names

PATH = "acme/lon1/press/line2/cell4/m17/spindle_temp"
KEY, METRIC = PATH.rsplit("/", 1)


@pytest.fixture
def client(redis: Any) -> Iterator[Any]:
    opened = redis.client()
    opened.flushall()
    opened.script_flush()
    yield opened
    opened.flushall()
    opened.close()


def one(ts: int, number: float, hist: bool = False) -> tuple[Columns, Names]:
    names = Names()
    columns = Columns(
        slot=np.array([names.add(PATH, None)], np.int32),
        record=np.zeros(1, np.int64),
        ts=np.array([ts], np.int64),
        seq=np.zeros(1, np.int64),
        quality=np.array([192], np.int16),
        status=np.array([-1], np.int64),
        kind=np.array([Kind.NUMBER], np.int8),
        number=np.array([number]),
        hist=np.array([hist]),
        text=None,
        extra=None,
    )
    return newest_of(columns), names


def test_a_late_reading_never_replaces_a_newer_one(client: Any) -> None:
    latest = Latest(client)
    base = 1_763_897_519_000_000
    held = []
    for ts, number in ((base, 1), (base - 1, 2), (base + 1, 3), (base + 1, 4), (base - 10**15, 5)):
        latest.show(*one(ts, number))
        held.append(client.hget(f"latest:{KEY}", METRIC).decode())
    stamps = [int(value.split()[0]) - base for value in held]
    assert stamps == [0, 0, 1, 1, 1]
    assert held[-1].endswith('{"ts":1763897519000.001,"value":4,"q":192,"unit":null}')
    assert latest.away is None


def test_history_shows_nothing_and_a_forgotten_script_comes_back(client: Any) -> None:
    latest = Latest(client)
    latest.show(*one(1_763_897_519_000_000, 1, hist=True))
    assert client.keys("*") == []
    latest.show(*one(1_763_897_519_000_000, 1))
    client.script_flush()
    latest.show(*one(1_763_897_519_000_001, 2))
    assert client.hget(f"latest:{KEY}", METRIC).startswith(b"1763897519000001 ")


def test_a_value_that_is_none_of_ours_does_not_stand_in_the_way(client: Any) -> None:
    latest = Latest(client)
    client.hset(f"latest:{KEY}", METRIC, "reset by hand")
    latest.show(*one(1_763_897_519_000_000, 1))
    assert latest.away is None
    assert client.hget(f"latest:{KEY}", METRIC).startswith(b"1763897519000000 ")
