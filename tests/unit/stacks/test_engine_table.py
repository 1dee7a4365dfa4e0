"""The engine's table as its library wants to find it, and what the engine may do to it."""

from typing import Any

import pytest


def table(template: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = template["Resources"]["Leases"]
    return made


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_library_finds_table_and_index_as_it_would_make_them(nested: Any, environment: str) -> None:
    made = table(nested("processor", environment))["Properties"]
    (index,) = made["GlobalSecondaryIndexes"]

    assert made["TableName"] == f"millrace-{environment}-processor"
    assert made["KeySchema"] == [{"AttributeName": "leaseKey", "KeyType": "HASH"}]
    assert index["IndexName"] == "LeaseOwnerToLeaseKeyIndex"
    assert index["KeySchema"] == [
        {"AttributeName": "leaseOwner", "KeyType": "HASH"},
        {"AttributeName": "leaseKey", "KeyType": "RANGE"},
    ]
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    assert made["BillingMode"] == "PAY_PER_REQUEST"


def test_the_tables_of_earlier_versions_are_never_made(nested: Any, of_type: Any) -> None:
    assert list(of_type(nested("processor", "prod"), "AWS::DynamoDB::Table")) == ["Leases"]


def test_it_is_encrypted_with_our_key_and_can_be_restored(nested: Any) -> None:
    made = table(nested("processor"))["Properties"]

    assert made["SSESpecification"] == {
        "SSEEnabled": True,
        "SSEType": "KMS",
        "KMSMasterKeyId": {"Ref": "DataKeyArn"},
    }
    assert made["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


@pytest.mark.parametrize(("environment", "policy"), [("dev", "Delete"), ("prod", "RetainExceptOnCreate")])
def test_prod_keeps_it_and_dev_lets_it_go(nested: Any, environment: str, policy: str) -> None:
    """No protection besides: a first creation that fails must be able to roll back."""
    made = table(nested("processor", environment))

    assert made["DeletionPolicy"] == policy
    assert "DeletionProtectionEnabled" not in made["Properties"]


def granted(statements: list[dict[str, Any]], sid: str) -> dict[str, Any]:
    (one,) = (statement for statement in statements if statement.get("Sid") == sid)
    return one


def test_the_engine_may_do_to_it_what_it_does_and_no_more(nested: Any, statements: Any) -> None:
    given = statements(nested("processor")["Resources"]["TaskRole"])
    actions = {
        action for statement in given for action in statement["Action"] if action.startswith("dynamodb:")
    }

    assert actions == {
        "dynamodb:DescribeTable",
        "dynamodb:Scan",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
        "dynamodb:Query",
    }
    assert granted(given, "KeepLeases")["Resource"] == [{"Fn::GetAtt": ["Leases", "Arn"]}]
    assert granted(given, "FindOwnLeases")["Action"] == ["dynamodb:Query"]
    (index, values) = granted(given, "FindOwnLeases")["Resource"][0]["Fn::Sub"]
    assert index == "${Table}/index/LeaseOwnerToLeaseKeyIndex"
    assert values == {"Table": {"Fn::GetAtt": ["Leases", "Arn"]}}


def test_it_may_see_that_there_is_no_table_of_an_earlier_version(nested: Any, statements: Any) -> None:
    template = nested("processor", "prod")
    statement = granted(statements(template["Resources"]["TaskRole"]), "SeeThatThereIsNoEarlierTable")
    name = table(template)["Properties"]["TableName"]

    assert statement["Action"] == ["dynamodb:DescribeTable"]
    assert [resource["Fn::Sub"].partition(":table/")[2] for resource in statement["Resource"]] == [
        f"{name}-CoordinatorState",
        f"{name}-WorkerMetricStats",
    ]


def test_the_key_is_used_through_dynamodb_only_and_passed_on_to_nobody(nested: Any, statements: Any) -> None:
    statement = granted(statements(nested("processor")["Resources"]["TaskRole"]), "UseKeyThroughDynamoDb")

    assert statement["Resource"] == [{"Ref": "DataKeyArn"}]
    assert statement["Condition"] == {
        "StringEquals": {"kms:ViaService": {"Fn::Sub": "dynamodb.${AWS::Region}.${AWS::URLSuffix}"}}
    }
    assert "kms:CreateGrant" not in statement["Action"]
