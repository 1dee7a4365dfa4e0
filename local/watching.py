"""A rule that watches the simulated plant, added as a person would, and the alarms that it has raised.

The bearing of every fifth machine wears out within half a minute, heats its spindle and trips the machine
(local/machine.py): that is what the rule is about.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from local.errors import LocalError
from local.once import once, tail

NAME = "hot-spindle"
PATH = "example/site1/*/*/*/*/spindle_temp"
DEFINITION = '{"kind": "limit", "high": 55, "deadband": 3, "on_delay": 1}'
SHOWN = 6  # alarms

_THERE = "SELECT FROM millrace.alarm_rule WHERE name = %s"
_RAISED = """SELECT rule, device || '/' || metric, since, raised_at, cleared_at, value, unit
FROM millrace.alarms WHERE raised_at >= %s AND NOT history ORDER BY raised_at, path"""
_TOLD = "SELECT count(*) FROM millrace.alarm_notice WHERE sent_at >= %s"


class RuleNotAdded(LocalError):
    """the rule {name} was not added (exit code {code}); the end of {log}:
    {tail}"""

    exit_code = 1


@dataclass(frozen=True)
class Alarm:
    """As the view `alarms` has it; `cleared` None: it stands."""

    rule: str
    point: str  # device/metric
    since: datetime
    raised: datetime
    cleared: datetime | None
    value: float
    unit: str


@dataclass(frozen=True)
class Watched:
    """What one run has raised, and how many messages have told of it by now."""

    alarms: Sequence[Alarm]
    told: int

    @property
    def cleared(self) -> int:
        return sum(alarm.cleared is not None for alarm in self.alarms)

    def lines(self) -> Iterator[str]:
        """A line for each of the first alarms."""
        for alarm in self.alarms[:SHOWN]:
            unit = f" {alarm.unit}" if alarm.unit else ""
            cleared = "stands" if alarm.cleared is None else f"cleared {_clock(alarm.cleared)}"
            yield (
                f"  alarm        {alarm.rule}  {alarm.point}  since {_clock(alarm.since)}"
                f"  raised {_clock(alarm.raised)}  {alarm.value:.4g}{unit}  {cleared}"
            )
        if len(self.alarms) > SHOWN:
            yield f"  alarms       and {len(self.alarms) - SHOWN} more"


def there(connection: psycopg.Connection) -> bool:
    """Whether an earlier run has added it."""
    return connection.execute(_THERE, [NAME]).fetchone() is not None


def add_rule(environment: Mapping[str, str], log: Path) -> None:
    """Before anybody reads, so that it judges from the first reading on. Raises RuleNotAdded."""
    asked = ["rules", "add", NAME, "--path", PATH, "--definition", DEFINITION, "--at-once"]
    code = once(asked, environment, log)
    if code != 0:
        raise RuleNotAdded(name=NAME, code=code, log=log, tail=tail(log))


def watched(connection: psycopg.Connection, since: float) -> Watched:
    """since: epoch seconds; what was raised later, by the readings' time."""
    began = [datetime.fromtimestamp(since, UTC)]
    alarms = [Alarm(*row) for row in connection.execute(_RAISED, began)]
    told = connection.execute(_TOLD, began).fetchone()
    return Watched(alarms, told[0] if told else 0)


def _clock(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%H:%M:%S.%f")[:-5]
