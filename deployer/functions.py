"""A Lambda function's zip: its package, its pure-Python libraries, its files; the same bytes everywhere.

The zip's hash is its name in S3, so two machines that build the same commit must agree, or every deployment
would show a change of the function. Entries are therefore sorted, stored with one time and one mode, and
*not* compressed: deflate's output differs between versions of zlib, and 1.5 MB is nothing to Lambda's 50.
boto3 is left out: the runtime has it.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from deployer.errors import UsageError
from deployer.paths import ROOT

EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest that a zip can name
MODE = 0o100644  # a plain file that Lambda's user may read
LICENCE = re.compile(r"(^|/)(LICEN[CS]E|COPYING|NOTICE)[^/]*$", re.IGNORECASE)
BINARY = (".so", ".pyd", ".dylib", ".dll")


@dataclass(frozen=True)
class Function:
    """What a function's zip is made of."""

    package: str
    left_out: frozenset[str]  # modules of the package that only tests need
    libraries: tuple[str, ...]  # with all that they require
    files: tuple[str, ...]


FUNCTIONS = {
    "rotation": Function(
        package="rotation",
        left_out=frozenset({"memory.py"}),
        libraries=("pg8000",),
        files=("certificates/rds-eu-west-2.pem",),
    )
}


class LibraryMissing(UsageError):
    """the function's zip needs {name}, which is not installed:
    pip install -c constraints.txt '.[rotation]'"""


class LibraryOther(UsageError):
    """{name} {found} is installed, constraints.txt has {pinned}:
    pip install -c constraints.txt '.[rotation]'"""


class LibraryUnfit(UsageError):
    """{name} cannot go into the function's zip: {why}; pin another version in constraints.txt, or take
    another library into deployer/functions.py"""


def build(name: str = "rotation", root: Path = ROOT) -> bytes:
    """The zip of a function of this project. Raises LibraryMissing, LibraryOther, LibraryUnfit."""
    function = FUNCTIONS[name]
    package = root / function.package
    entries = {
        f"{function.package}/{file.name}": file.read_bytes()
        for file in package.glob("*.py")
        if file.name not in function.left_out
    }
    entries |= {file: (root / file).read_bytes() for file in function.files}
    pins = _pins(root / "constraints.txt")
    for library in _closure(function.libraries, pins):
        entries |= _entries(library)
    return _zip(entries)


def _zip(entries: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(entries):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3  # Unix, wherever it is built: else the mode is not read as one
            entry.external_attr = MODE << 16
            archive.writestr(entry, entries[name])
    return buffer.getvalue()


def _pins(constraints: Path) -> dict[str, str]:
    lines = (line.partition("#")[0].strip() for line in constraints.read_text().splitlines())
    return {
        _normal(name): version for name, found, version in (line.partition("==") for line in lines) if found
    }


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()  # PEP 503


def _closure(libraries: tuple[str, ...], pins: Mapping[str, str]) -> list[Distribution]:
    """These libraries and all that they require, each in the version that is pinned."""
    found: dict[str, Distribution] = {}
    wanted = list(libraries)
    while wanted:
        name = _normal(wanted.pop())
        if name not in found:
            found[name] = _installed(name, pins)
            wanted += _requirements(found[name])
    return list(found.values())


def _installed(name: str, pins: Mapping[str, str]) -> Distribution:
    try:
        library = distribution(name)
    except PackageNotFoundError:
        raise LibraryMissing(name=name) from None
    if library.version != pins.get(name):
        raise LibraryOther(name=name, found=library.version, pinned=pins.get(name, "no version of it"))
    return library


def _requirements(library: Distribution) -> Iterator[str]:
    for requirement in library.requires or ():
        name, _, marker = requirement.partition(";")
        if "extra" in marker:
            continue
        if marker:  # it holds on one machine and not on another: what the function gets must not depend on it
            raise LibraryUnfit(
                name=library.name, why=f"it requires {requirement!r}, which depends on the machine"
            )
        yield re.split(r"[^A-Za-z0-9._-]", name.strip(), maxsplit=1)[0]


def _entries(library: Distribution) -> dict[str, bytes]:
    """Its modules and licences, and METADATA: pg8000 and scramp ask for their own version when imported."""
    entries = {}
    for file in library.files or ():
        path = file.as_posix()
        if path.endswith(BINARY):
            raise LibraryUnfit(
                name=library.name, why=f"{path} is machine code, and the function is pure Python"
            )
        own = ".dist-info/" not in path
        told = path.endswith(".dist-info/METADATA") or LICENCE.search(path)
        if ".." not in file.parts and ((own and path.endswith(".py")) or (not own and told)):
            entries[path] = file.read_binary()
    if not entries:
        raise LibraryUnfit(
            name=library.name, why="it is not installed from a wheel, so its files are unknown"
        )
    return entries
