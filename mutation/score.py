"""What the verdicts amount to, and what about them must not be."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mutation.breaking import Break
from mutation.record import Record, Verdict
from mutation.telling import OURS

FLOOR = 0.97  # of the breaks, each environment counted, our rules see


@dataclass(frozen=True)
class Judged:
    """One break and its verdicts."""

    broken: Break
    verdicts: Mapping[str, Mapping[str, Verdict]]  # environment → tool → verdict

    def seen(self, tool: str) -> dict[str, tuple[str, ...] | None]:
        """Environment → the rules that see it; None where the tool has not judged it."""
        found = {environment: tools.get(tool) for environment, tools in self.verdicts.items()}
        return {name: None if verdict is None else verdict.seen for name, verdict in found.items()}

    @property
    def survives_in(self) -> list[str]:
        """The environments in which none of our rules sees it."""
        return [environment for environment, rules in self.seen(OURS).items() if rules == ()]


@dataclass(frozen=True)
class Score:
    """Breaks counted once in each environment."""

    seen: int
    judged: int
    all: int

    @property
    def low(self) -> bool:
        return self.seen < FLOOR * self.judged

    def __str__(self) -> str:
        if not self.judged:
            return "not run"
        per_mille = self.seen * 1000 // self.judged  # rounded down: 96.99 % are not 97 %
        told = f"{self.seen} of {self.judged}, {per_mille / 10:g} %"
        return told if self.judged == self.all else f"{told}; {self.all - self.judged} not run"


def judged(breaks: Iterable[Break], record: Record) -> list[Judged]:
    """The breaks with what the record has of them, in their order."""
    environments: dict[str, dict[str, Mapping[str, Verdict]]] = {}
    for (title, environment), verdicts in record.items():
        environments.setdefault(title, {})[environment] = verdicts
    return [Judged(broken, environments[broken.title]) for broken in breaks if broken.title in environments]


def score(rows: Iterable[Judged], tool: str) -> Score:
    verdicts = [rules for row in rows for rules in row.seen(tool).values()]
    known = [rules for rules in verdicts if rules is not None]
    return Score(sum(map(bool, known)), len(known), len(verdicts))


def complaints(rows: Sequence[Judged]) -> Iterator[str]:
    """What fails a run: silence that nobody explains, an explanation of what is seen, too low a score."""
    for row in rows:
        missed = row.survives_in
        if missed and not row.broken.survives:
            where = " and ".join(missed)
            yield f'{row.broken.title}: no rule of ours sees it in {where}; survives="…" says why'
        if row.broken.survives and not missed and score([row], OURS).judged:
            yield f"{row.broken.title}: is seen, so take its explanation away: {row.broken.survives}"
    total = score(rows, OURS)
    if total.low:
        yield f"our rules see {total}; {FLOOR * 100:g} % is the least"


def held(breaks: Sequence[Break], record: Record) -> list[str]:
    """The complaints about a record by itself, judging nothing: cheap enough for every test run."""
    wanted = {(broken.title, environment) for broken in breaks for environment in broken.environments}
    missing = sorted(
        f"{title} ({environment}): was never judged" for title, environment in wanted - set(record)
    )
    gone = sorted(f"{title} ({environment}): is no break" for title, environment in set(record) - wanted)
    return [*missing, *gone, *complaints(judged(breaks, record))]
