"""cfn-lint at its strictest over emitted templates: rules loaded once, results kept by content.

The same by hand: cfn-lint -a rules -e -c I -r eu-west-2 -t templates/*/*.yaml
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cfnlint.config import ConfigMixIn
    from cfnlint.match import Match
    from cfnlint.rules._rules import Rules

REGION = "eu-west-2"
CACHE = Path(".cache/lint")
SARIF, JUNIT = "cfn-lint.sarif", "cfn-lint.xml"  # for code scanning; for what draws test reports
NESTED = re.compile(rb"^\s+TemplateURL: (\S+\.yaml)$", re.MULTILINE)
CRASHED = "E0002"  # what cfn-lint calls a rule that raised
LINTED = "linted"  # how a rule that reads whole trees is told which files are part of the run


class LintFailed(RuntimeError):
    """{file}: {which rule failed, and how}. The linter is broken, and has found nothing out."""


@dataclass(frozen=True, order=True)
class Finding:
    file: str  # <environment>/<stack>.yaml
    line: int
    rule: str
    message: str
    resource: str = ""  # its logical id, where the finding is about one

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.rule} {self.message}"


def lint(
    files: Sequence[Path],
    rules: Sequence[Path] = (),
    cache: Path | None = CACHE,
    reports: Path | None = None,
) -> list[Finding]:
    """Every finding in `files`, sorted. `rules`: directories of further rules; without `cache` lint anew.

    With a directory for `reports` all is linted anew, and what was found is left there as SARIF and JUnit.
    Raises LintFailed where a rule crashes; nothing of that run is remembered.
    """
    if reports:
        return sorted(finding for found in _run(files, rules, reports).values() for finding in found)
    keys = {file: _key(file, rules, files) for file in files}
    recalled = {file: _recall(cache / f"{keys[file]}.json", file) if cache else None for file in files}
    kept = {file: found for file, found in recalled.items() if found is not None}
    fresh = _run([file for file in files if file not in kept], rules, among=files)
    for file, findings in fresh.items():
        if cache:
            cache.mkdir(parents=True, exist_ok=True)
            (cache / f"{keys[file]}.json").write_text(json.dumps([asdict(finding) for finding in findings]))
    return sorted(finding for found in (*kept.values(), *fresh.values()) for finding in found)


def _key(file: Path, rules: Sequence[Path], files: Sequence[Path]) -> str:
    """A digest of all that decides findings: the text, what it nests, the linter and how it is asked.

    Rules of ours read the whole tree: then it is all templates beside the file, which of them are linted
    with it, the environment's name, and whatever the rules are made of.
    """
    from importlib.metadata import version  # noqa: PLC0415 - an import that --no-lint need not pay

    text = file.read_bytes()
    nested = [file.parent / name.decode() for name in NESTED.findall(text)]
    digest = hashlib.sha256(f"{version('cfn-lint')} {file.name}".encode())
    sources: list[Path] = []
    if rules:
        nested = sorted(file.parent.glob("*.yaml"))
        linted = sorted(other.name for other in files if other.parent == file.parent)
        digest.update(" ".join((file.parent.name, *(path.name for path in nested), "/", *linted)).encode())
        sources = [source for directory in rules for source in _sources(directory)]
    for part in (text, *(path.read_bytes() for path in (Path(__file__), *nested, *sources) if path.exists())):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def _sources(rules: Path) -> Iterator[Path]:
    """The files of a directory of rules, and of the package beside it that ours read trees with."""
    for directory in (rules, rules.parent / "topology"):
        for path in sorted(directory.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                yield path


def _recall(entry: Path, file: Path) -> list[Finding] | None:
    """What was found in the same text before; None when nothing is known. An unreadable entry is unknown."""
    try:
        known = json.loads(entry.read_text())
        return [Finding(**{**finding, "file": _label(file)}) for finding in known]
    except (OSError, ValueError, TypeError):
        return None


def _label(file: Path) -> str:
    return f"{file.parent.name}/{file.name}"


def _run(
    files: Sequence[Path],
    rules: Sequence[Path],
    reports: Path | None = None,
    among: Sequence[Path] | None = None,
) -> dict[Path, list[Finding]]:
    """Findings of `files`, which are linted together with those `among` which they stand."""
    if not files:
        return {}
    # The slowest imports of the build, which neither --no-lint nor an unchanged tree should pay.
    from cfnlint.config import ConfigMixIn, ManualArgs  # noqa: PLC0415 - as above
    from cfnlint.runner import Runner  # noqa: PLC0415 - as above
    from cfnlint.runner.template import run_template_by_file_paths  # noqa: PLC0415 - as above

    appended = [part for directory in rules for part in ("--append-rules", str(directory))]
    loaded = Runner(ConfigMixIn(appended)).rules
    together = _together(loaded, among or files)
    matches: dict[Path, list[Match]] = {}
    for file in files:
        config = ConfigMixIn(
            [],
            **ManualArgs(
                templates=[_from_here(file)],
                regions=[REGION],
                include_checks=["I"],
                include_experimental=True,
                configure_rules=together,
            ),
        )
        matches[file] = list(run_template_by_file_paths(config, loaded))
        for match in matches[file]:
            if match.rule.id == CRASHED:
                raise LintFailed(f"{_label(file)}: {match.message}")
    if reports:
        _report([match for found in matches.values() for match in found], loaded, config, reports)
    return {
        file: [
            Finding(_label(file), match.linenumber, match.rule.id, match.message, _resource(match))
            for match in found
        ]
        for file, found in matches.items()
    }


def _together(rules: "Rules", files: Sequence[Path]) -> dict[str, dict[str, list[str]]]:
    """What tells each rule that asks which files are part of the run."""
    told = {LINTED: [str(file) for file in files]}
    return {name: told for name, rule in rules.items() if LINTED in rule.config_definition}


def _resource(match: "Match") -> str:
    """A match has the way to what it is about, unless the whole file is."""
    path = [*getattr(match, "path", ())]
    return str(path[1]) if path[:1] == ["Resources"] and len(path) > 1 else ""


def _from_here(file: Path) -> str:
    """As code scanning wants it: relative to the repository, where the build runs."""
    return str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)


def _report(matches: list["Match"], rules: "Rules", config: "ConfigMixIn", directory: Path) -> None:
    from cfnlint.formatters.junit import JUnitFormatter  # noqa: PLC0415 - as in _run
    from cfnlint.formatters.sarif import SARIFFormatter  # noqa: PLC0415 - as in _run

    directory.mkdir(parents=True, exist_ok=True)
    written: dict[str, Callable[..., str]] = {
        SARIF: SARIFFormatter().print_matches,
        JUNIT: JUnitFormatter().print_matches,
    }
    for name, text in written.items():
        (directory / name).write_text(text(matches, rules=rules, config=config), encoding="utf-8")
