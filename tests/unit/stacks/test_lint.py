"""Linting: what is found, what is remembered, and what makes it forget."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from stacks import lint
from stacks.lint import Finding

REPOSITORY = Path(__file__).parents[3]
CLEAN = """
AWSTemplateFormatVersion: '2010-09-09'
Description: One parameter, so that the template has a resource.
Resources:
  Only:
    Type: AWS::SSM::Parameter
    Metadata: {com.aws.cloudformation.Context: {why: a test}}
    Properties: {Type: String, Value: x}
"""
ROOT = """
AWSTemplateFormatVersion: '2010-09-09'
Description: A root with one child.
Metadata: {cfn-lint: {config: {ignore_checks: [W3002]}}}
Resources:
  Child:
    Type: AWS::CloudFormation::Stack
    Metadata: {com.aws.cloudformation.Context: {why: a test}}
    DeletionPolicy: Delete
    UpdateReplacePolicy: Delete
    Properties:
      TemplateURL: child.yaml
"""


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    directory = tmp_path / "dev"
    directory.mkdir()
    (directory / "child.yaml").write_text(CLEAN)
    (directory / "platform.yaml").write_text(ROOT)
    return directory


def files(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.yaml"))


def test_clean_templates_have_no_findings_and_the_root_s_local_path_is_none(templates: Path) -> None:
    assert lint.lint(files(templates), cache=None) == []


def test_a_finding_names_file_line_and_rule(templates: Path) -> None:
    (templates / "child.yaml").write_text(CLEAN.replace("Type: String", "Type: Strong"))

    (finding,) = lint.lint(files(templates), cache=None)

    assert (finding.file, finding.line, finding.rule) == ("dev/child.yaml", 8, "E3030")
    assert str(finding).startswith("dev/child.yaml:8: E3030 'Strong' is not one of")


def test_a_local_path_is_excused_only_where_the_template_says_so(templates: Path) -> None:
    (templates / "other.yaml").write_text(ROOT.replace("[W3002]", "[]"))
    assert [(found.file, found.rule) for found in lint.lint(files(templates), cache=None)] == [
        ("dev/other.yaml", "W3002")
    ]


def test_what_was_found_is_remembered_clean_or_not(templates: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (templates / "child.yaml").write_text(CLEAN.replace("Type: String", "Type: Strong"))
    cache = templates.parent / "cache"
    first = lint.lint(files(templates), cache=cache)

    def never(fresh: list[Path], rules: object, among: object) -> dict[Path, list[Finding]]:
        assert fresh == []
        return {}

    monkeypatch.setattr(lint, "_run", never)
    assert lint.lint(files(templates), cache=cache) == first
    assert len(first) == 1


@pytest.mark.parametrize("change", ["child", "rules", "root", "more files", "topology"])
def test_with_rules_all_is_linted_again_when_any_of_the_tree_or_a_rule_changes(
    templates: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    cache, rules = templates.parent / "cache", templates.parent / "rules"
    rules.mkdir()
    (rules / "ours.py").write_text("")
    asked: list[list[str]] = []

    def run(fresh: list[Path], directories: object, among: object) -> dict[Path, list[Finding]]:
        asked.append([file.name for file in fresh])
        return {file: [] for file in fresh}

    monkeypatch.setattr(lint, "_run", run)
    lint.lint(files(templates), [rules], cache)
    lint.lint(files(templates), [rules], cache)
    if change == "child":
        (templates / "child.yaml").write_text(CLEAN + "Outputs: {A: {Value: x}}\n")
    elif change == "root":
        (templates / "platform.yaml").write_text(ROOT + "Outputs: {A: {Value: x}}\n")
    elif change == "more files":
        (templates / "apart.yaml").write_text(CLEAN)
    elif change == "topology":
        (templates.parent / "topology").mkdir()
        (templates.parent / "topology" / "tree.py").write_text("")
    else:
        (rules / "ours.py").write_text("CHANGED = True")
    lint.lint([templates / "child.yaml", templates / "platform.yaml"], [rules], cache)

    assert asked == [["child.yaml", "platform.yaml"], [], ["child.yaml", "platform.yaml"]]


def test_a_damaged_memory_is_no_memory(templates: Path) -> None:
    cache = templates.parent / "cache"
    lint.lint(files(templates), cache=cache)
    for entry in cache.glob("*.json"):
        entry.write_text(json.dumps([{"unknown": 1}]) if entry.name < "8" else "{")
    assert lint.lint(files(templates), cache=cache) == []


def test_reports_hold_each_finding_where_the_repository_has_it(
    templates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(templates.parent)
    (templates / "child.yaml").write_text(CLEAN.replace("Type: String", "Type: Strong"))
    cache = templates.parent / "cache"
    remembered = lint.lint(files(templates), cache=cache)

    found = lint.lint(files(templates), cache=cache, reports=templates.parent / "reports")

    assert [finding.rule for finding in found] == ["E3030"]
    assert found == remembered
    (run,) = json.loads((templates.parent / "reports" / lint.SARIF).read_text())["runs"]
    (result,) = run["results"]
    location = result["locations"][0]["physicalLocation"]
    assert (result["ruleId"], location["region"]["startLine"]) == ("E3030", 8)
    assert location["artifactLocation"]["uri"] == "dev/child.yaml"
    suite = ElementTree.parse(templates.parent / "reports" / lint.JUNIT)  # noqa: S314 - our own file
    failed = {
        case.get("name", "").split()[0] for case in suite.iter("testcase") if case.find("failure") is not None
    }
    assert failed == {"E3030"}


def test_clean_templates_leave_reports_too(templates: Path, tmp_path: Path) -> None:
    assert lint.lint(files(templates), reports=tmp_path / "reports") == []

    (run,) = json.loads((tmp_path / "reports" / lint.SARIF).read_text())["runs"]
    assert run["results"] == []
    suite = ElementTree.parse(tmp_path / "reports" / lint.JUNIT)  # noqa: S314 - our own file
    assert len(list(suite.iter("testcase"))) > 100, "each rule is a case"


CRASHING = """
from cfnlint.rules import CloudFormationLintRule

class Crashing(CloudFormationLintRule):
    id = "E9001"

    def match(self, cfn):
        raise KeyError("Nobody")
"""


def test_a_rule_that_crashes_is_a_failure_and_nothing_is_remembered(templates: Path) -> None:
    rules, cache = templates.parent / "rules", templates.parent / "cache"
    rules.mkdir()
    (rules / "crashing.py").write_text(CRASHING)
    with pytest.raises(lint.LintFailed, match=r"dev/child\.yaml: .*rule E9001.*Nobody"):
        lint.lint(files(templates), [rules], cache)
    assert not cache.exists()


def test_our_rules_tell_a_child_s_finding_once_and_name_its_resource(templates: Path) -> None:
    task = CLEAN + "  Task: {Type: AWS::ECS::TaskDefinition, Properties: "
    (templates / "child.yaml").write_text(task + "{ContainerDefinitions: [{Name: app, Image: app}]}}\n")

    def ours(*names: str) -> list[tuple[str, str]]:
        found = lint.lint([templates / name for name in names], [REPOSITORY / "rules"], cache=None)
        return [(finding.file, finding.resource) for finding in found if finding.rule == "E9501"]

    assert ours("child.yaml", "platform.yaml") == [("dev/child.yaml", "Task")]
    assert ours("platform.yaml") == [("dev/platform.yaml", "Child")]
