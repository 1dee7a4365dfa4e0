"""Text with references in it as plain text with marks, so that what reads JSON or a query can read it."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from topology.values import Given, Reference, Text, Unknown, Value, joined

MARK = re.compile("\ue000(\\d+)\ue001")


@dataclass(frozen=True, eq=False)
class Marked:
    """`text` has a mark for each part that is not literal."""

    text: str
    parts: list[Reference | Given | Unknown] = field(default_factory=list)

    def back(self, text: str) -> Value:
        """A piece of the text as a resolved value."""
        pieces: list[object] = []
        end = 0
        for found in MARK.finditer(text):
            pieces += [text[end : found.start()], self.parts[int(found[1])]]
            end = found.end()
        return joined([*pieces, text[end:]])

    def json(self) -> Any:
        """Raises ValueError."""
        return json.loads(self.text)


def marked(value: Value) -> Marked | None:
    """None where it is no text, or nobody knows any of it."""
    if isinstance(value, str):
        return Marked(value)
    parts = value.parts if isinstance(value, Text) else (value,)
    found = Marked("", [])
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part
        elif isinstance(part, Reference | Given | Unknown):
            text += f"\ue000{len(found.parts)}\ue001"
            found.parts.append(part)
        else:
            return None
    if isinstance(value, Unknown | Given):
        return None
    return Marked(text, found.parts)
