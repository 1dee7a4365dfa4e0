"""The messages of alarms in PostgreSQL: written in one transaction with what they settle, sent after it.

A change is settled once, so it is told in one message; a message is sent until SNS has taken it, word for
word the same. All times are the database's: whoever comes next reads the same clock.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
from psycopg import Connection

from processor.alarms import changes
from processor.alarms.changes import Change, calm, unsettled
from processor.alarms.present import count_standing, standing
from processor.alarms.telling import CALM_CHANGES, WINDOW, Kind, Known, Message, Plan, plan
from processor.alarms.wording import MOST_LINES, Flood, Group, Text, Voice
from processor.queries import load_queries

_QUERIES = load_queries()
REFUSED_REST = timedelta(minutes=5)  # until one that SNS would not have is tried again


@dataclass(frozen=True)
class Notice:
    """A message as it is sent. id: the same in each copy; rule: its name, where it is of one."""

    id: UUID
    kind: str
    site: str
    rule: str | None
    subject: str
    body: str
    document: str


def moment(connection: Connection[Any]) -> datetime:
    """The database's clock."""
    now: datetime = _row(connection, "moment")[0]
    return now


def take(connection: Connection[Any]) -> bool:
    """Whether this session is the one that tells; until `free`, or its end."""
    return bool(_row(connection, "take_notices")[0])


def free(connection: Connection[Any]) -> None:
    """Let another one tell."""
    connection.execute(_QUERIES["free_notices"])


def end_with_rules(connection: Connection[Any], now: datetime) -> None:
    """Write down that alarms have ended whose rule was changed: no reading says so."""
    connection.execute(_QUERIES["end_with_rules"], {"now": now})


def tell_nobody(connection: Connection[Any], now: datetime) -> None:
    """Settle all changes: there is no topic, and whoever sets one up later wants no news of old."""
    connection.execute(_QUERIES["settle_all_changes"], {"now": now, "outcome": "nobody"})


def compose(
    connection: Connection[Any], now: datetime, voice: Voice, new_id: Callable[[], UUID] = uuid4
) -> bool:
    """Settle what is unsettled, some of it at once; whether there was anything. One transaction."""
    with connection.transaction():
        return _Composer(connection, now, voice, new_id).compose()


def unsent(connection: Connection[Any], now: datetime) -> list[Notice]:
    """In their order, those that may be tried now."""
    found = connection.execute(_QUERIES["unsent_notices"], {"now": now, "rest": REFUSED_REST})
    return [Notice(*row) for row in found]


def claim(connection: Connection[Any], notice: UUID) -> bool:
    """Count an attempt before it is made; False when the message has been sent already."""
    return connection.execute(_QUERIES["claim_notice"], {"id": notice}).fetchone() is not None


def mark_sent(connection: Connection[Any], notice: UUID, message_id: str) -> None:
    """SNS has taken it."""
    connection.execute(_QUERIES["mark_notice_sent"], {"id": notice, "message": message_id})


def mark_refused(connection: Connection[Any], notice: UUID, why: str) -> None:
    """SNS will not have it as it is."""
    connection.execute(_QUERIES["mark_notice_refused"], {"id": notice, "why": why})


def oldest(connection: Connection[Any]) -> float:
    """For how many seconds the oldest change has waited that is to be told; 0 when none does."""
    age = _row(connection, "oldest_untold")[0]
    return max(0.0, age or 0.0)


@dataclass(frozen=True)
class _Composer:
    """One transaction's."""

    connection: Connection[Any]
    now: datetime
    voice: Voice
    new_id: Callable[[], UUID]

    def compose(self) -> bool:
        pending = unsettled(self.connection)
        made = plan(pending, self._known())
        for message in made.messages:
            self._tell(message)
        self._settle("held", made.held)
        self._settle("quiet", made.quiet)
        self._note(made)
        more = sum(len(one.changes) for one in pending) >= changes.AT_ONCE
        # What is left is of the flood, too: it is told of whole.
        told = [self._tell_flood(*flood) for flood in ([] if more else self._floods())]
        return bool(pending or made.messages or any(told))

    def _run(self, name: str, **given: object) -> list[Any]:
        cursor = self.connection.execute(_QUERIES[name], given)
        return cursor.fetchall() if cursor.description else []

    def _known(self) -> Known:
        flapping = {(rule, point): last_at for rule, point, last_at in self._run("flapping_alarms")}
        return Known(
            flapping=flapping,
            calm=calm(self.connection, self.now) if flapping else [],
            told=dict(self._run("told_by_site", since=self.now - WINDOW)),
            flooded=frozenset(site for site, _, _ in self._floods()),
        )

    def _floods(self) -> list[tuple[str, datetime, datetime]]:
        return self._run("floods")

    def _tell(self, message: Message) -> None:
        alarm = message.alarm
        oldest_at = min([change.written_at for change in message.changes], default=self.now)
        text = self.voice.of_alarm(message)
        self._settle(
            "told", message.changes, self._write(message.kind, alarm.site, text, oldest_at, alarm.name)
        )

    def _tell_flood(self, site: str, since: datetime, told_at: datetime) -> bool:
        """Its next message, if it is due; whether it was."""
        if told_at > self.now - WINDOW:
            return False
        ((recent,),) = self._run("count_held", site=site, since=self.now - WINDOW)
        over = since != self.now and recent < CALM_CHANGES
        rows = self._run("held_of_site", site=site)
        flood = Flood(
            site=site,
            since=since,
            over=over,
            groups=[Group(*row[:5]) for row in rows],
            standing=standing(self.connection, self.now, MOST_LINES, site).get(site, []),
            stand=count_standing(self.connection, self.now, site),
        )
        oldest_at = min([row[5] for row in rows], default=self.now)
        kind = Kind.FLOOD_OVER if over else Kind.FLOOD
        notice = self._write(kind, site, self.voice.of_flood(flood), oldest_at)
        self._run("tell_held", site=site, notice=notice)
        if over:
            self._run("forget_flood", site=site)
        else:
            self._run("note_flood", site=site, since=since, told_at=self.now)
        return True

    def _write(self, kind: Kind, site: str, text: Text, oldest_at: datetime, rule: str | None = None) -> UUID:
        notice, environment = self.new_id(), self.voice.environment
        head = {"v": 1, "id": str(notice), "kind": kind.value, "environment": environment, "site": site}
        self._run(
            "add_notice",
            id=notice,
            kind=kind.value,
            site=site,
            rule=rule,
            subject=text.subject,
            body=text.body,
            document=msgspec.json.encode({**head, "at": self.now, **text.document}).decode(),
            now=self.now,
            oldest_at=oldest_at,
        )
        return notice

    def _settle(self, outcome: str, settled: Sequence[Change], notice: UUID | None = None) -> None:
        if settled:
            ids = [change.id for change in settled]
            self._run("settle_changes", now=self.now, outcome=outcome, notice=notice, ids=ids)

    def _note(self, made: Plan) -> None:
        for alarm in made.calmed:
            self._run("forget_flapping", rule=alarm.rule, point=alarm.point)
        for one in made.flapping:
            alarm = one.alarm
            self._run(
                "note_flapping",
                rule=alarm.rule,
                point=alarm.point,
                site=alarm.site,
                since=one.since,
                raises=one.count,
                last_at=one.last_at,
            )
        for site in made.floods:
            # As if its last message had been long ago: the first is due at once.
            self._run("note_flood", site=site, since=self.now, told_at=self.now - WINDOW)


def _row(connection: Connection[Any], name: str, **given: object) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = connection.execute(_QUERIES[name], given).fetchone()
    if row is None:
        raise RuntimeError(f"{name} gave no row")
    return row
