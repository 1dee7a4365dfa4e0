"""Standing alarms in Redis, and Redis away."""

import json
from datetime import UTC, datetime

import msgspec
from redis.exceptions import ConnectionError as Away
from redis.exceptions import NoScriptError

from processor.alarms.board import Board, document
from processor.alarms.present import Shown

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MS = 1_772_366_400_000
ALARM = Shown(7, "hot", "a/b/c/d/e/f/g", "Cel", NOON, NOON, 83.25, 83.25, None, None)


class Redis:
    """Takes scripts, or is away."""

    def __init__(self) -> None:
        self.calls: list[tuple[str | bytes, ...]] = []
        self.loaded = 0
        self.away = False
        self.forgets = False

    def script_load(self, script: str) -> str:
        self.loaded += 1
        return "sha"

    def evalsha(self, sha: str, numkeys: int, *keys_and_args: str | bytes) -> object:
        if self.away:
            raise Away("gone")
        if self.forgets:
            self.forgets = False
            raise NoScriptError
        self.calls.append(keys_and_args)
        return 1


def test_a_site_is_written_whole_with_the_time_as_of_which() -> None:
    redis = Redis()
    Board(redis).show({"a/b": [ALARM], "a/c": []}, NOON)
    key, as_of, packed, site, at = redis.calls[0]
    assert (key, as_of, site, at) == ("alarms:a/b", "alarms:written", "a/b", str(MS))
    assert isinstance(packed, bytes)
    assert msgspec.msgpack.decode(packed) == ["7", document(ALARM)]
    assert redis.calls[1][2] == msgspec.msgpack.encode([])
    assert json.loads(document(ALARM)) == {
        "number": 7,
        "rule": "hot",
        "path": "a/b/c/d/e/f/g",
        "unit": "Cel",
        "since": MS,
        "raised_at": MS,
        "value": 83.25,
        "figure": 83.25,
        "acknowledged_at": None,
        "acknowledged_by": None,
    }


def test_what_is_shown_is_written_again_now_and_then_and_at_once_where_it_changed() -> None:
    redis, now = Redis(), [0.0]
    board = Board(redis, lambda: now[0])
    board.show({"a/b": [ALARM], "a/c": []}, NOON)
    now[0] = 9.0
    board.show({"a/b": [], "a/c": []}, NOON)
    assert [call[0] for call in redis.calls] == ["alarms:a/b", "alarms:a/c", "alarms:a/b"]
    now[0] = 10.0
    board.show({"a/b": [], "a/c": []}, NOON)
    assert [call[0] for call in redis.calls[3:]] == ["alarms:a/c"]


def test_a_server_that_has_forgotten_the_script_is_told_it_again() -> None:
    redis = Redis()
    board = Board(redis)
    board.show({"a/b": []}, NOON)
    redis.forgets = True
    board.show({"a/b": [ALARM]}, NOON)
    assert (len(redis.calls), redis.loaded) == (2, 2)


def test_redis_away_is_left_alone_for_longer_each_time_and_never_raises() -> None:
    redis, now = Redis(), [0.0]
    redis.away = True
    board = Board(redis, lambda: now[0])
    board.show({"a/b": [ALARM]}, NOON)
    assert str(board.away) == "ConnectionError: gone"
    redis.away = False
    board.show({"a/b": [ALARM]}, NOON)  # too soon
    assert redis.calls == []
    now[0] = 1.0
    board.show({"a/b": [ALARM]}, NOON)
    assert len(redis.calls) == 1
    assert not board.away
