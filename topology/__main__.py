"""python -m topology: what the emitted templates amount to, once every reference is resolved.

Exit codes: 0 all is well · 1 --check found a stale document · 2 the templates cannot be read or resolved.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from topology import access, diagram, needs
from topology.calls import HiddenCall
from topology.needs import BadNeeds
from topology.policies import UnknownPolicy, policies
from topology.rendering import NoForm, Renderer
from topology.resolution import Unresolvable
from topology.tree import Tree, load_directory
from topology.yaml_template import BadTemplate

REPOSITORY = Path(__file__).parents[1]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"topology: {message} (--help shows what there is)\n")


def environments(directory: Path) -> dict[str, Tree]:
    """Name → tree, of each directory with templates under `directory`. Raises BadTemplate."""
    found = sorted(path for path in directory.iterdir() if any(path.glob("*.yaml")))
    return {path.name: load_directory(path) for path in found}


def listed(site: access.Site) -> list[dict[str, Any]]:
    """Every policy of every environment as plain data, with the place where it is written."""
    plain: list[dict[str, Any]] = []
    for environment, tree in site.trees.items():
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
    parser.add_argument("--root", type=Path, default=REPOSITORY, metavar="DIR", help="where templates/ lies")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    access_ = commands.add_parser("access", help=f"write {access.PAGE}")
    access_.add_argument("--check", action="store_true", help="change nothing; fail if it is stale")
    diagram_ = commands.add_parser("diagram", help=f"draw {diagram.PICTURE}")
    diagram_.add_argument("--check", action="store_true", help="change nothing; fail if it is stale")
    shown = commands.add_parser("policies", help="every policy, resolved")
    shown.add_argument("--json", action="store_true", help="as one list, with documents that stand alone")
    options = parser.parse_args(arguments)
    try:
        if options.command == "diagram":
            pictures = diagram.documents(environments(options.root / "templates"))
            return written(pictures, options.root, options.command, check=options.check)
        found = site(options.root)
        if options.command == "access":
            return written(access.documents(found), options.root, options.command, check=options.check)
        return printed(listed(found), as_json=options.json)
    except (BadTemplate, BadNeeds, HiddenCall, NoForm, Unresolvable, UnknownPolicy, OSError) as error:
        parser.exit(2, f"topology: {error}\n")


def site(root: Path) -> access.Site:
    return access.Site(environments(root / "templates"), needs.load(root / access.NEEDS), root)


def written(documents: Mapping[Path, str], root: Path, command: str, *, check: bool) -> int:
    """Write what has changed, or name it."""
    stale = {
        path: text
        for path, text in documents.items()
        if not (root / path).exists() or (root / path).read_text(encoding="utf-8") != text
    }
    for path, text in stale.items():
        if check:
            print(f"{path} is stale: run `python -m topology {command}` and commit it")
        else:
            (root / path).write_text(text, encoding="utf-8")
            print(path)
    return 1 if check and stale else 0


def printed(plain: list[dict[str, Any]], *, as_json: bool) -> int:
    if as_json:
        print(json.dumps(plain, indent=1))
    else:
        for one in plain:
            print(f"{one['file']}:{one['line']}: {one['kind']} {one['resource']} {one['name']}".rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
