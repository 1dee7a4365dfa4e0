import json

import pytest

from stacks import drift_reader, handlers


def test_the_file_is_what_the_templates_ask_for() -> None:
    assert drift_reader.FILE.read_text(encoding="utf-8") == drift_reader.text()


def test_iam_takes_it_as_one_policy() -> None:
    letters = json.dumps(json.loads(drift_reader.text()), separators=(",", ":"))

    assert len(letters) <= drift_reader.LETTERS


def test_each_type_is_read_by_what_its_reading_handler_calls() -> None:
    assert drift_reader.actions(["AWS::SQS::Queue", "AWS::CloudFormation::Stack"]) == {
        "sqs:GetQueueAttributes",
        "sqs:ListQueueTags",
    }


def test_a_reader_learns_no_secret_and_opens_nothing_under_a_key() -> None:
    secrets = ["AWS::SecretsManager::Secret", "AWS::SecretsManager::SecretTargetAttachment"]

    assert drift_reader.actions(secrets) == {"secretsmanager:DescribeSecret"}
    assert "kms:Decrypt" not in drift_reader.actions(["AWS::Lambda::Function"])
    assert "iam:PassRole" not in drift_reader.actions(["AWS::Events::Rule"])


def test_it_only_reads() -> None:
    named = {
        action.partition(":")[2]
        for action in drift_reader.actions(drift_reader.kinds(drift_reader.ROOT / "templates"))
    }

    assert {name for name in named if not name.startswith(("Describe", "Get", "List", "View"))} == set()


def test_a_type_without_a_schema_stops_it() -> None:
    with pytest.raises(handlers.UnknownType, match="AWS::No::Such"):
        drift_reader.actions(["AWS::No::Such"])
