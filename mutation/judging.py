"""Mutants judged by our rules and by cfn-lint's, on all cores, in the order given."""

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mutation import schema_lint
from mutation.clean import Clean, clean
from mutation.mutant import Mutant
from mutation.ours import Ours
from mutation.telling import LINT, OURS, CannotJudge, Told, seen

CHUNK = 12  # mutants that one process takes at once: enough that cfn-lint's start does not count

Verdicts = list[tuple[str, ...]]  # one for each mutant: the rules that see it


@dataclass(frozen=True)
class Task:
    """What goes to a process and back; it reads the clean templates itself, once."""

    tool: str
    templates: Path
    mutants: tuple[Mutant, ...]


def verdicts(
    tool: str, mutants: Sequence[Mutant], templates: Path, processes: int | None = None
) -> Iterator[tuple[str, ...]]:
    """The rules that see each mutant. Raises CannotJudge."""
    tasks = [
        Task(tool, templates, tuple(mutants[first : first + CHUNK]))
        for first in range(0, len(mutants), CHUNK)
    ]
    count = min(processes or os.cpu_count() or 1, len(tasks))
    if count < 2:
        for task in tasks:
            yield from judge(task)
        return
    with ProcessPoolExecutor(count) as pool:
        for found in pool.map(judge, tasks):
            yield from found


def judge(task: Task) -> Verdicts:
    """One process's share."""
    work: Callable[[Task], Verdicts] = {OURS: _by_ours, LINT: _by_lint}[task.tool]
    return work(task)


@cache
def _clean(directory: Path) -> Clean:
    return clean(directory)


@cache
def _ours() -> Ours:
    return Ours()


@cache
def _clean_said(directory: Path) -> Counter[Told]:
    """By our rules."""
    whole = _clean(directory)
    with tempfile.TemporaryDirectory(prefix="mutation-") as made:
        place = Path(made, whole.environment)  # the directory's name may say which environment it is
        whole.write(place)
        return _ours().said(place, whole.roots)


@cache
def _clean_linted(directory: Path, name: str) -> Counter[Told]:
    """One file, by cfn-lint's."""
    whole = _clean(directory)
    with tempfile.TemporaryDirectory(prefix="mutation-") as made:
        place = Path(made, "clean")
        whole.write(place)
        return schema_lint.said({place: [name]})[place]


def _by_ours(task: Task) -> Verdicts:
    found = []
    for mutant in task.mutants:
        directory = task.templates / mutant.environment
        whole = _clean(directory)
        with tempfile.TemporaryDirectory(prefix="mutation-") as made:
            place = Path(made, whole.environment)
            whole.write(place, mutant.changed)
            try:
                told = _ours().said(place, whole.roots)
            except CannotJudge as error:
                raise CannotJudge(f"{mutant.title} ({mutant.environment}): {error}") from error
        found.append(seen(told, _clean_said(directory)))
    return found


def _by_lint(task: Task) -> Verdicts:
    """The changed files; and whatever nests one whose parameters or outputs are others now."""
    with tempfile.TemporaryDirectory(prefix="mutation-") as made:
        trees: dict[Path, list[str]] = {}
        for number, mutant in enumerate(task.mutants):
            whole = _clean(task.templates / mutant.environment)
            place = Path(made, str(number))
            whole.write(place, mutant.changed)
            trees[place] = whole.concerned(mutant.changed)
        said = schema_lint.said(trees)
        found = []
        for mutant, (place, names) in zip(task.mutants, trees.items(), strict=True):
            before: Counter[Told] = Counter()
            for name in names:
                before += _clean_linted(task.templates / mutant.environment, name)
            found.append(seen(said[place], before))
        return found
