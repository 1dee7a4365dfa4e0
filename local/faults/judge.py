"""What stands in the end against what must: reading by reading, bucket by bucket."""

import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import psycopg
from redis import Redis

from local.faults.alarms import Alarms
from local.faults.plant import Parcel, Row

MOST_SHOWN = 5  # of one kind of wrong

_ROWS = """
SELECT path, (extract(epoch FROM ts) * 1000000)::bigint, number, flag, text, quality
FROM millrace.reading JOIN millrace.point ON id = point WHERE path LIKE %s"""
_REFUSED = "SELECT shard, sequence_number, index, reason FROM millrace.quarantine WHERE stream = %s"
_PROGRESS = "SELECT shard, sequence_number, epoch FROM millrace.shard_progress WHERE stream = %s"


@dataclass
class Account:
    """All that was put on one stream: rows, refusals by their place, positions, each point's newest."""

    stream: str
    prefix: str
    rows: set[Row] = field(default_factory=set)
    refused: dict[tuple[str, str, int], str] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)  # shard → the last sequence number put there
    newest: dict[str, Row] = field(default_factory=dict)
    mended: dict[tuple[str, str, int], Row] = field(default_factory=dict)  # what a replay makes of refusals
    parcels: dict[tuple[str, str], Parcel] = field(default_factory=dict)  # by shard and sequence number

    def add(self, parcel: Parcel, shard: str, sequence_number: str) -> None:
        """A record that the stream has taken."""
        self.parcels[shard, sequence_number] = parcel
        self.rows |= set(parcel.rows)
        for index, reason in parcel.refused:
            self.refused[shard, sequence_number, index] = reason
        for index, row in parcel.mended:
            self.mended[shard, sequence_number, index] = row
        self.last[shard] = max(self.last.get(shard, 0), int(sequence_number))
        self._see(parcel.latest)

    def replayed(self) -> None:
        """The rules were mended, and all that was refused has been judged again."""
        for place, row in self.mended.items():
            del self.refused[place]
            self.rows.add(row)
        self._see(self.mended.values())
        self.mended.clear()

    def _see(self, rows: Iterable[Row]) -> None:
        for row in rows:
            if row[0] not in self.newest or row[1] > self.newest[row[0]][1]:
                self.newest[row[0]] = row

    def reached(self, connection: psycopg.Connection[Any]) -> bool:
        """Whether every shard's last record is committed."""
        try:
            found = connection.execute(_PROGRESS, [self.stream]).fetchall()
        except psycopg.errors.UndefinedTable:
            return not self.last
        progress = {shard: int(position or 0) for shard, position, _ in found}
        return all(progress.get(shard, 0) >= position for shard, position in self.last.items())


@dataclass
class Progress:
    """Positions and epochs as they were last seen: both only go forward."""

    seen: dict[str, tuple[int, int]] = field(default_factory=dict)

    def forget(self) -> None:
        """Somebody has put them back."""
        self.seen.clear()

    def backwards(self, connection: psycopg.Connection[Any], stream: str) -> list[str]:
        """Shards whose position or epoch is earlier than the last time, a line each."""
        wrong = []
        for shard, position, epoch in connection.execute(_PROGRESS, [stream]).fetchall():
            now = (int(position or 0), epoch)
            before = self.seen.get(shard, now)
            if now[0] < before[0] or now[1] < before[1]:
                wrong.append(f"{shard} went back from {before} to {now}")
            else:
                self.seen[shard] = now
        return wrong


def judge(account: Account, connection: psycopg.Connection[Any]) -> list[str]:
    """What is wrong in PostgreSQL, a line each."""
    return [
        *_compared("reading", Counter(account.rows), Counter(_stored(account, connection))),
        *_compared("refusal", Counter(account.refused.items()), Counter(_quarantined(account, connection))),
        *_rollups(account, connection),
    ]


def judge_alarms(alarms: Alarms, connection: psycopg.Connection[Any]) -> list[str]:
    """What is wrong with the events, a line each."""
    due, may, found = alarms.judge(connection)
    return _compared("alarm", Counter(due), Counter(found), may)


def judge_latest(account: Account, client: Redis) -> list[str]:
    """What is wrong in Redis once each point's newest reading has come after the last fault, a line each."""
    wrong = []
    for path, row in account.newest.items():
        device, metric = path.rsplit("/", 1)
        held: Any = client.hget(f"latest:{device}", metric)
        shown = json.loads(held.decode().partition(" ")[2]) if held else None
        if shown is None or (shown["ts"] * 1000, shown["value"], shown["q"]) != row[1:]:
            wrong.append(f"latest of {path} is {shown}, not {row[1:]}")
    return _few("latest values", wrong)


def _stored(account: Account, connection: psycopg.Connection[Any]) -> list[Row]:
    found = connection.execute(_ROWS, [f"{account.prefix}/%"]).fetchall()
    return [
        (path, ts, number if number is not None else flag if flag is not None else text, quality)
        for path, ts, number, flag, text, quality in found
    ]


def _quarantined(
    account: Account, connection: psycopg.Connection[Any]
) -> list[tuple[tuple[str, str, int], str]]:
    found = connection.execute(_REFUSED, [account.stream]).fetchall()
    return [((shard, position, index), reason) for shard, position, index, reason in found]


def _rollups(account: Account, connection: psycopg.Connection[Any]) -> list[str]:
    """Every column of every bucket, computed anew from the rows. Sums are exact: the values are whole."""
    query = resources.files("local.faults").joinpath("rollups.sql").read_text()
    wrong = []
    for table, unit in (("rollup_1m", "minute"), ("rollup_1h", "hour")):
        statement = query.replace("{table}", table).replace("{unit}", unit).encode()
        found = connection.execute(statement, {"paths": f"{account.prefix}/%"}).fetchall()
        wrong += [f"{table} of {path} at {bucket:%F %T}" for path, bucket in found]
    return _few("rollups", wrong)


def _compared(
    noun: str, due: Counter[Any], found: Counter[Any], may: Collection[Any] = frozenset()
) -> list[str]:
    doubled = [one for one, times in found.items() if times > 1]
    return [
        *_few(f"lost {noun}", [str(one) for one in due - found]),
        *_few(f"foreign {noun}", [str(one) for one in found if one not in due and one not in may]),
        *_few(f"doubled {noun}", [str(one) for one in doubled]),
    ]


def _few(title: str, lines: list[str]) -> list[str]:
    if not lines:
        return []
    shown = sorted(lines)[:MOST_SHOWN]
    return [f"{len(lines)} {title}:", *(f"  {line}" for line in shown)]
