"""cfn-lint at its strictest over emitted templates: rules loaded once, results kept by content.

The same by hand: cfn-lint -e -c I -r eu-west-2 -t templates/*/*.yaml
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
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


@dataclass(frozen=True, order=True)
class Finding:
    file: str  # <environment>/<stack>.yaml
    line: int
    rule: str
    message: str

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
    """
    if reports:
        return sorted(finding for found in _run(files, rules, reports).values() for finding in found)
    keys = {file: _key(file, rules) for file in files}
    recalled = {file: _recall(cache / f"{keys[file]}.json", file) if cache else None for file in files}
    kept = {file: found for file, found in recalled.items() if found is not None}
    fresh = _run([file for file in files if file not in kept], rules)
    for file, findings in fresh.items():
        if cache:
            cache.mkdir(parents=True, exist_ok=True)
            (cache / f"{keys[file]}.json").write_text(json.dumps([asdict(finding) for finding in findings]))
    return sorted(finding for found in (*kept.values(), *fresh.values()) for finding in found)


def _key(file: Path, rules: Iterable[Path]) -> str:
    """A digest of all that decides findings: the text, what it nests, the linter and how it is asked."""
    from importlib.metadata import version  # noqa: PLC0415 - an import that --no-lint need not pay

    text = file.read_bytes()
    nested = [file.parent / name.decode() for name in NESTED.findall(text)]
    sources = [source for directory in rules for source in sorted(directory.rglob("*.py"))]
    digest = hashlib.sha256(f"{version('cfn-lint')} {file.name}".encode())
    for part in (text, *(path.read_bytes() for path in (Path(__file__), *nested, *sources) if path.exists())):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


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
    files: Sequence[Path], rules: Sequence[Path], reports: Path | None = None
) -> dict[Path, list[Finding]]:
    if not files:
        return {}
    # The slowest imports of the build, which neither --no-lint nor an unchanged tree should pay.
    from cfnlint.config import ConfigMixIn, ManualArgs  # noqa: PLC0415 - as above
    from cfnlint.runner import Runner  # noqa: PLC0415 - as above
    from cfnlint.runner.template import run_template_by_file_paths  # noqa: PLC0415 - as above

    loaded = None
    matches: dict[Path, list[Match]] = {}
    for file in files:
        config = ConfigMixIn(
            [*(part for directory in rules for part in ("--append-rules", str(directory)))],
            **ManualArgs(
                templates=[_from_here(file)],
                regions=[REGION],
                include_checks=["I"],
                include_experimental=True,
            ),
        )
        loaded = loaded or Runner(config).rules
        matches[file] = list(run_template_by_file_paths(config, loaded))
    if reports and loaded is not None:
        _report([match for found in matches.values() for match in found], loaded, config, reports)
    return {
        file: [Finding(_label(file), match.linenumber, match.rule.id, match.message) for match in found]
        for file, found in matches.items()
    }


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
