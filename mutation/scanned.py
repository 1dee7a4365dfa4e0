"""checkov and Guard over every broken file at once, each in one process of .venv-scan.

Both judge file by file, so a broken tree is its changed files, each beside the clean ones under a name of its
own: <environment>/<number>~<stack>.yaml.
"""

import json
import subprocess
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mutation.clean import Clean
from mutation.mutant import Mutant
from mutation.telling import CHECKOV, GUARD, CannotJudge, Told, seen

PYTHON = Path(".venv-scan/bin/python")
BETWEEN = "~"


def verdicts(
    mutants: Sequence[Mutant], cleans: Mapping[str, Clean], python: Path = PYTHON
) -> dict[str, list[tuple[str, ...]]]:
    """Scanner → for each mutant the rules that see it. Raises CannotJudge."""
    if not python.exists():
        raise CannotJudge(f"{python}: is not there, so no scanner can run; `make mutate FULL=1` makes it")
    with tempfile.TemporaryDirectory(prefix="scan-") as made:
        directory = Path(made)
        _lay_out(directory, mutants, cleans)
        started = {
            scanner: subprocess.Popen(
                [str(python), "-m", "mutation.scan", scanner, made],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for scanner in (CHECKOV, GUARD)
        }
        reports = {scanner: process.communicate() for scanner, process in started.items()}
    for scanner, process in started.items():
        if process.returncode:
            raise CannotJudge(f"{scanner}: {reports[scanner][1].strip()[-2000:]}")
    return {scanner: list(_compared(json.loads(output), mutants)) for scanner, (output, _) in reports.items()}


def _lay_out(directory: Path, mutants: Sequence[Mutant], cleans: Mapping[str, Clean]) -> None:
    for environment, clean in cleans.items():
        (directory / environment).mkdir()
        for name, text in clean.texts.items():
            (directory / environment / name).write_text(text, encoding="utf-8")
    for number, mutant in enumerate(mutants):
        for name, text in mutant.changed.items():
            file = directory / mutant.environment / f"{number}{BETWEEN}{name}"
            file.write_text(text, encoding="utf-8")


def _compared(report: list[tuple[str, str, str]], mutants: Sequence[Mutant]) -> Iterator[tuple[str, ...]]:
    """A finding's place is <environment>/[<number>~]<stack>[.<resource>]."""
    groups: dict[tuple[str, str], Counter[Told]] = defaultdict(Counter)  # (number, or environment; file)
    for rule, where, message in report:
        environment, _, rest = where.strip("/").partition("/")
        number, _, place = rest.rpartition(BETWEEN)
        stack, _, resource = place.removesuffix(".yaml").partition(".")
        told = Told(rule, f"{stack}.yaml", resource, message)
        groups[number or environment, told.file][told] += 1
    for position, mutant in enumerate(mutants):
        broken: Counter[Told] = Counter()
        clean: Counter[Told] = Counter()
        for name in mutant.changed:
            broken += groups[str(position), name]
            clean += groups[mutant.environment, name]
        yield seen(broken, clean)
