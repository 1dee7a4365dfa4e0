import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from botocore.exceptions import CredentialRetrievalError
from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import ConnectionError as Away
from redis.exceptions import NoScriptError

from processor import waiting
from processor.latest import (
    AT_ONCE,
    FIRST_REST,
    LONGEST_FINISH,
    LONGEST_HELD,
    LONGEST_WRITE,
    Latest,
    latest_values,
    newest_of,
)
from processor.names import Names
from processor.pipeline import judge
from processor.source.records import Record
from processor.storage.store import Judged
from processor.validate import Rules
from processor.waiting import BESIDE, Value, Waiting

NOW_MS = 1_763_897_519_000
PATH = "acme/lon1/press/line2/cell4/m17/"
Make = Callable[..., Record]


class FakeRedis:
    """Does what the script does, with the faults it is told to have."""

    def __init__(self) -> None:
        self.held: dict[str, dict[str, tuple[int, Any]]] = {}
        self.calls = 0
        self.faults: list[Exception] = []

    def script_load(self, script: str) -> str:
        assert "HSET" in script
        return "sha"

    def evalsha(self, sha: str, numkeys: int, *keys_and_args: str | bytes) -> object:
        self.calls += 1
        if self.faults:
            raise self.faults.pop(0)
        *keys, packed = keys_and_args
        assert len(keys) == numkeys
        assert isinstance(packed, bytes)
        rest = msgspec.msgpack.decode(packed)
        for key, field, ts, document in zip(rest[::4], rest[1::4], rest[2::4], rest[3::4], strict=True):
            hashed = self.held.setdefault(str(keys[int(key) - 1]), {})
            if str(field) not in hashed or int(ts) >= hashed[str(field)][0]:
                hashed[str(field)] = (int(ts), json.loads(str(document)))
        return None


@pytest.fixture
def judged(record: Make) -> Callable[..., Judged]:
    def make(*readings: dict[str, Any]) -> Judged:
        given = [
            {"ts": NOW_MS, "value": 1, **reading, "path": PATH + reading["path"]} for reading in readings
        ]
        return judge([record(item) for item in given], Names(), Rules(7, 10), 0)

    return make


def show(latest: Latest, judged: Judged) -> None:
    latest.show(newest_of(judged.columns), judged.names)


def test_only_the_last_of_each_point_is_shown_and_history_never(judged: Callable[..., Judged]) -> None:
    batch = judged(
        {"path": "a", "value": 2, "ts": NOW_MS + 5},
        {"path": "a", "value": 1},
        {"path": "b", "value": "on", "unit": "V"},
        {"path": "c", "hist": True},
    )
    shown = {
        path: json.loads(value.document)
        for path, value in latest_values(newest_of(batch.columns), batch.names)
    }
    assert shown == {
        PATH + "a": {"ts": NOW_MS + 5, "value": 2.0, "q": 192, "unit": None},
        PATH + "b": {"ts": NOW_MS, "value": "on", "q": 192, "unit": "V"},
    }


def test_one_call_writes_the_batch_one_hash_a_device(judged: Callable[..., Judged]) -> None:
    redis = FakeRedis()
    show(Latest(redis), judged({"path": "a"}, {"path": "b"}))
    assert redis.calls == 1
    assert {key: set(fields) for key, fields in redis.held.items()} == {f"latest:{PATH[:-1]}": {"a", "b"}}


def test_many_points_go_in_several_calls(judged: Callable[..., Judged]) -> None:
    redis = FakeRedis()
    show(Latest(redis), judged(*({"path": f"x{number}"} for number in range(AT_ONCE + 1))))
    assert redis.calls == 2
    assert len(redis.held[f"latest:{PATH[:-1]}"]) == AT_ONCE + 1


def test_a_forgotten_script_is_loaded_again(judged: Callable[..., Judged]) -> None:
    redis = FakeRedis()
    redis.faults = [NoScriptError("NOSCRIPT")]
    show(Latest(redis), judged({"path": "a"}))
    assert redis.calls == 2
    assert redis.held


def test_while_redis_is_away_it_is_left_alone_and_the_newest_values_wait(
    judged: Callable[..., Judged],
) -> None:
    # Given a Redis that fails
    now = 0.0
    redis = FakeRedis()
    redis.faults = [Away("refused")]
    latest = Latest(redis, clock=lambda: now)
    show(latest, judged({"path": "a", "value": 1}, {"path": "b", "value": 7}))
    assert latest.away is not None

    # When more comes within the rest, nothing is tried
    show(latest, judged({"path": "a", "value": 2, "ts": NOW_MS + 1}))
    show(latest, judged({"path": "a", "value": 3, "ts": NOW_MS - 1}))
    assert redis.calls == 1

    # Then after it, what waited goes too, the newest of each point
    now = FIRST_REST + 0.1
    show(latest, judged({"path": "c"}))
    values = {field: held[1]["value"] for field, held in redis.held[f"latest:{PATH[:-1]}"].items()}
    assert values == {"a": 2.0, "b": 7.0, "c": 1.0}
    assert latest.away is None


def test_a_slow_server_takes_no_more_than_seconds_of_a_batch(judged: Callable[..., Judged]) -> None:
    # Given a server that takes its time for each call
    now = 0.0

    class SlowRedis(FakeRedis):
        def evalsha(self, sha: str, numkeys: int, *keys_and_args: str | bytes) -> object:
            nonlocal now
            now += 0.75 * LONGEST_WRITE
            return super().evalsha(sha, numkeys, *keys_and_args)

    redis = SlowRedis()
    latest = Latest(redis, clock=lambda: now)

    # Then a batch of five calls makes two, and the rest goes with the batches after it
    show(latest, judged(*({"path": f"x{number}"} for number in range(4 * AT_ONCE + 1))))
    assert redis.calls == 2
    show(latest, judged({"path": "x0"}))
    assert redis.calls == 4
    show(latest, judged({"path": "x0"}))
    assert len(redis.held[f"latest:{PATH[:-1]}"]) == 4 * AT_ONCE + 1


def test_while_batches_wait_the_newest_of_them_are_shown_once_a_second(
    judged: Callable[..., Judged], record: Make
) -> None:
    # Given a backlog: one batch is shown at once, those that follow within the second are held
    now = 100.0
    redis = FakeRedis()
    latest = Latest(redis, clock=lambda: now)
    names = Names()

    def batch(more: bool, names: Names = names, **values: int) -> None:
        items = [
            {"path": PATH + name, "ts": NOW_MS + value, "value": value} for name, value in values.items()
        ]
        made = judge([record({"readings": items})], names, Rules(7, 10), 0)
        latest.show(newest_of(made.columns), names, more=more)

    def shown() -> dict[str, float]:
        return {name: held[1]["value"] for name, held in redis.held[f"latest:{PATH[:-1]}"].items()}

    batch(True, a=1, b=1)
    batch(True, a=3)
    batch(True, a=2, c=1)
    assert shown() == {"a": 1, "b": 1}

    # Then the next after it shows the newest of all, and the last of them waits for nothing
    now += LONGEST_HELD
    batch(True, b=2)
    assert (redis.calls, shown()) == (2, {"a": 3, "b": 2, "c": 1})
    batch(True, a=4)
    batch(False, b=3)
    assert (redis.calls, shown()) == (3, {"a": 4, "b": 3, "c": 1})

    # And what is held goes when the names begin anew, since its slots mean nothing after that
    batch(True, c=2)
    batch(True, names=Names(), b=4)
    assert shown() == {"a": 4, "b": 3, "c": 2}


def test_a_token_that_cannot_be_made_costs_freshness_only(judged: Callable[..., Judged]) -> None:
    redis = FakeRedis()
    redis.faults = [CredentialRetrievalError(provider="container-role", error_msg="timed out")]
    latest = Latest(redis)
    show(latest, judged({"path": "a"}))
    assert latest.away is not None


def test_what_waits_is_bounded_and_of_it_long_texts_go_first(
    judged: Callable[..., Judged], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a Redis that is away, and values of which not all may wait
    monkeypatch.setattr(waiting, "MOST_BYTES_WAITING", 60_000)
    caplog.set_level("INFO")
    now = 0.0
    redis = FakeRedis()
    redis.faults = [Away("refused")]
    latest = Latest(redis, clock=lambda: now)
    texts = [{"path": f"text{number}", "value": "x" * 4000} for number in range(20)]
    show(latest, judged(*texts, *({"path": f"number{number}"} for number in range(40))))
    show(latest, judged(*texts))

    # When it is back
    now = FIRST_REST + 0.1
    show(latest, judged({"path": "next"}))

    # Then every number is shown, and as many texts as there was room for; both were told, once
    held = redis.held[f"latest:{PATH[:-1]}"]
    assert {f"number{number}" for number in range(40)} | {"next"} <= held.keys()
    shown = sum(name.startswith("text") for name in held)
    assert 4 <= shown <= 13
    messages = [record.message for record in caplog.records]
    assert messages[0] == "the cache is away: latest values wait"
    assert messages[1:] == [
        "too much waits for the cache: the largest latest values are dropped",
        "the cache is back",
    ]
    assert vars(caplog.records[-1])["dropped"] == latest._waiting.dropped >= 20 - shown


def test_a_replay_waits_for_redis_at_its_end(judged: Callable[..., Judged]) -> None:
    # Given values that wait, and a Redis that comes back at the third attempt from now
    redis = FakeRedis()
    redis.faults = [Away("refused")] * 3
    latest = Latest(redis, clock=lambda: 0.0)
    show(latest, judged({"path": "a"}))
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        return False

    # Then they are shown in the end
    assert latest.finish(wait) == 0
    assert waits == [FIRST_REST] * 2
    assert set(redis.held[f"latest:{PATH[:-1]}"]) == {"a"}


def test_it_waits_half_a_minute_at_most_and_says_how_many_are_not_shown(
    judged: Callable[..., Judged],
) -> None:
    now = 0.0
    redis = FakeRedis()
    redis.faults = [Away("refused")] * 999
    latest = Latest(redis, clock=lambda: now)
    show(latest, judged({"path": "a"}, {"path": "b"}))

    def wait(seconds: float) -> bool:
        nonlocal now
        now += seconds
        return False

    assert latest.finish(wait) == 2
    assert now == LONGEST_FINISH
    assert latest.finish(lambda seconds: True) == 2  # told to stop


some_values = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 9), st.integers(0, 300)))


@given(some_values, st.integers(200, 3000))
def test_the_newest_of_each_point_waits_unless_it_was_dropped(
    values: list[tuple[str, int, int]], bound: int
) -> None:
    held = Waiting()
    newest: dict[str, Value] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(waiting, "MOST_BYTES_WAITING", bound)
        for path, ts, size in values:
            value = Value(ts, b"x" * size)
            held.put(path, value)
            if path not in newest or ts >= newest[path].ts:
                newest[path] = value
            held.shed()
            counted, found = held._size, dict(held.take())
            taken = sum(len(name) + len(value.document) + BESIDE for name, value in found.items())
            assert taken == counted <= bound
            assert len(held) == held._size == 0
            for name, value in found.items():
                held.put(name, value)
            newest = {path: value for path, value in newest.items() if path in found}
            assert found == newest
