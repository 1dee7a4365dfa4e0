"""Our rules over a tree on disk, without cfn-lint around them.

Each root is judged as cfn-lint would have it judged; rules that are silent unless asked for are left out.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mutation.telling import CannotJudge, Told
from rules.seam.discovery import every_rule
from rules.seam.judging import Judged, JudgingFailed, Placed
from topology.tree import load
from topology.yaml_template import BadTemplate, Lines, read


@dataclass
class Ours:
    """Files are parsed once per content: of a broken tree all but one are known."""

    _parsed: dict[bytes, tuple[dict[str, Any], Lines]] = field(default_factory=dict)

    def said(self, directory: Path, roots: Sequence[str]) -> Counter[Told]:
        """Raises CannotJudge where a rule crashes or a template is none."""
        told: Counter[Told] = Counter()
        for root in roots:
            try:
                judged = Judged(load(directory / root, reader=self._read))
                for rule in every_rule():
                    if not rule.only_if:
                        told.update(_told(rule.id, placed) for placed in judged.said(rule))
            except (JudgingFailed, BadTemplate) as error:
                raise CannotJudge(str(error)) from error
        return told

    def _read(self, file: Path) -> tuple[dict[str, Any], Lines]:
        digest = hashlib.sha256(file.read_bytes()).digest()
        if digest not in self._parsed:
            self._parsed[digest] = read(file)
        return self._parsed[digest]


def _told(rule: str, placed: Placed) -> Told:
    inside = placed.path[:1] == ("Resources",) and len(placed.path) > 1
    return Told(rule, placed.file.name, str(placed.path[1]) if inside else "", placed.message)
