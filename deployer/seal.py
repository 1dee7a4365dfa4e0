"""What a plan was made of, written into the change set itself, so that both come and go together.

A change set's Description takes 1,024 characters and cannot be changed later:
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
The text is `millrace-seal/1 {part: {name: value}} digest`. A long value stands as a digest; where all values
would not fit, the longest parts stand as one digest each. `whole` is over every value in full.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from deployer.errors import PlanOutdated

VERSION = 1
LIMIT = 1024
TEXT = re.compile(r"millrace-seal/(?P<version>\d+) (?P<body>\{.*\}) (?P<digest>[0-9a-f]{16})", re.DOTALL)
SHORT = 40  # a longer value is a digest: a key, an ARN, an image
ALL = "*"  # the only name in a part that stands as one digest
IN_FULL = frozenset({"rollback", "stack"})  # which are read again from the seal

Facts = Mapping[str, Mapping[str, str]]  # part → name → value


class Unsealed(PlanOutdated):
    """{plan} cannot be applied: {why}. Plan again with `{again}`; nothing was changed"""


class SealBroken(PlanOutdated):
    """{plan} no longer fits {stack}: {moved}. Plan again with `{again}`; nothing was changed"""


@dataclass(frozen=True)
class Seal:
    """Bound to one change set by its name and its stack's."""

    change_set: str
    stack: str
    parts: Facts
    whole: str

    @classmethod
    def of(cls, facts: Facts, change_set: str, stack: str) -> Self:
        parts = {part: _shortened(values) for part, values in facts.items()}
        seal = cls(change_set, stack, parts, _digest(facts)[:32])
        for part in sorted(parts.keys() - IN_FULL, key=lambda part: -len(json.dumps(parts[part]))):
            if len(seal.text()) <= LIMIT:
                break
            parts[part] = {ALL: _collapsed(facts[part])}
        return seal

    def text(self) -> str:
        body = json.dumps({**self.parts, "whole": self.whole}, separators=(",", ":"), sort_keys=True)
        return f"millrace-seal/{VERSION} {body} {self._digest(body)}"

    def moved(self, now: Facts) -> tuple[str, ...]:
        """What is not as it was, from what to what, as clauses; empty when all is."""
        if _digest(now)[:32] == self.whole:
            return ()
        clauses = [
            clause
            for part in sorted({*self.parts, *now})
            for clause in _moved(part, self.parts.get(part, {}), now.get(part, {}))
        ]
        return tuple(clauses) or ("something that the seal holds only in part",)

    def _digest(self, body: str) -> str:
        return _digest([VERSION, self.change_set, self.stack, body])[:16]


def read(text: str, change_set: str, stack: str, again: str) -> Seal:
    """The seal of this very change set; `again` is the command that makes a new one. Raises Unsealed."""

    def refused(why: str) -> Unsealed:
        return Unsealed(plan=change_set, why=why, again=again)

    found = TEXT.fullmatch(text)
    if found is None:
        raise refused("it has no seal, so what it was made of is not known")
    if (version := int(found["version"])) != VERSION:
        raise refused(f"its seal is of version {version}, and this deployer reads version {VERSION}")
    try:
        parts = json.loads(found["body"])
        seal = Seal(change_set, stack, parts, parts.pop("whole"))
        told = all(isinstance(values, dict) for values in parts.values())
    except (ValueError, KeyError):
        told = False
    if not told:
        raise refused("its seal cannot be read")
    if seal._digest(found["body"]) != found["digest"]:
        raise refused("its seal was altered, or is another change set's")
    return seal


def stack_of(text: str) -> Mapping[str, str] | None:
    """The stack's state that a change set's Description tells; None without a seal of this version."""
    found = TEXT.fullmatch(text)
    if found is None or int(found["version"]) != VERSION:
        return None
    try:
        told: Mapping[str, str] | None = json.loads(found["body"]).get("stack")
    except ValueError:
        return None
    return told


def as_told(facts: Mapping[str, str]) -> Mapping[str, str]:
    """A part's values as `stack_of` tells them."""
    return _shortened(facts)


def _moved(part: str, then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    if ALL in then:
        return [f"not every {part} is as it was"] if _collapsed(now) != then[ALL] else []
    short = _shortened(now)
    clauses = []
    for name in sorted({*then, *now}):
        if name not in now:
            clauses.append(f"{part} {name} was {then[name]}, and is gone")
        elif name not in then:
            clauses.append(f"{part} {name} is new, {now[name]}")
        elif then[name] != short[name]:
            # Two digests compare; a digest and a value do not.
            shown = short[name] if then[name].startswith("#") and short[name].startswith("#") else now[name]
            clauses.append(f"{part} {name} was {then[name]}, is {shown}")
    return clauses


def _shortened(values: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value if len(value) <= SHORT else f"#{_digest(value)[:12]}" for name, value in values.items()
    }


def _collapsed(values: Mapping[str, str]) -> str:
    return f"#{_digest(values)[:12]}"


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
