"""One tree, judged: in each scenario, once a finding, and a crash that names its rule."""

from collections.abc import Iterator

import pytest

from rules.seam.judging import Judged, JudgingFailed
from rules.seam.rule import BadRule, Finding, Rule, found, rule
from rules.seam.site import Site
from tests.unit.rules.conftest import Say, Write
from topology.tree import load

TASK = """\
Parameters:
  Stage: {Type: String, AllowedValues: [dev, prod]}
Conditions:
  Prod: !Equals [!Ref Stage, prod]
Resources:
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
      - Name: app
        ReadonlyRootFilesystem: !If
        - Prod
        - THEN
        - ELSE
"""
TWICE = """\
Resources:
  One: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: child.yaml}}
  Two: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: child.yaml}}
"""


def task(then: str, otherwise: str) -> str:
    return TASK.replace("THEN", then).replace("ELSE", otherwise)


def test_a_branch_that_is_wrong_is_told_with_its_line_and_what_leads_there(say: Say) -> None:
    (finding,) = say("E9501", task("true", "false"))
    assert finding.startswith("root.yaml:14: E9501 container app ")
    assert finding.endswith("must write (where not Stage = prod)")


def test_both_branches_wrong_are_two_places_and_none_wrong_is_none(say: Say) -> None:
    assert [line[:12] for line in say("E9501", task("false", "false"))] == ["root.yaml:13", "root.yaml:14"]
    assert say("E9501", task("true", "true")) == []


def test_what_moves_in_its_list_is_one_finding(say: Say) -> None:
    before = "      - !If [Prod, {Name: proxy, ReadonlyRootFilesystem: true}, !Ref AWS::NoValue]\n"
    sometimes = task("false", "false").replace("      - Name: app", f"{before}      - Name: app")
    (finding,) = say(
        "E9501", sometimes.replace("!If\n        - Prod\n        - false\n        - false", "false")
    )
    assert finding.startswith("root.yaml:12: E9501 container app ")
    assert "where" not in finding.replace("where it must write", "")


def test_a_resource_without_its_condition_is_not_judged(say: Say) -> None:
    conditional = task("true", "true").replace("  Task:\n", "  Task:\n    Condition: Never\n")
    never = conditional.replace("  Prod:", "  Never: !Equals [a, b]\n  Prod:").replace("- true", "- false")
    assert say("E9501", never) == []
    assert len(say("E9501", never.replace("[a, b]", "[a, a]"))) == 2


def test_a_file_nested_twice_has_each_finding_once_a_nesting(write: Write) -> None:
    child = "Resources:\n  Log: {Type: AWS::Logs::LogGroup}\n"
    judged = Judged(load(write(TWICE, child=child)))
    assert [placed.stack for placed in judged.said(every_log)] == ["One", "Two"]


@rule("E9999", cause="{log} is a log", remedy="leave it", sources=("https://example.com/",))
def every_log(site: Site) -> Iterator[Finding]:
    for log in site.all("AWS::Logs::LogGroup"):
        yield found(log, log=log.name)
        yield found(log, log=log.name)


@rule("E9998", cause="a", remedy="b", sources=("https://example.com/",))
def broken(site: Site) -> Iterator[Finding]:
    yield found(next(site.all("AWS::SQS::Queue")))


@rule("E9997", cause="a", remedy="b", sources=("https://example.com/",), demanding=True)
def demanded(site: Site) -> Iterator[Finding]:
    for log in site.all("AWS::Logs::LogGroup"):
        yield found(log)


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_what_a_plant_should_have_is_asked_of_a_tree_that_says_its_environment(
    write: Write, environment: str
) -> None:
    log = "Resources:\n  Log:\n    Type: AWS::Logs::LogGroup\n"
    tags = f"    Properties: {{Tags: [{{Key: Environment, Value: {environment}}}]}}\n"
    assert Judged(load(write(log))).said(demanded) == ()
    assert len(Judged(load(write(log + tags))).said(demanded)) == 1


def test_an_environment_that_a_parameter_chooses_is_not_said(write: Write) -> None:
    root = """
Parameters: {Stage: {Type: String, Default: prod}}
Resources:
  Log: {Type: AWS::Logs::LogGroup, Properties: {Tags: [{Key: Environment, Value: !Ref Stage}]}}
"""
    assert Judged(load(write(root))).said(demanded) == ()
    assert (
        len(
            Judged(load(write(root.replace("!Ref Stage", "prod ").replace(": prod}", ": ''}")))).said(
                demanded
            )
        )
        == 1
    )


@rule("E9996", cause="a", remedy="b", sources=("https://example.com/",), by_default=True)
def chosen(site: Site) -> Iterator[Finding]:
    for log in site.all("AWS::Logs::LogGroup"):
        if site.get(log, "RetentionInDays") is None:
            yield found(log)


FEATURES = "ABCDEF"  # more than every combination is made of


@pytest.mark.parametrize("default", ["yes", "no"])
@pytest.mark.parametrize("asked", [1, len(FEATURES)])
def test_what_a_deployment_may_choose_is_told_where_it_is_the_default(
    write: Write, default: str, asked: int
) -> None:
    names = FEATURES[:asked]
    parameters = "".join(f"  {name}: {{Type: String, Default: '{default}'}}\n" for name in names)
    conditions = "".join(f"  Is{name}: !Equals [!Ref {name}, 'yes']\n" for name in names)
    logs = "".join(
        f"  Log{name}: {{Type: AWS::Logs::LogGroup, Properties: "
        f"{{RetentionInDays: !If [Is{name}, 30, !Ref AWS::NoValue]}}}}\n"
        for name in names
    )
    text = f"Parameters:\n{parameters}Conditions:\n{conditions}Resources:\n{logs}"
    assert len(Judged(load(write(text))).said(chosen)) == (0 if default == "yes" else asked)


def test_a_rule_that_raises_is_named_with_its_line(write: Write) -> None:
    judged = Judged(load(write("Resources:\n  Log: {Type: AWS::Logs::LogGroup}\n")))
    with pytest.raises(JudgingFailed, match=r"E9998 failed on .*root\.yaml: RuntimeError: generator raised"):
        judged.said(broken)


@pytest.mark.parametrize(
    ("id", "cause", "source", "why"),
    [
        ("E1234", "a", "https://example.com/", "is no id"),
        ("E9123", "A sentence.", "https://example.com/", "its cause is one line without a full stop"),
        ("E9123", "a", "example.com", "names no source"),
    ],
)
def test_a_declaration_that_cfn_lint_or_a_reader_would_stumble_over(
    id: str, cause: str, source: str, why: str
) -> None:
    with pytest.raises(BadRule, match=why):
        rule(id, cause=cause, remedy="b", sources=(source,))


def test_a_rule_knows_its_family_and_title() -> None:
    from rules.families.containers.privileges import (  # noqa: PLC0415
        a_container_that_writes_to_its_root as declared,
    )

    assert isinstance(declared, Rule)
    assert (declared.family, declared.title) == ("containers", "a container that writes to its root")
