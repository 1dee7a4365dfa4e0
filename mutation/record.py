"""The verdicts on disk, docs/mutation.json: a line for each break in each environment.

A verdict stands with the digest of all that decided it, so a later run can tell whether it is still true.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path("docs/mutation.json")

Place = tuple[str, str]  # the break's title, the environment


class BadRecord(ValueError):
    """{file}: {what is wrong}; remove it, and `make mutate FULL=1` writes it anew."""


@dataclass(frozen=True)
class Verdict:
    key: str
    seen: tuple[str, ...]  # ids of rules


Record = Mapping[Place, Mapping[str, Verdict]]  # by tool; one that has not judged it is missing


def load(file: Path) -> Record:
    """Empty where there is no file. Raises BadRecord."""
    if not file.exists():
        return {}
    try:
        return {
            (line["break"], line["environment"]): {
                tool: Verdict(key, tuple(seen)) for tool, (key, *seen) in line["verdicts"].items()
            }
            for line in json.loads(file.read_text(encoding="utf-8"))
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadRecord(
            f"{file}: cannot be read ({error}); remove it, and `make mutate FULL=1` writes it anew"
        ) from error


def text(record: Record) -> str:
    """One line each, so that a difference shows what changed."""
    lines = [json.dumps(as_data(place, verdicts)) for place, verdicts in record.items()]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def as_data(place: Place, verdicts: Mapping[str, Verdict]) -> dict[str, Any]:
    told = {tool: [verdict.key, *verdict.seen] for tool, verdict in verdicts.items()}
    return {"break": place[0], "environment": place[1], "verdicts": told}
