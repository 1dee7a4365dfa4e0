from typing import Any

import pytest

from scanners.checkov import COSTS_MONEY
from stacks.database import family


def database(template: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = template["Resources"]["Database"]
    return made


@pytest.mark.parametrize(("version", "expected"), [("18.6", "postgres18"), ("17.11", "postgres17")])
def test_the_parameter_group_is_of_the_engines_family(nested: Any, version: str, expected: str) -> None:
    template = nested("database", engine_version=version)

    assert database(template)["Properties"]["EngineVersion"] == version
    assert template["Resources"]["EngineSettings"]["Properties"]["Family"] == expected == family(version)
    assert database(template)["Properties"]["DBParameterGroupName"] == {"Ref": "EngineSettings"}


@pytest.mark.parametrize(
    ("environment", "policy", "protected"), [("dev", "Delete", False), ("prod", "Snapshot", True)]
)
def test_what_becomes_of_the_data_follows_the_environment(
    nested: Any, environment: str, policy: str, protected: bool
) -> None:
    made = database(nested("database", environment))

    assert made["DeletionPolicy"] == made["UpdateReplacePolicy"] == policy
    assert made["Properties"]["DeletionProtection"] is protected
    assert made["Properties"]["DeleteAutomatedBackups"] is not protected


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_every_exported_log_has_a_group_before_rds_can_make_one(
    nested: Any, of_type: Any, environment: str
) -> None:
    template = nested("database", environment)
    made = database(template)
    instance = made["Properties"]["DBInstanceIdentifier"]
    groups = of_type(template, "AWS::Logs::LogGroup")

    names = {group["Properties"]["LogGroupName"] for group in groups.values()}

    assert names == {
        f"/aws/rds/instance/{instance}/{log}" for log in made["Properties"]["EnableCloudwatchLogsExports"]
    }
    assert set(groups) <= set(made["DependsOn"])
    assert all({"KmsKeyId", "RetentionInDays"} <= set(group["Properties"]) for group in groups.values()), (
        "a group without retention grows for ever"
    )


def test_nobody_logs_in_without_tls_or_with_a_password_from_a_template(nested: Any) -> None:
    template = nested("database", "prod")
    properties = database(template)["Properties"]
    engine = template["Resources"]["EngineSettings"]["Properties"]["Parameters"]

    assert engine["rds.force_ssl"] == "1"
    assert "log_statement" not in engine, "it would log the verifiers that the rotation sets"
    assert properties["ManageMasterUserPassword"] is True
    assert "MasterUserPassword" not in properties
    assert properties["PubliclyAccessible"] is False
    assert properties["StorageEncrypted"] is True


def test_who_was_there_is_logged_by_a_setting_that_every_version_takes(nested: Any) -> None:
    engine = nested("database", "prod")["Resources"]["EngineSettings"]["Properties"]["Parameters"]

    assert engine["log_disconnections"] == "1"
    assert "log_connections" not in engine, "a list since PostgreSQL 18: docs/decisions/database-log.md"
    assert "shared_preload_libraries" not in engine, "pgaudit: docs/decisions/database-log.md"


@pytest.mark.parametrize(("multi_az", "skipped"), [(True, []), (False, ["CKV_AWS_157"])])
def test_a_scanner_is_told_of_a_second_instance_that_is_spared(
    nested: Any, multi_az: bool, skipped: list[str]
) -> None:
    metadata = database(nested("database", multi_az=multi_az))["Metadata"]

    skips = metadata.get("checkov", {"skip": []})["skip"]

    assert [skip["id"] for skip in skips] == skipped
    assert all(skip["comment"] for skip in skips)
    assert set(skipped) <= set(COSTS_MONEY), "what checkov's judge lets dev skip"


def test_only_this_instance_may_use_the_monitoring_role(nested: Any) -> None:
    template = nested("database")
    (statement,) = template["Resources"]["Monitoring"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    instance = database(template)["Properties"]["DBInstanceIdentifier"]

    condition = statement["Condition"]["StringEquals"]

    assert condition["aws:SourceAccount"] == {"Fn::Sub": "${AWS::AccountId}"}
    assert condition["aws:SourceArn"]["Fn::Sub"].endswith(f":db:{instance}")
