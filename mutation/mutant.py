"""A break in one environment: the texts that it changes, and a digest of all that decides each verdict."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from mutation.breaking import Break
from mutation.clean import Clean
from mutation.telling import CHECKOV, GUARD, LINT, OURS, TOOLS

HERE = Path(__file__).parents[1]
# What a tool's verdict hangs on besides the templates.
SOURCES = {
    LINT: ("stacks/lint.py",),
    CHECKOV: ("scanners", "constraints-scan.txt"),
    GUARD: ("scanners", "constraints-scan.txt"),
    OURS: ("rules", "topology"),
}
BY_FILE = (CHECKOV, GUARD)  # judge a file without what lies beside it


@dataclass(frozen=True)
class Mutant:
    """What is handed to the tools."""

    title: str  # the break's
    environment: str
    changed: Mapping[str, str]  # file name → text


def mutants(breaks: Iterable[Break], cleans: Mapping[str, Clean]) -> list[Mutant]:
    """Each break in each environment that it names and that is asked for. Raises DoesNotApply."""
    return [
        Mutant(broken.title, environment, cleans[environment].broken_by(broken))
        for broken in breaks
        for environment in broken.environments
        if environment in cleans
    ]


def keys(mutant: Mutant, clean: Clean) -> dict[str, str]:
    """Tool → a digest; where it is the same, so is the verdict."""
    whole = {**clean.texts, **mutant.changed}
    found = {}
    for tool in TOOLS:
        names: Sequence[str] = sorted(mutant.changed if tool in BY_FILE else whole)
        parts = (part for name in names for part in (name, clean.texts[name], whole[name]))
        found[tool] = _digest((mutant.environment, fingerprint(tool), *parts))
    return found


@cache
def fingerprint(tool: str) -> str:
    """Of the tool itself, as it stands in this checkout."""
    texts = [file.read_text(encoding="utf-8") for file in _files(SOURCES[tool])]
    return _digest([*texts, *([version("cfn-lint")] if tool == LINT else [])])


def _files(names: Iterable[str]) -> Iterator[Path]:
    for name in names:
        place = HERE / name
        inside = sorted(place.rglob("*")) if place.is_dir() else [place]
        yield from (file for file in inside if file.is_file() and file.suffix != ".pyc")


def _digest(parts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part.encode()).digest())
    return digest.hexdigest()[:16]
