"""Where a resource comes from: its line in an emitted template, and the line of Python that made it.

The lines of Python are what `build.py` left beside the templates (stacks/origins.py); they are shown only
where they belong to the very text of the template that lies here now.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec
import yaml

from deployer import states, templates
from deployer.artefacts import BOOTSTRAP, PLATFORM
from deployer.errors import DeployerError
from deployer.paths import ROOT

UNKNOWN = "run `make build` to see the Python line"


@dataclass(frozen=True)
class Place:
    """A template's file with the line, and `file:line` of the Python that made it, where that is known."""

    template: str
    line: int
    python: str | None

    def __str__(self) -> str:
        made = f"made by {self.python}" if self.python else UNKNOWN
        return f"{self.template}:{self.line}, {made}"


class _Lines(msgspec.Struct):
    """What build.py wrote of one template."""

    digest: str
    lines: dict[str, str]


class Origins:
    """One environment's emitted templates, as they lie in `directory`."""

    def __init__(self, directory: Path, root: str = PLATFORM) -> None:
        self._directory = directory
        self._root = root

    @classmethod
    def of(cls, directory: Path, *, bootstrap: bool) -> "Origins":
        """Those of the environment's bootstrap stack, or of its platform."""
        return cls(directory, BOOTSTRAP if bootstrap else PLATFORM)

    def place(self, stack: Sequence[str], logical_id: str, pointer: str = "") -> Place | None:
        """Of a resource by the path of its stack; None where it is in no template that lies here.

        `pointer` is a ValidationPath: the line is that of the deepest key of it that is there.
        """
        try:
            file = self._file(stack)
            return self._found(file, logical_id, pointer) if file else None
        except (DeployerError, yaml.YAMLError):  # missing or broken, and whoever deploys it is told
            return None

    def by_stack_name(self, stack_name: str, logical_id: str, pointer: str = "") -> Place | None:
        """The same by the name that CloudFormation gave: `<parent>-<logical id>-<random>`.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-nested-stacks.html
        """
        for path in sorted(self._paths, key=len, reverse=True):
            if path and re.search(rf"-{re.escape(path[-1])}-[A-Za-z0-9]+$", stack_name):
                return self.place(path, logical_id, pointer)
        if stack_name.endswith(states.BOOTSTRAP):
            return Origins.of(self._directory, bootstrap=True).place((), logical_id, pointer)
        return self.place((), logical_id, pointer)

    @cached_property
    def _paths(self) -> dict[tuple[str, ...], Path]:
        """Path of logical ids → file, for the root and all that it nests."""
        found: dict[tuple[str, ...], Path] = {}

        def walk(file: Path, path: tuple[str, ...]) -> None:
            if file in (found[path[:depth]] for depth in range(len(path))):
                return  # nests itself; whoever deploys it is told
            found[path] = file
            for title, name in templates.nested(templates.parse(templates.read(file), file)):
                walk(file.parent / name, (*path, title))

        try:
            walk(self._directory / self._root, ())
        except DeployerError:
            return found
        return found

    def _file(self, stack: Sequence[str]) -> Path | None:
        return self._paths.get(tuple(stack))

    def _found(self, file: Path, logical_id: str, pointer: str) -> Place | None:
        text = templates.read(file)
        keys = [key for key in pointer.split("/") if key]
        if keys[:2] != ["Resources", logical_id]:
            keys = ["Resources", logical_id, *keys]
        line = _line(text, keys)
        if line is None:
            return None
        shown = file.relative_to(ROOT) if file.is_relative_to(ROOT) else file
        return Place(shown.as_posix(), line, self._python(file.name, text, logical_id))

    def _python(self, name: str, text: str, logical_id: str) -> str | None:
        made = self._made.get(name)
        if made is None or made.digest != hashlib.sha256(text.encode()).hexdigest():
            return None
        return made.lines.get(logical_id)

    @cached_property
    def _made(self) -> dict[str, _Lines]:
        beside = self._directory.parent / "origins"
        for directory in (beside, ROOT / "build" / "origins"):
            file = directory / f"{self._directory.name}.json"
            try:
                return msgspec.json.decode(file.read_bytes(), type=dict[str, _Lines])
            except (OSError, msgspec.DecodeError):
                continue
        return {}


def _line(text: str, keys: Sequence[str]) -> int | None:
    """The line, from 1, of the deepest of these keys; None when not even the resource is there."""
    node = yaml.compose(text, templates.Loader)
    found = None
    for depth, key in enumerate(keys):
        step = _step(node, key)
        if step is None:
            return found if depth > 1 else None
        found, node = step
    return found


def _step(node: yaml.Node | None, key: str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == key:
                return name.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and key.isdigit() and int(key) < len(node.value):
        value = node.value[int(key)]
        return value.start_mark.line + 1, value
    return None
