"""What may import what: each room ships alone, so each arrow between rooms is one that the design draws."""

import ast
import configparser
import re
import sys
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
ROOMS = (
    "build",
    "deploy",
    "stacks",
    "parameters",
    "deployer",
    "processor",
    "rotation",
    "local",
    "rules",
    "bench",
    "topology",
    "scanners",
    "mutation",
    "fuzz",
)

# Room → the modules of other rooms that it may import. A package admits what lies in it.
ARROWS: dict[str, tuple[str, ...]] = {
    # The rules are given by their place, as another team gives them. What of bootstrap is sent in a request
    # is the deployer's to say, and the build's to measure.
    "build": ("stacks", "parameters", "deployer.foundation"),
    "deploy": ("deployer", "parameters"),
    # The bridge: variables are made from the artefacts' settings, and from nothing else of theirs.
    "stacks": ("parameters", "processor.settings", "rotation.settings", "topology.metrics", "topology.needs"),
    "parameters": (),
    "deployer": ("parameters",),
    "processor": (),
    "rotation": (),
    "local": ("parameters", "deployer", "processor", "rotation"),  # the stacks' emitted files, not the stacks
    "rules": ("topology",),  # they hold for any team's templates
    "topology": (),  # it reads them, whoever emitted them
    "mutation": ("rules", "topology", "scanners", "stacks.lint"),  # it asks all who may see a break
    "fuzz": ("processor",),  # it asks the processor, and shares no reading of the contract with it
    "scanners": (),  # they read what was emitted, from an environment that has none of the rest
}
# Rooms that are shipped to AWS: their libraries are those of their extra, whatever else is installed here.
SHIPPED = ("processor", "rotation")
# What a shipped room has beside: loaded by name, when it is asked for, and nothing else of the room needs it.
BESIDE = {Path("processor/alarms/drawing.py"): "plot"}


def imports(source: str, package: str) -> set[str]:
    """Every module that a source text of `package` imports, by statement or by name in a call."""
    return imported_by(ast.walk(ast.parse(source)), package)


def imports_at_run_time(source: str, package: str) -> set[str]:
    """The same without what stands under `if TYPE_CHECKING:`, which no artefact ever loads."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            node.body = [ast.Pass()]
    return imported_by(ast.walk(tree), package)


def imported_by(nodes: Iterable[ast.AST], package: str) -> set[str]:
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*package.split(".")[: -(node.level - 1) or None]] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found.update(f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            found.update(
                str(ast.literal_eval(name)) for name in node.args[:1] if isinstance(name, ast.Constant)
            )
    return found


def forbidden(room: str, imported: set[str]) -> set[str]:
    """Imports of other rooms along an arrow that nobody drew."""
    allowed = (room, *ARROWS[room])
    others = {name for name in imported if name.partition(".")[0] in ROOMS}
    return {name for name in others if not any(f"{name}.".startswith(f"{module}.") for module in allowed)}


def undeclared(room: str, imported: set[str], beside: str | None = None) -> set[str]:
    """Libraries of a shipped room that its extra does not install, nor one beside it."""
    config = configparser.ConfigParser()
    config.read(REPOSITORY / "setup.cfg")
    extras = config["options.extras_require"]
    lines = config["options"]["install_requires"] + extras[room] + (extras[beside] if beside else "")
    declared = {normal(re.split(r"[\[<>=;\s]", line)[0]) for line in lines.split("\n") if line.strip()}
    if "boto3" in declared:
        declared.add("botocore")  # its own other half, whose exceptions are part of its interface
    distributions = packages_distributions()
    names = (
        {name.partition(".")[0] for name in imported} - {room, "__future__"} - set(sys.stdlib_module_names)
    )
    return {
        name
        for name in names
        if not {normal(distribution) for distribution in distributions.get(name, [name])} & declared
    }


def normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def sources(room: str) -> list[Path]:
    script = REPOSITORY / f"{room}.py"
    return [script] if script.exists() else sorted((REPOSITORY / room).rglob("*.py"))


def package_of(file: Path) -> str:
    return ".".join(file.relative_to(REPOSITORY).parent.parts)


@pytest.mark.parametrize("room", ARROWS)
def test_a_room_imports_only_along_its_arrows(room: str) -> None:
    for file in sources(room):
        wrong = forbidden(room, imports(file.read_text(encoding="utf-8"), package_of(file)))
        assert not wrong, f"{file.relative_to(REPOSITORY)} imports {sorted(wrong)}"


@pytest.mark.parametrize("room", SHIPPED)
def test_a_shipped_room_imports_only_what_its_extra_installs(room: str) -> None:
    for file in sources(room):
        imported = imports_at_run_time(file.read_text(encoding="utf-8"), package_of(file))
        wrong = undeclared(room, imported, BESIDE.get(file.relative_to(REPOSITORY)))
        assert not wrong, f"{file.relative_to(REPOSITORY)} needs {sorted(wrong)}, which extra {room!r} lacks"


def test_what_a_room_has_beside_is_loaded_by_name_alone() -> None:
    beside = {".".join(file.with_suffix("").parts) for file in BESIDE}
    for file in sources("processor"):
        tree = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        stated = (node for node in tree if isinstance(node, ast.Import | ast.ImportFrom))
        assert not imported_by(stated, package_of(file)) & beside, file


def test_every_package_has_its_arrows() -> None:
    packages = {file.parent.name for file in REPOSITORY.glob("*/__init__.py")}
    assert packages - {"bench"} <= set(ARROWS)  # bench may measure anything


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("build", "import deployer"),
        ("build", "from processor import settings"),
        ("deploy", "import stacks.platform"),
        ("stacks", "from processor.storage import copy"),
        ("stacks", "import rotation"),
        ("stacks", "from deployer import plan"),
        ("parameters", "from stacks.wiring import Root"),
        ("deployer", "from stacks import platform"),
        ("deployer", "def late():\n    import stacks"),
        ("deployer", "from local import cloud"),
        ("deployer", "import importlib\nimportlib.import_module('stacks.platform')"),
        ("processor", "from rotation import handler"),
        ("processor", "from parameters.settings import load"),
        ("rotation", "from processor.settings import Settings"),
        ("rotation", "import parameters"),
        ("local", "from stacks import platform"),
        ("local", "import build"),
        ("rules", "from stacks.wiring import references"),
        ("stacks", "from topology import tree"),
        ("topology", "from stacks import platform"),
        ("rules", "from mutation import breaking"),
        ("mutation", "from stacks import platform"),
        ("topology", "from deployer import templates"),
    ],
)
def test_an_arrow_that_nobody_drew_is_seen(room: str, source: str) -> None:
    assert forbidden(room, imports(source, room))


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("processor", "import troposphere"),
        ("processor", "from pg8000 import native"),
        ("rotation", "import redis"),
    ],
)
def test_a_library_that_no_extra_names_is_seen(room: str, source: str) -> None:
    assert undeclared(room, imports_at_run_time(source, room))


def test_what_only_a_type_checker_reads_needs_no_extra() -> None:
    source = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from types_boto3_sts import STSClient"
    assert not undeclared("rotation", imports_at_run_time(source, "rotation"))
    assert undeclared("rotation", imports(source, "rotation"))


@pytest.mark.parametrize(
    ("source", "package", "module"),
    [
        ("from . import settings", "processor", "processor.settings"),
        ("from .storage import copy", "processor", "processor.storage.copy"),
        ("from .. import settings", "processor.storage", "processor.settings"),
        ("import a.b", "processor", "a.b"),
    ],
)
def test_imports_are_read_as_python_reads_them(source: str, package: str, module: str) -> None:
    assert imports(source, package) == {module}
