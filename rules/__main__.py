"""python -m rules: write docs/rules.md.

Exit codes: 0 all is well · 1 --check found it stale · 2 the command line or a rule's declaration is wrong.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from rules.seam.discovery import every_rule
from rules.seam.page import PAGE, page
from rules.seam.rule import BadRule

REPOSITORY = Path(__file__).parents[1]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"rules: {message} (--help shows what there is)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _Parser(prog="rules", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if it is stale")
    parser.add_argument("--root", type=Path, default=REPOSITORY, metavar="DIR", help="where docs/ lies")
    options = parser.parse_args(arguments)
    try:
        text = page(every_rule())
    except BadRule as error:
        parser.exit(2, f"rules: {error}\n")
    file: Path = options.root / PAGE
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return 0
    if options.check:
        print(f"{PAGE} is stale: run `python -m rules` and commit it")
        return 1
    file.write_text(text, encoding="utf-8")
    print(PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
