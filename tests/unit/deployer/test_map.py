"""The package's own map: every module stands on it, and no two import each other."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import deployer

PACKAGE = Path(deployer.__file__).parent
MODULES = {
    ".".join(("deployer", *file.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): file
    for file in PACKAGE.rglob("*.py")
}


def test_every_module_is_on_the_map() -> None:
    shown = set(re.findall(r"\w+", deployer.__doc__ or ""))
    assert {name.split(".")[1] for name in MODULES if "." in name} <= shown


def test_no_module_imports_itself_by_way_of_others() -> None:
    arrows: dict[str, set[str]] = {}
    for name, file in MODULES.items():
        found = [
            node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)
        ]
        every = {
            f"{node.module}.{each.name}" if f"{node.module}.{each.name}" in MODULES else str(node.module)
            for node in found
            for each in node.names
        }
        arrows[name] = every & MODULES.keys()
    assert list(TopologicalSorter(arrows).static_order())
