"""The trees that a template belongs to: its own, or those of the roots beside it that lead to it.

A root is looked for in the template's directory and in the one above. Files are read once per content, so
that a run over a whole tree parses each of them once.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rules.seam.judging import Judged
from topology.tree import Stack, Tree, load, local_template
from topology.yaml_template import BadTemplate, Lines, read

SUFFIXES = frozenset({".json", ".template", ".yaml", ".yml"})
LARGEST = 1 << 20  # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html

Parsed = tuple[dict[str, Any], Lines]


@dataclass
class Library:
    """What was read and judged in this process, by content."""

    _parsed: dict[Path, tuple[bytes, Parsed | BadTemplate]] = field(default_factory=dict)
    _judged: dict[Path, tuple[dict[Path, bytes], Judged]] = field(default_factory=dict)

    def trees(self, file: Path) -> list[Judged]:
        """Every tree with this template in it; none where one of its files cannot be read as a template.

        What is wrong with such a file is for cfn-lint's own rules to say.
        """
        found = []
        for root in self._roots(file.resolve(), ()):
            try:
                found.append(self._judgement(root))
            except BadTemplate:
                continue
        return found

    def _judgement(self, root: Path) -> Judged:
        tree = load(root, reader=self._read)
        content = {stack.file.resolve(): self._digest(stack.file) for stack in tree.stacks.values()}
        known = self._judged.get(root)
        if known is None or known[0] != content:
            known = self._judged[root] = (content, Judged(tree))
        return known[1]

    def _roots(self, file: Path, seen: tuple[Path, ...]) -> list[Path]:
        parents = [
            one for one in self._beside(file) if one not in (file, *seen) and file in self._nested(one)
        ]
        further = [root for parent in parents for root in self._roots(parent, (*seen, file))]
        return list(dict.fromkeys(further)) or [file]

    def _beside(self, file: Path) -> list[Path]:
        directories = (file.parent, file.parent.parent)
        files = (one for directory in directories for one in sorted(directory.iterdir()))
        return [one for one in files if one.suffix in SUFFIXES and one.is_file() and _small(one)]

    def _nested(self, file: Path) -> set[Path]:
        """The files that a template nests."""
        try:
            if b"TemplateURL" not in file.read_bytes():
                return set()
            body, lines = self._read(file)
            stack = Stack("", file, body, lines)
        except (BadTemplate, OSError):
            return set()
        urls = map(local_template, stack.resources.values())
        return {url.resolve() for url in urls if url is not None}

    def _read(self, file: Path) -> Parsed:
        digest = self._digest(file)
        known = self._parsed.get(file)
        if known is None or known[0] != digest:
            try:
                known = (digest, read(file))
            except BadTemplate as error:
                known = (digest, error)
            self._parsed[file] = known
        if isinstance(known[1], BadTemplate):
            raise known[1]
        return known[1]

    def _digest(self, file: Path) -> bytes:
        try:
            return hashlib.sha256(file.read_bytes()).digest()
        except OSError:
            return b""  # `read` says why


def _small(file: Path) -> bool:
    return file.stat().st_size <= LARGEST


def above(tree: Tree, address: str) -> list[Stack]:
    """The stack at an address, then what nests it, outwards."""
    found = []
    at: str | None = address
    while at is not None:
        found.append(tree.stacks[at])
        at = tree.stacks[at].parent
    return found
