"""The rules as another team's cfn-lint has them: in a process of its own, elsewhere, nothing installed."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from rules.seam.discovery import every_rule
from rules.seam.page import page
from tests.unit.rules.conftest import Write

CHECKOUT = Path(__file__).parents[3]
ROOT = """\
Resources:
  Child:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: child.yaml}
"""
IMAGE = f"app@sha256:{'0' * 64}"
CHILD = f"""\
Resources:
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
      - Name: app
        Image: {IMAGE}
        User: root
"""


Done = subprocess.CompletedProcess[str]


def cfn_lint(*arguments: str, cwd: Path, rules: Path = CHECKOUT / "rules") -> Done:
    """Without site: what is installed editable, as this project is here, is not found."""
    script = Path(sysconfig.get_path("scripts")) / "cfn-lint"
    return subprocess.run(
        [sys.executable, "-S", script, "-f", "parseable", "-i", "W3002", "-a", str(rules), "-t", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": sysconfig.get_path("purelib"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def ours(done: Done) -> list[str]:
    """file:line: id, of what our rules say."""
    rows = (line.split(":", 6) for line in done.stdout.splitlines())
    return [f"{file}:{line}: {id} {message}" for file, line, _, _, _, id, message in rows if id[1] == "9"]


def test_a_finding_is_told_once_where_the_run_has_its_file(write: Write) -> None:
    directory = write(ROOT, child=CHILD).parent

    together = ours(cfn_lint("root.yaml", "child.yaml", cwd=directory))
    child = ours(cfn_lint("child.yaml", cwd=directory))
    root = ours(cfn_lint("root.yaml", cwd=directory))

    assert [line.partition(" container")[0] for line in together] == ["child.yaml:8: E9503"]
    assert child == together
    (told,) = root
    assert told.startswith("root.yaml:2: E9503 child.yaml:8: container app runs as root")


def test_a_child_one_directory_down_finds_its_root(write: Write) -> None:
    directory = write(ROOT.replace("child.yaml", "nested/child.yaml")).parent
    (directory / "nested").mkdir()
    (directory / "nested" / "child.yaml").write_text(CHILD)
    assert len(ours(cfn_lint("nested/child.yaml", cwd=directory))) == 1
    assert len(ours(cfn_lint("root.yaml", cwd=directory))) == 1


def test_a_template_s_own_directive_silences_a_rule(write: Write) -> None:
    silenced = CHILD.replace(
        "    Properties:", "    Metadata: {cfn-lint: {config: {ignore_checks: [E9503]}}}\n    Properties:"
    )
    assert ours(cfn_lint("root.yaml", cwd=write(silenced).parent)) == []


def test_what_cannot_be_judged_is_told_to_whoever_asks(write: Write) -> None:
    unknown = CHILD.replace(IMAGE, "!ImportValue app").replace("root", "'1000'")
    directory = write(unknown).parent
    assert ours(cfn_lint("root.yaml", cwd=directory)) == []
    (told,) = ours(cfn_lint("root.yaml", "-x", "W9000:unresolved=true", cwd=directory))
    assert "Fn::ImportValue cannot be followed" in told


@pytest.mark.parametrize("child", ["Resources: [", "Resources: {A: {}}", None])
def test_a_child_that_cannot_be_read_is_left_to_others(write: Write, child: str | None) -> None:
    directory = write(ROOT, **({} if child is None else {"child": child})).parent
    done = cfn_lint("root.yaml", cwd=directory)
    assert ours(done) == []
    assert "E0002" not in done.stdout
    assert "Traceback" not in done.stderr


def test_without_topology_the_error_says_what_to_do(write: Write, tmp_path: Path) -> None:
    shutil.copytree(CHECKOUT / "rules", tmp_path / "half" / "rules")
    done = cfn_lint("root.yaml", cwd=write(CHILD).parent, rules=tmp_path / "half" / "rules")
    assert done.returncode != 0
    assert "need the package 'topology' in" in done.stderr + done.stdout
    assert "give -a the rules/ of a whole checkout" in done.stderr + done.stdout


def test_somebody_s_own_package_of_that_name_is_no_matter(write: Write) -> None:
    directory = write(CHILD).parent
    for name in ("rules", "topology"):
        (directory / name).mkdir()
        (directory / name / "__init__.py").write_text("raise RuntimeError('not ours')")
    assert len(ours(cfn_lint("root.yaml", cwd=directory))) == 1


def test_the_entrance_stands_alone_at_the_top() -> None:
    loaded = {path.name for path in (CHECKOUT / "rules").glob("*.py") if not path.name.startswith("_")}
    assert loaded == {"entrance.py"}, "cfn-lint would import it before the entrance has set the way up"


def test_no_library_is_needed_but_the_linter_s_and_yaml() -> None:
    code = (
        "import sys; from cfnlint.rules import Rules; "
        f"loaded = Rules.create_from_directory({str(CHECKOUT / 'rules')!r}); "
        "assert len([name for name in loaded if name[1] == '9']) == len(loaded), loaded; "
        "print(len(loaded), *sorted({'drawsvg', 'msgspec', 'troposphere', 'stacks'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd="/",
        env={**os.environ, "PYTHONPATH": sysconfig.get_path("purelib"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [str(len(every_rule()))]


def test_the_page_has_every_rule_and_is_committed() -> None:
    text = (CHECKOUT / "docs" / "rules.md").read_text(encoding="utf-8")
    assert text == page(every_rule()), "run `python -m rules` and commit docs/rules.md"
    for rule in every_rule():
        assert f"| `{rule.id}`{'°' if rule.demanding else ''} |" in text
