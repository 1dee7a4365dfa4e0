"""What Guard's answer means, and that our rules fail what they must and nothing else."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from scanners import guard
from scanners.finding import Finding, ScannerError
from scanners.rulesets import HERE, RULE, Rule, RuleBook
from scanners.templates import Template

ROOT = Path(__file__).parents[3]

# Titles that begin with Bad fail the rule that they stand under, and the others pass.
RESOURCES = {
    "CLOUDWATCH_ALARM_ACTION_CHECK": {
        "BadAlarm": "AWS::CloudWatch::Alarm {MetricName: x}",
        "BadSilent": "AWS::CloudWatch::Alarm {AlarmActions: []}",
        "BadCheerful": "AWS::CloudWatch::Alarm {OKActions: [x]}",
        "Alarm": "AWS::CloudWatch::Alarm {AlarmActions: [x]}",
    },
    "CLOUDWATCH_LOG_GROUP_ENCRYPTED": {
        "BadPlain": "AWS::Logs::LogGroup {RetentionInDays: 7}",
        "Encrypted": "AWS::Logs::LogGroup {RetentionInDays: 7, KmsKeyId: x}",
    },
    "CW_LOGGROUP_RETENTION_PERIOD_CHECK": {"BadEndless": "AWS::Logs::LogGroup {KmsKeyId: x}"},
    "CMK_BACKING_KEY_ROTATION_ENABLED": {
        "BadKey": "AWS::KMS::Key {Description: x}",
        "BadStill": "AWS::KMS::Key {EnableKeyRotation: false}",
        "Turning": "AWS::KMS::Key {EnableKeyRotation: true}",
    },
    "DYNAMODB_PITR_ENABLED": {
        "BadForgetful": "AWS::DynamoDB::Table {SSESpecification: "
        "{SSEEnabled: true, SSEType: KMS, KMSMasterKeyId: x}}",
    },
    "DYNAMODB_TABLE_ENCRYPTED_KMS": {
        "BadKeyless": "AWS::DynamoDB::Table {SSESpecification: {SSEEnabled: true, SSEType: KMS}, "
        "PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true}}",
        "Kept": "AWS::DynamoDB::Table {"
        "SSESpecification: {SSEEnabled: true, SSEType: KMS, KMSMasterKeyId: x}, "
        "PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true}}",
    },
    "ECS_TASK_DEFINITION_USER_FOR_HOST_MODE_CHECK": {
        "BadTask": "AWS::ECS::TaskDefinition {NetworkMode: host, "
        "ContainerDefinitions: [{Name: a}, {Name: b, User: c}]}",
        "Host": "AWS::ECS::TaskDefinition {NetworkMode: host, ContainerDefinitions: [{Name: b, User: c}]}",
        "OwnNetwork": "AWS::ECS::TaskDefinition {NetworkMode: awsvpc, ContainerDefinitions: [{Name: b}]}",
    },
    "LAMBDA_CONCURRENCY_CHECK": {
        "BadGreedy": "AWS::Lambda::Function {DeadLetterConfig: {TargetArn: x}}",
    },
    "LAMBDA_DLQ_CHECK": {
        "BadLossy": "AWS::Lambda::Function {ReservedConcurrentExecutions: 0}",
        "Function": "AWS::Lambda::Function {ReservedConcurrentExecutions: 1, "
        "DeadLetterConfig: {TargetArn: x}}",
    },
    "LAMBDA_FUNCTION_PUBLIC_ACCESS_PROHIBITED": {
        "BadEverybody": "AWS::Lambda::Permission {Principal: '*'}",
        "BadAnyAccount": "AWS::Lambda::Permission {Principal: secretsmanager.amazonaws.com}",
        "Ours": "AWS::Lambda::Permission {Principal: secretsmanager.amazonaws.com, SourceAccount: x}",
        "Events": "AWS::Lambda::Permission {Principal: events.amazonaws.com, SourceArn: !GetAtt Rule.Arn}",
    },
    "SECRETSMANAGER_ROTATION_ENABLED_CHECK": {
        "BadOld": "AWS::SecretsManager::Secret {KmsKeyId: !Ref Turning, Description: never rotated}",
        "Rotated": "AWS::SecretsManager::Secret {KmsKeyId: !Ref Turning}",
        "Schedule": "AWS::SecretsManager::RotationSchedule {SecretId: !Ref Rotated}",
        "Schedule2": "AWS::SecretsManager::RotationSchedule {SecretId: !Ref BadTheirs}",
        "Schedule3": "AWS::SecretsManager::RotationSchedule {SecretId: !Ref BadDefault}",
    },
    "SECRETSMANAGER_USING_CMK": {
        "BadTheirs": "AWS::SecretsManager::Secret {KmsKeyId: alias/aws/secretsmanager}",
        "BadDefault": "AWS::SecretsManager::Secret {Name: x}",
    },
    "SNS_ENCRYPTED_KMS": {
        "BadTopic": "AWS::SNS::Topic {TopicName: x}",
        "Topic": "AWS::SNS::Topic {KmsMasterKeyId: !Ref Turning}",
    },
}
PAGE = "| `NOTHING` | `nothing.Nothing` | dev | so that the page has a row |\n"


def written(directory: Path, resources: dict[str, str]) -> Path:
    lines = [
        f"  {title}: {{Type: {kind}, Properties: {properties}}}"
        for title, (kind, properties) in ((title, made.split(" ", 1)) for title, made in resources.items())
    ]
    (directory / "templates/dev").mkdir(parents=True)
    (directory / "templates/dev/made.yaml").write_text("\n".join(["Resources:", *lines, ""]))
    (directory / "page.md").write_text(PAGE)
    return directory


def reported(output: str) -> set[tuple[str, str]]:
    """(rule, title) of each line on dev/made."""
    return {(rule, title) for title, rule in re.findall(r"^dev/made\.(\w+): (\w+)", output, re.MULTILINE)}


def test_our_rules_fail_what_they_must_and_nothing_else(scan: Any, tmp_path: Path) -> None:
    assert set(RESOURCES) == set(RULE.findall((HERE / "config.guard").read_text()))
    made = written(tmp_path, {title: text for group in RESOURCES.values() for title, text in group.items()})

    done = scan("guard", "--templates", made / "templates", "--justified", made / "page.md")

    assert reported(done.stdout) == {
        (rule, title) for rule, group in RESOURCES.items() for title in group if title.startswith("Bad")
    }, done.stderr
    assert done.returncode == 1


def test_a_secret_that_is_written_as_a_rotated_one_does_not_pass_for_it(scan: Any, tmp_path: Path) -> None:
    twin = "AWS::SecretsManager::Secret {KmsKeyId: x}"
    schedule = "AWS::SecretsManager::RotationSchedule {SecretId: !Ref Rotated}"
    made = written(tmp_path, {"Rotated": twin, "Schedule": schedule, "Old": twin})

    done = scan("guard", "--templates", made / "templates", "--justified", made / "page.md")

    assert "SECRETSMANAGER_ROTATION_ENABLED_CHECK" in done.stdout, "Guard compares contents"


def test_the_packaged_rules_are_asked_too(scan: Any, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "templates", tmp_path / "templates")
    database = tmp_path / "templates/prod/database.yaml"
    text = database.read_text()
    database.write_text(text.replace("PubliclyAccessible: false", "PubliclyAccessible: true"))

    done = scan("guard", "--templates", tmp_path / "templates")

    assert text != database.read_text()
    assert [line.split()[:2] for line in done.stdout.splitlines()[1:]] == [
        ["prod/database.Database:", "RDS_INSTANCE_PUBLIC_ACCESS_CHECK"]
    ]


def test_a_type_whose_rule_is_nowhere_stops_the_scan(scan: Any, tmp_path: Path) -> None:
    made = written(tmp_path, {"Warehouse": "AWS::Redshift::Cluster {DBName: x}"})

    done = scan("guard", "--templates", made / "templates", "--justified", made / "page.md")

    assert done.returncode == 2
    assert "REDSHIFT_BACKUP_ENABLED (AWS::Redshift::Cluster)" in done.stderr
    assert "write it into scanners/config.guard" in done.stderr


# ------------------------------------------------------------ the tree that Guard answers with


def leaf(path: str, *, fails: bool = True, told: str = "", value: object = None) -> guard.Node:
    compared = {"from": {"Resolved": {"path": path, "value": value}}, "to": None, "custom_message": told}
    return {
        "container": {"ClauseValueCheck": {"Comparison": compared} if fails else "Success"},
        "children": [],
    }


def node(kind: str, outcome: object, *children: guard.Node) -> guard.Node:
    return {"container": {kind: outcome}, "children": list(children)}


def block(status: str, *children: guard.Node) -> guard.Node:
    return node("GuardClauseBlockCheck", {"status": status}, *children)


TEMPLATE = Template(
    "dev", "made", "", {"One": "AWS::SNS::Topic", "Two": "AWS::SNS::Topic", "Role": "AWS::IAM::Role"}
)
TOPICS = Rule("TOPICS", ("nist",), ("AWS::SNS::Topic",))


def found(*children: guard.Node) -> set[Finding]:
    return guard.failures(
        TEMPLATE, "TOPICS", node("RuleCheck", {"name": "TOPICS", "status": "FAIL"}, *children)
    )


def test_a_leaf_names_its_resource_and_the_rule_s_words() -> None:
    told = " Violation: not\n encrypted. Fix: encrypt it. "

    assert found(block("FAIL", leaf("/Resources/One/Properties", told=told))) == {
        Finding("TOPICS", "dev/made.One", "not encrypted.")
    }


def test_what_a_condition_let_through_or_an_alternative_mended_is_not_at_fault() -> None:
    assert found(
        node("RuleCondition", "FAIL", leaf("/Resources/Two")),
        node("Filter", "FAIL", leaf("/Resources/Two")),
        node("Disjunction", {"status": "PASS"}, leaf("/Resources/Two"), leaf("/Resources/Two", fails=False)),
        block("FAIL", leaf("/Resources/One")),
    ) == {Finding("TOPICS", "dev/made.One")}


def test_a_resource_that_was_passed_over_by_its_name_is_not_at_fault() -> None:
    passed_over = leaf("/Resources/Two", value="Two")

    assert found(block("FAIL", leaf("/Resources/One"), passed_over)) == {Finding("TOPICS", "dev/made.One")}


def test_a_rule_that_misses_a_whole_resource_is_the_template_s_failure() -> None:
    assert found(block("FAIL", leaf(""))) == {Finding("TOPICS", "dev/made")}


def answered(monkeypatch: pytest.MonkeyPatch, *rules: guard.Node) -> None:
    monkeypatch.setattr(guard, "evaluate", lambda template, text: {"children": list(rules)})


def test_a_rule_that_the_engine_leaves_out_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    answered(monkeypatch)
    book = RuleBook(rules={"TOPICS": TOPICS}, texts=("rule TOPICS {\n}\n",))

    with pytest.raises(ScannerError, match="Guard says nothing of TOPICS in dev/made"):
        guard.run([TEMPLATE], book)


def test_a_rule_of_no_set_may_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = node("RuleCheck", {"name": "OTHER", "status": "FAIL"}, block("FAIL", leaf("/Resources/One")))
    answered(monkeypatch, checked)

    assert guard.run([TEMPLATE], RuleBook(rules={}, texts=("rule OTHER {\n}\n",))) == []
