"""What is asked for evidence, and what comes back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deployer.clients import Clients
from deployer.failures import Event

LINES = 10  # of a log or a list; more is one click away
COLUMNS = 240


@dataclass(frozen=True)
class Question:
    """One failure, and the time of the operation that it belongs to."""

    clients: Clients
    event: Event
    since: datetime
    until: datetime
    region: str

    @property
    def properties(self) -> Mapping[str, Any]:
        """As CloudFormation asked for the resource, every reference resolved; {} where that was not told."""
        try:
            told = json.loads(self.event.properties or "{}")
        except ValueError:  # cut off
            return {}
        return told if isinstance(told, dict) else {}


@dataclass(frozen=True)
class Evidence:
    """A few lines about one thing."""

    about: str
    lines: tuple[str, ...]


def short(text: str) -> str:
    """One line of it, cut where it is longer than anyone reads."""
    line = " ".join(text.split())
    return line if len(line) <= COLUMNS else f"{line[: COLUMNS - 1]}…"
