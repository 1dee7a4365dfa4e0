"""python -m scanners: checkov and CloudFormation Guard over templates/.

Exit codes: 0 nothing is wrong · 1 something is · 2 a scanner could not scan, so nothing is known.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from scanners import checkov, guard, justified, rulesets, templates
from scanners.finding import Finding, ScannerError

SCANNERS = ("checkov", "guard")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m scanners", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "scanners", nargs="*", metavar="SCANNER", help=f"{' or '.join(SCANNERS)}; default: both"
    )
    parser.add_argument("--templates", type=Path, default=Path("templates"), metavar="DIR")
    parser.add_argument("--justified", type=Path, default=justified.PAGE, metavar="PAGE")
    parser.add_argument(
        "--registry", type=Path, metavar="DIR", help="a clone of aws-guard-rules-registry: read its own rules"
    )
    options = parser.parse_args(arguments)
    if unknown := set(options.scanners) - set(SCANNERS):
        parser.error(f"there is no scanner {', '.join(sorted(unknown))}; there are {', '.join(SCANNERS)}")
    chosen = options.scanners or SCANNERS
    try:
        found = [*(_checkov(options) if "checkov" in chosen else ())]
        found += [*(_guard(options) if "guard" in chosen else ())]
    except ScannerError as error:
        print(f"scanners: {error}", file=sys.stderr)
        return 2
    for finding in found:
        print(finding)
    return 1 if found else 0


def _checkov(options: argparse.Namespace) -> Sequence[Finding]:
    verdict = checkov.run(options.templates)
    print(f"checkov  {verdict.passed} passed, {verdict.skipped} skipped, {len(verdict.findings)} wrong")
    return verdict.findings


def _guard(options: argparse.Namespace) -> Sequence[Finding]:
    book = rulesets.from_registry(options.registry) if options.registry else rulesets.packaged()
    failing = guard.run(templates.read(options.templates), book)
    wrong = justified.compare(failing, justified.read(options.justified))
    print(
        f"guard    {len(book.held)} of {len(book.rules)} rules apply, {len(failing)} failures, "
        f"{len(wrong)} not as {options.justified} has them"
    )
    return wrong


if __name__ == "__main__":
    sys.exit(main())
