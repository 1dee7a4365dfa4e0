"""python -m mutation.scan checkov|guard DIR, in .venv-scan: findings as JSON, with no exception justified.

Runs where the rest of the project is not installed, so it imports the scanners and nothing else.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from scanners import checkov, guard, rulesets, templates
from scanners.finding import Finding, ScannerError


def findings(scanner: str, directory: Path) -> Sequence[Finding]:
    """Raises ScannerError."""
    if scanner == "checkov":
        return checkov.run(directory).findings
    return guard.run(templates.read(directory), rulesets.packaged())


def main(arguments: Sequence[str]) -> int:
    scanner, directory = arguments
    try:
        found = findings(scanner, Path(directory))
    except ScannerError as error:
        print(error, file=sys.stderr)
        return 2
    json.dump([(finding.rule, finding.where, finding.message) for finding in found], sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
