"""Emit templates/<environment>/*.yaml, docs/runbook.md and parameters/schema.json, and lint.

Beside them, never committed: which line of Python made each resource, for who is told that it failed.

Exit codes: 0 all is well · 1 the linter found something, or --check found stale templates · 2 the
parameters or the command line are wrong, or a stack breaks the contract of nested stacks; nothing is written
· 3 a rule of the linter crashed, so nobody knows what it would have found.
"""

import argparse
import difflib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from deployer import foundation
from parameters import schema
from parameters.schema import UndocumentedError
from parameters.settings import Environment, ParameterError, environments, load
from stacks import bootstrap, deployment_roles, lint, origins, platform, runbook
from stacks.contract import ContractError, check, check_together
from stacks.emission import MADE_HERE, emit
from stacks.environment import UnwiredError
from stacks.runbook import WordsMissing
from stacks.wiring import StackTemplate, WiringError, apart

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"
RULES = HERE / "rules"
RUNBOOK = HERE / runbook.RUNBOOK
REFUSALS = (
    *(ParameterError, UndocumentedError, WiringError, UnwiredError, ContractError, WordsMissing),
    *deployment_roles.REFUSALS,
)
DIFF_LINES = 20  # enough to see what changed; the rest is one `git diff` away


@dataclass(frozen=True)
class Emitted:
    """One template as it will stand on disk."""

    path: Path  # <environment>/<stack>.yaml
    text: str
    resources: int
    parameters: int
    outputs: int
    template: StackTemplate


@dataclass(frozen=True)
class Document:
    """What is made beside the templates, of every environment at once."""

    name: str
    file: Path
    text: str


def synthesise(environment: Environment) -> list[Emitted]:
    """Every template of an environment, the root last but for bootstrap, which stands apart.

    Raises WiringError or ContractError for a stack that must not be deployed.
    """
    nested = platform.build(environment)
    root = nested[-1]
    check_together(root, nested[:-1])
    platform_ = deployment_roles.platform(nested, environment.name)
    standing_apart = apart(bootstrap.build, bootstrap.Settings(environment.bootstrap, platform_), environment)
    return [
        *(_emitted(template, child=template is not root) for template in nested),
        _emitted(standing_apart, child=True, sent=foundation.of(standing_apart.tree)),
    ]


def _emitted(template: StackTemplate, *, child: bool, sent: str = "") -> Emitted:
    text = emit(template)
    check(template, text, child=child, sent=sent)
    return Emitted(
        path=Path(template.environment, template.file_name),
        text=text,
        resources=len(template.resources),
        parameters=len(template.parameters),
        outputs=len(template.outputs),
        template=template,
    )


def write(emitted: Sequence[Emitted], out: Path) -> None:
    """All or nothing: every file is complete beside its place before the first one takes it."""
    with tempfile.TemporaryDirectory(dir=_made(out), prefix=".build-") as staging:
        for template in emitted:
            staged = Path(staging) / template.path
            staged.parent.mkdir(exist_ok=True)
            staged.write_text(template.text, encoding="utf-8")
        for template in emitted:
            (out / template.path).parent.mkdir(exist_ok=True)
            (Path(staging) / template.path).replace(out / template.path)
    for orphan in _orphans(emitted, out):
        orphan.unlink()


def write_origins(emitted: Sequence[Emitted], out: Path) -> None:
    """The lines of Python, never committed: in build/ for the committed templates, else beside them."""
    directory = _made((HERE / "build" if out == TEMPLATES else out) / "origins")
    made = origins.document((template.path, template.text, template.template) for template in emitted)
    for environment, text in made.items():
        (directory / f"{environment}.json").write_text(text, encoding="utf-8")


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _orphans(emitted: Sequence[Emitted], out: Path) -> list[Path]:
    """Templates of stacks that are no more. What did not come from here is left alone, wherever `out` is."""
    names = {template.path.parts[0] for template in emitted}
    expected = {out / template.path for template in emitted}
    others = {path for name in names for path in (out / name).glob("*.yaml")} - expected
    return sorted(path for path in others if path.read_bytes().startswith(MADE_HERE.encode()))


def stale(emitted: Sequence[Emitted], out: Path) -> Iterator[str]:
    """One block of text per file that is not what the sources say, with the beginning of the difference."""
    for template in emitted:
        path = out / template.path
        committed = path.read_text(encoding="utf-8") if path.exists() else None
        if committed == template.text:
            continue
        lines = difflib.unified_diff(
            (committed or "").splitlines(),
            template.text.splitlines(),
            "committed",
            "emitted",
            n=1,
            lineterm="",
        )
        what = "is missing" if committed is None else "is stale"
        shown = [] if committed is None else list(lines)
        more = [f"… {len(shown) - DIFF_LINES} more lines"] if len(shown) > DIFF_LINES else []
        yield "\n".join([f"{template.path} {what}", *shown[:DIFF_LINES], *more])
    yield from (f"{orphan.relative_to(out)} belongs to no stack" for orphan in _orphans(emitted, out))


def stale_documents(documents: Sequence[Document]) -> Iterator[str]:
    for document in documents:
        if not document.file.exists() or document.file.read_text(encoding="utf-8") != document.text:
            yield f"{document.name} is stale"


def table(emitted: Sequence[Emitted]) -> str:
    """One aligned line per stack."""
    width = max(len(str(template.path.with_suffix(""))) for template in emitted)
    return "\n".join(
        f"{template.path.with_suffix('')!s:<{width}}  {template.resources:>3} resources  "
        f"{template.parameters:>2} parameters  {template.outputs:>2} outputs  "
        f"{len(template.text.encode()) / 1024:>5.1f} KiB"
        for template in emitted
    )


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"build.py: {message} (--help shows what there is)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _Parser(
        prog="build.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--env", action="append", metavar="ENV", help="only this environment; may be repeated"
    )
    parser.add_argument("--out", type=Path, default=TEMPLATES, metavar="DIR", help="default: templates/")
    parser.add_argument("--check", action="store_true", help="change nothing; fail if templates are stale")
    parser.add_argument("--no-lint", action="store_true", help="emit only")
    parser.add_argument(
        "--reports", type=Path, metavar="DIR", help=f"lint anew; leave {lint.SARIF} and {lint.JUNIT} there"
    )
    options = parser.parse_args(arguments)
    try:
        chosen = [load(name) for name in dict.fromkeys(options.env or environments())]
        emitted = [template for environment in chosen for template in synthesise(environment)]
        documents = [
            Document(runbook.RUNBOOK, RUNBOOK, runbook.page(template.template for template in emitted)),
            Document(schema.NAME, schema.FILE, schema.printed()),
        ]
    except REFUSALS as error:
        parser.exit(2, f"build.py: {error}\n")
    whole = not options.env and options.out == TEMPLATES  # the documents are of every environment
    try:
        if not options.check:
            write(emitted, options.out)
            if whole:
                for document in documents:
                    document.file.write_text(document.text, encoding="utf-8")
        if options.out.is_dir():
            write_origins(emitted, options.out)
    except OSError as error:
        parser.exit(2, f"build.py: cannot write {options.out}: {error.strerror}\n")
    print(table(emitted))
    if options.check and (differences := list(stale(emitted, options.out))):
        print(*differences, "run `python build.py` and commit templates/", sep="\n")
        return 1
    if options.check and whole and (old := list(stale_documents(documents))):
        print(*old, "run `python build.py` and commit it", sep="\n")
        return 1
    if options.no_lint:
        return 0
    files = [options.out / template.path for template in emitted]
    try:
        findings = lint.lint(files, rules=[RULES], cache=HERE / lint.CACHE, reports=options.reports)
    except lint.LintFailed as error:
        parser.exit(3, f"build.py: {error}\n")
    return report(findings, emitted)


def report(findings: Sequence[lint.Finding], emitted: Sequence[Emitted] = ()) -> int:
    """Print what the linter found, each with the line of Python that made its resource; the exit code."""
    templates = {template.path.as_posix(): template.template for template in emitted}
    for finding in findings:
        template = templates.get(finding.file)
        made = template.origins.get(finding.resource) if template else None
        print(f"{finding} [{origins.shown(made)}]" if made else finding)
    print(f"{len(findings)} finding{'' if len(findings) == 1 else 's'}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
