"""Who is told what: every change once, and nobody more often than a person can take.

A flood is more than ten alarms within ten minutes, and is over when a ten minutes have fewer than five:
ANSI/ISA-18.2's figures for one operator (https://www.prosys.com/services/alarm-management/eliminate-alarm-floods).
Here it is messages that are counted, of one site, since each of them makes a phone ring: a clearing does so
as well. While it lasts there is one message in ten minutes, of all that has changed since the one before.
Nothing here asks the time or a table: docs/decisions/notifications.md says why it is so.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from processor.alarms.changes import HOUR, Alarm, Change, Flapping, Pending

WINDOW = timedelta(minutes=10)
MOST_MESSAGES = 10  # of one site within WINDOW; one more is a flood
CALM_CHANGES = 5  # fewer within WINDOW: the flood is over
MOST_RAISES = 3  # of a rule at a point within an hour; with one more it flaps


class Kind(Enum):
    """Of a message; the values stand in the table and in the message."""

    ALARM = "alarm"
    FLAPPING = "flapping"
    CALM = "calm"
    FLOOD = "flood"
    FLOOD_OVER = "flood-over"


@dataclass(frozen=True)
class Message:
    """Of one alarm. changes: that it tells. since, raises: of one that flaps, or did."""

    kind: Kind
    alarm: Alarm
    changes: tuple[Change, ...]
    since: datetime | None = None
    raises: int = 0


@dataclass(frozen=True)
class Raises:
    """What flaps was raised so often; `since`: the first of them, `last_at`: the latest."""

    alarm: Alarm
    since: datetime
    count: int
    last_at: datetime


@dataclass(frozen=True)
class Known:
    """What the tables say. flapping: by rule and point, when it was raised last; flooded: sites.

    told: by site, messages of single alarms within WINDOW.
    """

    flapping: Mapping[tuple[int, int], datetime]
    calm: Sequence[Flapping]
    told: Mapping[str, int]
    flooded: frozenset[str]


@dataclass
class Plan:
    """What becomes of the changes: told in a message of their own, held for a flood's next one, or quiet."""

    messages: list[Message] = field(default_factory=list)
    held: list[Change] = field(default_factory=list)
    quiet: list[Change] = field(default_factory=list)
    flapping: list[Raises] = field(default_factory=list)
    calmed: list[Alarm] = field(default_factory=list)
    floods: list[str] = field(default_factory=list)  # that begin


def plan(pending: Iterable[Pending], known: Known) -> Plan:
    """Each change goes to one place. The alarms of a message are in the order of their first change."""
    made = Plan()
    wanted: dict[str, list[tuple[Message, Raises | None]]] = {}
    for group in _by_subject(pending):
        alarm = group[-1].alarm
        last_at = known.flapping.get(alarm.subject)
        more = _more(group)
        if last_at is not None and more is not None and more.since > last_at + HOUR:
            made.calmed.append(alarm)  # meanwhile, with nobody looking: this is a new one
            last_at = None
        if last_at is not None:
            made.quiet += _changes(group)
            made.flapping += [more] if more is not None else []
        elif (raises := max(len(one.raises) for one in group)) > MOST_RAISES:
            begun = _begun(group)
            message = Message(Kind.FLAPPING, alarm, _changes(group), begun.since, raises)
            wanted.setdefault(alarm.site, []).append((message, begun))
        else:
            wanted.setdefault(alarm.site, []).extend(
                (Message(Kind.ALARM, one.alarm, one.changes), None) for one in group
            )
    met = {one.alarm.subject for one in made.flapping} | {alarm.subject for alarm in made.calmed}
    for one in known.calm:
        # In a flood nobody is told: its turn comes after it.
        if one.alarm.site not in known.flooded and one.alarm.subject not in met:
            message = Message(Kind.CALM, one.alarm, (), one.since, one.raises)
            wanted.setdefault(one.alarm.site, []).append((message, None))
    for site, messages in wanted.items():
        _tell(made, site, messages, known)
    return made


def _tell(made: Plan, site: str, messages: list[tuple[Message, Raises | None]], known: Known) -> None:
    news = [(message, more) for message, more in messages if message.kind is not Kind.CALM]
    room = MOST_MESSAGES - known.told.get(site, 0)
    flooded = site in known.flooded
    if flooded or len(news) > room:
        made.held += [change for message, _ in news for change in message.changes]
        if not flooded:
            made.floods.append(site)
        return
    for message, more in news:
        made.messages.append(message)
        if more is not None:
            made.flapping.append(more)
    # That all is calm is no flood: what there is no room for waits for it.
    for message in [message for message, _ in messages if message.kind is Kind.CALM][: room - len(news)]:
        made.messages.append(message)
        made.calmed.append(message.alarm)


def _by_subject(pending: Iterable[Pending]) -> list[list[Pending]]:
    groups: dict[tuple[int, int], list[Pending]] = {}
    for one in pending:
        groups.setdefault(one.alarm.subject, []).append(one)
    return list(groups.values())


def _changes(group: Iterable[Pending]) -> tuple[Change, ...]:
    return tuple(change for one in group for change in one.changes)


def _begun(group: Sequence[Pending]) -> Raises:
    raises = sorted({at for one in group for at in one.raises})
    return Raises(group[-1].alarm, raises[0], len(raises), raises[-1])


def _more(group: Sequence[Pending]) -> Raises | None:
    raised = [change.at for one in group for change in one.changes if change.what == "raised"]
    return Raises(group[-1].alarm, min(raised), len(raised), max(raised)) if raised else None
