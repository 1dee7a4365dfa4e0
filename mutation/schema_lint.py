"""cfn-lint without our rules: what a schema and one file at a time can tell."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from mutation.telling import CannotJudge, Told
from stacks import lint


def said(trees: Mapping[Path, Iterable[str]]) -> dict[Path, Counter[Told]]:
    """Of each tree the files named, linted in one run. A tree's directory has a name of its own.

    Raises CannotJudge where a rule of cfn-lint crashes.
    """
    told: dict[str, Counter[Told]] = {directory.name: Counter() for directory in trees}
    files = [directory / name for directory, names in trees.items() for name in names]
    try:
        findings = lint.lint(files, cache=None)
    except lint.LintFailed as error:
        raise CannotJudge(f"cfn-lint: {error}") from error
    for finding in findings:
        directory, _, name = finding.file.partition("/")
        message = finding.message.replace(str(Path.cwd()), ".")
        told[directory][Told(finding.rule, name, finding.resource, message)] += 1
    return {directory: told[directory.name] for directory in trees}
