"""What an operator is told when a replay cannot go on: one line, exit code 1."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from psycopg import errors

from processor.__main__ import main
from processor.replay import command
from processor.replay.request import Quarantined, Request, Streamed
from processor.settings import from_environment
from processor.storage.database import Stopping

ENVIRONMENT = {
    "ENVIRONMENT": "test",
    "STREAM_NAME": "readings",
    "DATABASE_SECRET_ARN": "arn:aws:secretsmanager:eu-west-2:111122223333:secret:app-AbCdEf",
    "DATABASE_CA_FILE": "/none",
    "CACHE_HOST": "localhost",
    "CACHE_PORT": "6379",
    "CACHE_NAME": "latest",
    "CACHE_USER": "processor",
    "OLDEST_READING_DAYS": "7",
    "NEWEST_READING_MINUTES": "10",
    "READING_RETENTION_DAYS": "30",
}
SINCE = datetime(2026, 3, 1, tzinfo=UTC)


class Failing:
    """A replay that ends by an error, as it begins or while it reports."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def quarantine(self, stream: str, chosen: Quarantined) -> Iterator[str]:
        raise self._error

    def stream(self, stream: str, chosen: Streamed, client: object, stopping: object) -> Iterator[str]:
        yield "a line"
        raise self._error


@pytest.mark.parametrize("source", [Quarantined(), Streamed(SINCE)])
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Stopping(), "replay: stopped; what was taken stays taken: run it again to go on"),
        (
            errors.UndefinedColumn('column "partition_key" does not exist\nLINE 1: …'),
            'replay: the tables are not this release\'s (column "partition_key" does not exist): '
            "deploy the release, then run it again",
        ),
        (
            ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetRecords"),
            "replay: the stream cannot be read: An error occurred (AccessDeniedException) when calling the "
            "GetRecords operation: no; run it again when it can",
        ),
    ],
)
def test_a_replay_that_cannot_go_on_says_why_and_what_to_do(
    source: Any,
    error: Exception,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(command, "Replay", lambda *_: Failing(error))
    monkeypatch.setattr(command, "stop_on_signals", lambda event: None)
    assert command.run(from_environment(ENVIRONMENT), Request(source, write=False)) == 1
    assert capsys.readouterr().err.strip() == said


def test_values_that_redis_was_not_told_of_are_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Unheard:
        """A cache's values that wait for it in vain."""

        away = "ConnectionError: refused"

        def finish(self, wait: object) -> int:
            return 1200

    class Done:
        def quarantine(self, stream: str, chosen: Quarantined) -> list[str]:
            return ["a line"]

    monkeypatch.setattr(command, "Replay", lambda *_: Done())
    monkeypatch.setattr(command, "Latest", lambda client: Unheard())
    monkeypatch.setattr(command, "stop_on_signals", lambda event: None)
    assert command.run(from_environment(ENVIRONMENT), Request(Quarantined(), write=True)) == 0
    assert capsys.readouterr().out.splitlines() == [
        "a line",
        "latest values: 1,200 not shown, the cache is away (ConnectionError: refused); such a point's next "
        "reading shows its newest",
    ]


def test_mistakes_are_told_before_the_environment_is_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["replay", "--from", "yesterday"])
    assert end.value.code == 2
    assert "must be a date and time with an offset" in capsys.readouterr().err


class NoShards:
    """A stream's client that lists two shards and would fail to read them."""

    def list_shards(self, **_: str) -> dict[str, Any]:
        return {"Shards": [{"ShardId": "shard-0"}, {"ShardId": "shard-1"}]}


@pytest.mark.parametrize(
    ("shard", "told"),
    [
        (None, "not read, since the processor has stored nothing of them yet: shard-0, shard-1"),
        ("shard-1", "not read, since the processor has stored nothing of them yet: shard-1"),
        ("shard-7", "the stream lists no shard shard-7"),
    ],
)
def test_shards_that_are_not_read_are_named(
    shard: str | None, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processor.replay.tables.Tables.positions", lambda self: {})
    none: Any = None
    client: Any = NoShards()
    replay = command.Replay(none, none, none, False)
    *_, last = replay.stream("readings", Streamed(SINCE, shard), client, threading.Event())
    assert last == told
