"""The rules of AWS's Guard rules registry: which sets we hold the templates to, and where their text is.

The registry publishes no package. AWS's own aws-iac-mcp-server carries the text of some of its rules and is
installed for that file alone; config.guard holds those that stand in no package. Whoever has a clone of the
registry can have its own text read instead. docs/decisions/guard.md says why.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import yaml

from scanners.finding import ScannerError

HERE = Path(__file__).parent
PACKAGE = "awslabs.aws-iac-mcp-server"
PACKAGED = "awslabs/aws_iac_mcp_server/data/default_guard_rules.guard"
# Our name of a set → the registry's file of it.
MAPPINGS = {
    "nist": "rule_set_nist800_53rev5.json",
    "reliability": "rule_set_wa-Reliability-Pillar.json",
    "security": "rule_set_wa-Security-Pillar.json",
}
RULE = re.compile(r"^\s*rule (\w+)", re.MULTILINE)


@dataclass(frozen=True)
class Rule:
    name: str
    sets: tuple[str, ...]
    reports_on: tuple[str, ...]  # resource types


@dataclass(frozen=True)
class RuleBook:
    rules: Mapping[str, Rule]
    texts: tuple[str, ...]  # Guard's language; each is one call of the engine

    @property
    def held(self) -> frozenset[str]:
        """The rules of the sets whose text is here."""
        return frozenset(name for text in self.texts for name in RULE.findall(text) if name in self.rules)


def packaged() -> RuleBook:
    """Raises ScannerError when the package that carries the rules is not installed."""
    try:
        carried = distribution(PACKAGE).locate_file(PACKAGED)
        texts = (Path(str(carried)).read_text(encoding="utf-8"), (HERE / "config.guard").read_text("utf-8"))
    except (PackageNotFoundError, OSError) as error:
        raise ScannerError(f"the rules of {PACKAGE} are not installed; run `make check`") from error
    return RuleBook(rules=named(), texts=texts)


def named(file: Path = HERE / "sets.yaml") -> dict[str, Rule]:
    """The sets by name, as this project knows them without the registry."""
    return {
        name: Rule(name, tuple(rule["sets"]), tuple(rule["reports_on"]))
        for name, rule in yaml.safe_load(file.read_text(encoding="utf-8")).items()
    }


def from_registry(clone: Path) -> RuleBook:
    """The sets as a clone of the registry has them.

    Raises ScannerError when it is no clone, or has other rules than sets.yaml.
    """
    try:
        listed = {name: frozenset(_listed(clone, mapping)) for name, mapping in MAPPINGS.items()}
        texts = {
            file: (clone / file).read_text(encoding="utf-8")
            for file in sorted(frozenset().union(*listed.values()))
        }
    except (OSError, ValueError, KeyError) as error:
        raise ScannerError(f"{clone} is no clone of aws-guard-rules-registry: {error}") from error
    theirs = {
        rule: tuple(name for name, files in listed.items() if file in files)
        for file, text in texts.items()
        for rule in RULE.findall(text)
    }
    ours = named()
    known = {name: rule.sets for name, rule in ours.items()}
    if differing := sorted(dict(theirs.items() ^ known.items())):
        raise ScannerError(f"scanners/sets.yaml and {clone} differ in {', '.join(differing)}; mend sets.yaml")
    return RuleBook(rules=ours, texts=tuple(text for text in texts.values() if RULE.search(text)))


def _listed(clone: Path, mapping: str) -> Iterator[str]:
    """The rule files of one set; some that the registry lists do not exist."""
    for rule in json.loads((clone / "mappings" / mapping).read_text(encoding="utf-8"))["mappings"]:
        if (clone / rule["guardFilePath"]).exists():
            yield rule["guardFilePath"]
