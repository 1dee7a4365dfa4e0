"""What a person reads of an alarm, on a phone and at a desk, and what a program reads.

A subject is at most 99 characters: SNS takes "less than 100", without line breaks or control characters
(botocore's model of sns, PublishInput). Ours are ASCII besides, since what an e-mail's subject is made into
on its way is not in our hands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

import msgspec

from processor.alarms.changes import Alarm
from processor.alarms.present import Shown
from processor.alarms.telling import Kind, Message
from processor.alarms.terms import allowed, duration, found, known, measured

LONGEST_SUBJECT = 99
MOST_LINES = 20  # of a flood's message; the rest is a number
# Of it in the document. With the longest names some 60 kB; SNS takes 256 KiB, text and attributes together:
# https://docs.aws.amazon.com/sns/latest/dg/large-message-payloads.html
MOST_GROUPS = 100
ACKNOWLEDGE = "python -m processor alarms acknowledge"
LIST = "python -m processor alarms list --standing"


@dataclass(frozen=True)
class Text:
    """A message's words. `document`: JSON of the facts, without what makes it this message and no other."""

    subject: str
    body: str
    document: dict[str, Any]


@dataclass(frozen=True)
class Group:
    """What a flood's message says of one rule at one device."""

    rule: str
    device: str
    raised: int
    cleared: int
    acknowledged: int


@dataclass(frozen=True)
class Flood:
    """Of a site. since: it began; over: it has ended. standing: some of the `stand` alarms there."""

    site: str
    since: datetime
    over: bool
    groups: list[Group]
    standing: Sequence[Shown]
    stand: int


@dataclass(frozen=True)
class Voice:
    """In whose words: times are told in `zone`, and each message names the environment."""

    environment: str
    zone: tzinfo = UTC

    def of_alarm(self, message: Message) -> Text:
        """Of one alarm."""
        alarm = message.alarm
        said = _SAID[message.kind] or _news(message)
        device, metric = alarm.path.split("/")[-2:]
        shown = alarm.value is not None and alarm.cleared_at is None
        value = f" {measured(alarm.value, alarm.unit)}" if shown else ""
        subject = f"{said}: {alarm.name} at {device}/{metric}{value} ({alarm.site})"
        lines = [f"{said}: {alarm.name}", *self._facts(alarm)]
        if message.kind is Kind.FLAPPING:
            lines += [
                "",
                f"Raised {message.raises} times since {self._time(message.since)}."
                " No more is told of it until it has not been raised for an hour.",
            ]
        if message.kind is Kind.CALM:
            count = "once" if message.raises == 1 else f"{message.raises} times"
            lines += [
                "",
                f"Raised {count} from {self._time(message.since)} on, and for an hour no more: it"
                f" {'stands' if alarm.cleared_at is None else 'is cleared'} now.",
            ]
        lines += ["", f"Alarm {alarm.number}, {self.environment}."]
        if alarm.cleared_at is None and alarm.acknowledged_at is None:
            lines += [f"To take it on: {ACKNOWLEDGE} {alarm.number} --by NAME"]
        document: dict[str, Any] = {"alarm": facts(alarm), "changes": identities(message)}
        if message.since is not None:
            document |= {"since": _stamp(message.since), "raises": message.raises}
        return Text(shortened(subject), "\n".join(lines), document)

    def of_flood(self, flood: Flood) -> Text:
        """Of many alarms at once."""
        raised = sum(group.raised for group in flood.groups)
        cleared = sum(group.cleared for group in flood.groups)
        said = "FLOOD OVER" if flood.over else "FLOOD"
        counts = f"{raised} raised, {cleared} cleared, {flood.stand} stand"
        lines = [
            f"{said}: alarms at {flood.site}",
            f"{counts}. It began {self._time(flood.since)}.",
            "Alarms are told one by one again."
            if flood.over
            else "Until it is over, one message in ten minutes tells of all.",
        ]
        if flood.groups:
            lines += ["", "Changed since the last message:"]
            lines += [_line(group) for group in flood.groups[:MOST_LINES]]
            if len(flood.groups) > MOST_LINES:
                lines.append(f"and {len(flood.groups) - MOST_LINES} more rules and devices")
        if flood.standing:
            lines += ["", "Standing, the newest first:"]
            lines += [
                f"{alarm.number}  {alarm.rule}  {_below_site(alarm.path)}  since {self._time(alarm.since)}"
                for alarm in flood.standing[:MOST_LINES]
            ]
            if flood.stand > MOST_LINES:
                lines.append(
                    f"and {flood.stand - MOST_LINES} more: python -m processor alarms list --standing"
                )
        lines += ["", f"{self.environment}."]
        document = {
            "since": _stamp(flood.since),
            "raised": raised,
            "cleared": cleared,
            "standing": flood.stand,
            "groups": [msgspec.to_builtins(group) for group in flood.groups[:MOST_GROUPS]],
            "more_groups": max(0, len(flood.groups) - MOST_GROUPS),
        }
        return Text(shortened(f"{said}: {counts} at {flood.site}"), "\n".join(lines), document)

    def _facts(self, alarm: Alarm) -> list[str]:
        definition = known(alarm.definition)
        rows = [("Point", alarm.path)]
        if alarm.value is not None:
            rows.append(("Value", measured(alarm.value, alarm.unit)))
        if (said := found(definition, alarm.figure, alarm.unit)) is not None:
            rows.append(("Found", said))
        rows.append(("Allowed", allowed(definition, alarm.unit)))
        rows.append(("Since", self._time(alarm.since)))
        if alarm.raised_at != alarm.since:
            rows.append(("Raised", self._time(alarm.raised_at)))
        if alarm.acknowledged_at is not None:
            rows.append(("Taken on", f"{self._time(alarm.acknowledged_at)} by {alarm.acknowledged_by}"))
        if alarm.cleared_at is not None:
            how = ", as its rule was changed" if alarm.lapses else ""
            rows.append(("Cleared", f"{self._time(alarm.cleared_at)}{how}"))
            rows.append(("Lasted", duration((alarm.cleared_at - alarm.since).total_seconds())))
        return [f"{name:9}{said}" for name, said in rows]

    def _time(self, moment: datetime | None) -> str:
        return "unknown" if moment is None else moment.astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S %Z")


_NEWS = {"raised": "RAISED", "acknowledged": "TAKEN ON", "cleared": "CLEARED", "again": "RAISED AGAIN"}
_SAID = {Kind.ALARM: "", Kind.FLAPPING: "FLAPPING", Kind.CALM: "CALM"}


def _news(message: Message) -> str:
    """Of an alarm of which several changes are told at once, the first and the last."""
    changed = [change.what for change in message.changes]
    if changed[0] == "raised" and changed[-1] == "cleared":
        return "RAISED AND CLEARED"
    return _NEWS[changed[-1]]


def facts(alarm: Alarm) -> dict[str, Any]:
    """For programs; times in UTC."""
    return {
        "number": alarm.number,
        "rule": alarm.name,
        "version": alarm.version,
        "path": alarm.path,
        "state": "cleared" if alarm.cleared_at else "acknowledged" if alarm.acknowledged_at else "raised",
        "since": _stamp(alarm.since),
        "raised_at": _stamp(alarm.raised_at),
        "cleared_at": _stamp(alarm.cleared_at),
        "acknowledged_at": _stamp(alarm.acknowledged_at),
        "acknowledged_by": alarm.acknowledged_by,
        "value": alarm.value,
        "unit": alarm.unit,
        "figure": alarm.figure,
        "definition": None if alarm.definition is None else msgspec.json.decode(alarm.definition),
    }


def identities(message: Message) -> list[str]:
    """Of each change one that is the same however often it is told, by a restored database as well."""
    alarm = message.alarm
    return [
        f"{alarm.name} {change.version} {alarm.path} {_stamp(change.since)} {change.what}"
        for change in message.changes
    ]


def shortened(subject: str) -> str:
    """As SNS takes it: ASCII, no line breaks, less than 100 characters."""
    plain = "".join(one if " " <= one <= "~" else "?" for one in subject).strip() or "alarm"
    return plain if len(plain) <= LONGEST_SUBJECT else plain[: LONGEST_SUBJECT - 3] + "..."


def _line(group: Group) -> str:
    said = [f"{group.raised} raised", f"{group.cleared} cleared"]
    if group.acknowledged:
        said.append(f"{group.acknowledged} taken on")
    return f"{group.rule}  {group.device}  {', '.join(said)}"


def _below_site(path: str) -> str:
    return "/".join(path.split("/")[2:])


def _stamp(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()
