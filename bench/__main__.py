"""`make bench`: measure, print one table, write bench/results.json."""

import argparse
import importlib
import sys
from pathlib import Path

from bench import table

GROUPS = ("emission", "path")


def main() -> int:
    """Run the groups asked for, in order."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("groups", nargs="*", choices=[[], *GROUPS], help=f"any of {', '.join(GROUPS)}; all if none")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results.json")
    arguments = parser.parse_args()
    rows = []
    for group in arguments.groups or GROUPS:
        print(f"measuring {group} …", file=sys.stderr)
        rows += importlib.import_module(f"bench.{group}").rows()
    print(table.text(rows))
    table.save(rows, arguments.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
