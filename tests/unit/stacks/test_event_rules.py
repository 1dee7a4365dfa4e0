"""What AWS reports, matched as AWS writes it. The events are built from its pages' examples."""

import json
from typing import Any

import pytest


@pytest.fixture
def rule(nested: Any) -> Any:
    resources = nested("observability")["Resources"]
    return lambda title: resources[title]["Properties"]


def matches(pattern: object, event: object) -> bool:
    """EventBridge's rule for exact values, and its > 0: a list is alternatives, an array has one of them.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern.html
    """
    if isinstance(pattern, dict):
        if isinstance(event, list):
            return any(matches(pattern, one) for one in event)
        return isinstance(event, dict) and all(
            matches(value, event.get(key)) for key, value in pattern.items()
        )
    assert isinstance(pattern, list)
    if pattern == [{"numeric": [">", 0]}]:
        return isinstance(event, int) and event > 0
    return any(value in pattern for value in (event if isinstance(event, list) else [event]))


def resolved(node: Any) -> Any:
    """The pattern with its functions as text, so that an event can have the same."""
    return json.loads(
        json.dumps(node),
        object_hook=lambda found: json.dumps(found) if {"Ref", "Fn::Sub"} & set(found) else found,
    )


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("RotationFailed", True),
        ("RotationAbandoned", True),
        ("TestRotationFailed", True),
        ("RotationStarted", False),
        ("RotationSucceeded", False),
        ("TestRotationSucceeded", False),
    ],
)
def test_a_failed_rotation_of_our_secret_is_told(rule: Any, name: str, told: bool) -> None:
    pattern = rule("RotationFailed")["EventPattern"]
    ours = resolved({"Ref": "SecretArn"})
    event = {
        "source": "aws.secretsmanager",
        "detail-type": "AWS Service Event via CloudTrail",
        "detail": {
            "eventSource": "secretsmanager.amazonaws.com",
            "eventName": name,
            "additionalEventData": {"SecretId": ours},
        },
    }

    assert matches(resolved(pattern), event) is told
    event["detail"]["additionalEventData"] = {"SecretId": "another"}  # type: ignore[index]
    assert not matches(resolved(pattern), event)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("SERVICE_DEPLOYMENT_FAILED", True),
        ("SERVICE_DEPLOYMENT_IN_PROGRESS", False),
        ("SERVICE_DEPLOYMENT_COMPLETED", False),
    ],
)
def test_a_failed_deployment_of_our_service_is_told(rule: Any, name: str, told: bool) -> None:
    pattern = rule("DeploymentFailed")["EventPattern"]
    (service,) = pattern["resources"]
    text, values = service["Fn::Sub"]
    event = {
        "source": "aws.ecs",
        "detail-type": "ECS Deployment State Change",
        "resources": [resolved(service)],
        "detail": {"eventType": "ERROR", "eventName": name, "deploymentId": "ecs-svc/1", "reason": "…"},
    }

    assert matches(resolved(pattern), event) is told
    assert text.endswith(":service/${Cluster}/${Service}")
    assert values == {"Cluster": {"Ref": "ClusterName"}, "Service": {"Ref": "ServiceName"}}
    event["resources"] = ["another"]
    assert not matches(resolved(pattern), event)


@pytest.mark.parametrize(
    ("categories", "told"),
    [
        (["failover"], True),
        (["failure"], True),
        (["maintenance", "failure"], True),
        (["low storage"], True),
        (["backup"], False),
        (["configuration change"], False),
        (["creation"], False),
    ],
)
def test_what_rds_reports_of_our_database_is_told_unless_it_is_routine(
    rule: Any, categories: list[str], told: bool
) -> None:
    pattern = rule("DatabaseEvents")["EventPattern"]
    (database,) = pattern["detail"]["SourceArn"]
    event = {
        "source": "aws.rds",
        "detail-type": "RDS DB Instance Event",
        "resources": [resolved(database)],
        "detail": {
            "EventCategories": categories,
            "SourceType": "DB_INSTANCE",
            "SourceArn": resolved(database),
            "Message": "…",
        },
    }

    assert matches(resolved(pattern), event) is told
    assert database["Fn::Sub"][0].endswith(":db:${Database}")
    assert database["Fn::Sub"][1] == {"Database": {"Ref": "DatabaseId"}}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("DisableKey", True),
        ("ScheduleKeyDeletion", True),
        ("PutKeyPolicy", True),
        ("EnableKey", False),
        ("CreateGrant", False),
        ("Decrypt", False),
    ],
)
def test_what_endangers_one_of_our_keys_is_told(rule: Any, name: str, told: bool) -> None:
    pattern = rule("KeyEndangered")["EventPattern"]
    ours = pattern["detail"]["resources"]["ARN"]
    event: dict[str, Any] = {
        "source": "aws.kms",
        "detail-type": "AWS API Call via CloudTrail",
        "detail": {
            "eventSource": "kms.amazonaws.com",
            "eventName": name,
            "requestParameters": {"keyId": "…"},
        },
    }

    assert ours
    for key in ours:
        event["detail"]["resources"] = [{"accountId": "…", "type": "AWS::KMS::Key", "ARN": resolved(key)}]
        assert matches(resolved(pattern), event) is told
    event["detail"]["resources"][0]["ARN"] = "another"
    assert not matches(resolved(pattern), event)


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({"CRITICAL": 10, "MEDIUM": 9}, True),
        ({"CRITICAL": 0, "HIGH": 1}, False),
        ({"HIGH": 3}, False),
        ({}, False),
    ],
)
def test_what_is_critical_in_our_image_is_told(rule: Any, counts: dict[str, int], told: bool) -> None:
    pattern = rule("ImageFindings")["EventPattern"]
    event: dict[str, Any] = {
        "source": "aws.ecr",
        "detail-type": "ECR Image Scan",
        "detail": {
            "scan-status": "COMPLETE",
            "repository-name": "millrace/dev",
            "finding-severity-counts": counts,
            "image-digest": "sha256:…",
            "image-tags": [],
        },
    }

    assert matches(pattern, event) is told
    event["detail"]["repository-name"] = "another"
    assert not matches(pattern, event)


@pytest.mark.parametrize(
    "title", ["RotationFailed", "DeploymentFailed", "DatabaseEvents", "KeyEndangered", "ImageFindings"]
)
def test_what_is_told_is_one_line_that_people_can_read(rule: Any, title: str) -> None:
    (target,) = rule(title)["Targets"]
    transformer = target["InputTransformer"]
    template = transformer["InputTemplate"]

    assert target["Arn"] == {"Ref": "TopicArn"}
    assert "RoleArn" not in target, "the topic's policy is what admits EventBridge"
    assert json.loads(template), "one quoted line, nothing in it that ends it"
    named = {"time", "said"}
    assert set(transformer["InputPathsMap"]) == named
    assert template.count("<") == template.count(">") == len(named)
    assert len(rule(title)["Description"]) <= 512
