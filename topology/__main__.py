"""python -m topology: what the emitted templates amount to, once every reference is resolved.

Exit codes: 0 all is well · 1 --check found a stale document · 2 the templates cannot be read or resolved.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from topology.policies import UnknownPolicy, policies
from topology.rendering import NoForm, Renderer
from topology.resolution import Unresolvable
from topology.tree import Tree, load_directory
from topology.yaml_template import BadTemplate

REPOSITORY = Path(__file__).parents[1]
TEMPLATES = REPOSITORY / "templates"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"topology: {message} (--help shows what there is)\n")


def environments(directory: Path) -> dict[str, Tree]:
    """Name → tree, of each directory with templates under `directory`. Raises BadTemplate."""
    found = sorted(path for path in directory.iterdir() if any(path.glob("*.yaml")))
    return {path.name: load_directory(path) for path in found}


def listed(trees: dict[str, Tree]) -> list[dict[str, Any]]:
    """Every policy of every environment as plain data, with the place where it is written."""
    plain = []
    for environment, tree in trees.items():
        renderer = Renderer(tree)
        for policy in policies(tree, renderer):
            plain.append(
                {
                    "environment": environment,
                    "file": f"{environment}/{policy.resource.file.name}",
                    "line": policy.resource.line,
                    "resource": policy.resource.address,
                    "name": policy.name,
                    "kind": str(policy.kind),
                    "about": [resource.address for resource in policy.about],
                    "statements": [{"name": made.name, "line": made.line} for made in policy.statements],
                    "document": policy.taken_out(renderer),
                }
            )
    return plain


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _Parser(
        prog="topology", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--templates", type=Path, default=TEMPLATES, metavar="DIR", help="default: templates/"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    shown = commands.add_parser("policies", help="every policy, resolved")
    shown.add_argument("--json", action="store_true", help="as one list, with documents that stand alone")
    options = parser.parse_args(arguments)
    try:
        trees = environments(options.templates)
        plain = listed(trees)
    except (BadTemplate, Unresolvable, NoForm, UnknownPolicy, OSError) as error:
        parser.exit(2, f"topology: {error}\n")
    if options.json:
        print(json.dumps(plain, indent=1))
    else:
        for policy in plain:
            print(
                f"{policy['file']}:{policy['line']}: {policy['kind']} {policy['resource']} {policy['name']}"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
