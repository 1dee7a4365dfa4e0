"""python -m mutation: break the emitted templates, one break at a time, and tell who saw it.

Verdicts of before are taken where nothing that decides them has changed: neither the templates nor the tool.
checkov and Guard run with --full only. A run over everything writes docs/mutation.md and docs/mutation.json,
the latter after each tool, so that an interrupted run loses little.

Exit codes: 0 all is well · 1 our rules see too little, or a break that they do not see is not explained, or
one that is explained is seen, or --check found the page stale · 2 the command line or a declaration is wrong
· 3 a break does not apply or a tool did not work: nothing is known, and nothing is written.
"""

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from mutation import judging, record, scanned
from mutation.breaking import ENVIRONMENTS, BadBreak, Break
from mutation.clean import Clean, clean
from mutation.discovery import every_break
from mutation.draft import DoesNotApply
from mutation.mutant import Mutant, keys, mutants
from mutation.page import PAGE, lines, page
from mutation.record import BadRecord, Place, Record, Verdict
from mutation.score import complaints, judged
from mutation.telling import CHECKOV, GUARD, LINT, OURS, TOOLS, CannotJudge
from topology.yaml_template import BadTemplate

REPOSITORY = Path(__file__).parents[1]

Verdicts = dict[Place, dict[str, Verdict]]
Keys = Mapping[Place, Mapping[str, str]]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"mutation: {message} (--help shows what there is)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _Parser(
        prog="mutation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="all four tools; without it no scanner runs")
    parser.add_argument("--anew", action="store_true", help="take no verdict of before")
    parser.add_argument("--only", metavar="PATTERN", help="breaks whose family: name this regex finds")
    parser.add_argument("--environment", choices=ENVIRONMENTS, help="default: both")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the page is stale")
    parser.add_argument("--json", action="store_true", help="print the verdicts as JSON")
    parser.add_argument("--root", type=Path, default=REPOSITORY, metavar="DIR", help="where templates/ lies")
    options = parser.parse_args(arguments)
    try:
        breaks = _chosen(options.only)
        before = {} if options.anew else record.load(options.root / record.FILE)
        whole = not (options.only or options.environment)
        kept = options.root / record.FILE if whole and not options.check else None
        after = run(breaks, options.root, options.environment, before, full=options.full, kept=kept)
    except (BadBreak, BadRecord, re.error) as error:
        parser.exit(2, f"mutation: {error}\n")
    except (DoesNotApply, BadTemplate, CannotJudge) as error:
        parser.exit(3, f"mutation: {error}\n")
    rows = judged(breaks, after)
    if options.json:
        print(record.text(after), end="")
    else:
        print(*lines(rows), sep="\n")
    wrong = list(complaints(rows))
    if whole:
        wrong += _written(
            {options.root / record.FILE: record.text(after), options.root / PAGE: page(rows)}, options.check
        )
    for complaint in wrong:
        print(complaint, file=sys.stderr)
    return 1 if wrong else 0


def run(
    breaks: Sequence[Break],
    root: Path,
    environment: str | None,
    before: Record,
    *,
    full: bool,
    kept: Path | None = None,
) -> Record:
    """The verdicts on each break. Raises DoesNotApply, BadTemplate, CannotJudge."""
    templates = root / "templates"
    names = [environment] if environment else ENVIRONMENTS
    cleans = {name: clean(templates / name) for name in names}
    broken = mutants(breaks, cleans)
    wanted = {place(mutant): keys(mutant, cleans[mutant.environment]) for mutant in broken}
    found = _still_true(before, wanted)
    for tools in ((OURS,), (LINT,), (CHECKOV, GUARD)) if full else ((OURS,), (LINT,)):
        missing = [mutant for mutant in broken if not found[place(mutant)].keys() >= set(tools)]
        known = len(broken) - len(missing)
        _say(f"{' and '.join(tools)}: {len(missing)} to judge, {known} known and unchanged")
        if missing:
            for tool, verdicts in _verdicts(tools, missing, cleans, templates).items():
                for mutant, seen in zip(missing, verdicts, strict=True):
                    where = place(mutant)
                    found[where][tool] = Verdict(wanted[where][tool], seen)
        if kept:
            kept.write_text(record.text(_ordered(found)), encoding="utf-8")
    return _ordered(found)


def _still_true(before: Record, wanted: Keys) -> Verdicts:
    found: Verdicts = {}
    for where, digests in wanted.items():
        recalled = before.get(where, {}).items()
        found[where] = {tool: verdict for tool, verdict in recalled if digests[tool] == verdict.key}
    return found


def _ordered(found: Verdicts) -> Record:
    return {where: {tool: tools[tool] for tool in TOOLS if tool in tools} for where, tools in found.items()}


def place(mutant: Mutant) -> Place:
    return mutant.title, mutant.environment


def _verdicts(
    tools: Sequence[str], missing: Sequence[Mutant], cleans: Mapping[str, Clean], templates: Path
) -> Mapping[str, Sequence[tuple[str, ...]]]:
    if CHECKOV in tools:
        return scanned.verdicts(missing, cleans)
    return {tool: list(judging.verdicts(tool, missing, templates)) for tool in tools}


def _chosen(pattern: str | None) -> list[Break]:
    """Raises BadBreak where there is none."""
    found = [broken for broken in every_break() if not pattern or re.search(pattern, broken.title)]
    if not found:
        raise BadBreak(f"--only {pattern}: finds none of {len(every_break())} breaks")
    return found


def _written(texts: Mapping[Path, str], check: bool) -> list[str]:
    """Writes what has changed; with `check`, says so instead."""
    stale = [file for file, text in texts.items() if not file.exists() or file.read_text("utf-8") != text]
    if check:
        return [f"{file} is stale: run `make mutate` and commit it" for file in stale]
    for file in stale:
        file.write_text(texts[file], encoding="utf-8")
    return []


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
