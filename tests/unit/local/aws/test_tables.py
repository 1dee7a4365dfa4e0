"""DynamoDB: what the engine asks of its table before it starts."""

from typing import Any

KEYS = (("leaseOwner", "HASH"), ("leaseKey", "RANGE"))


def test_an_index_of_a_template_is_active(aws: Any) -> None:
    keys = [{"AttributeName": name, "KeyType": kind} for name, kind in KEYS]
    table = {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": "S"} for name in ("leaseKey", "leaseOwner")
            ],
            "KeySchema": [{"AttributeName": "leaseKey", "KeyType": "HASH"}],
            "GlobalSecondaryIndexes": [
                {"IndexName": "ByOwner", "KeySchema": keys, "Projection": {"ProjectionType": "KEYS_ONLY"}}
            ],
        },
    }
    aws.deploy("leases", {"Resources": {"Leases": table}})

    name = aws.resources("leases")["Leases"]
    (index,) = aws.client("dynamodb").describe_table(TableName=name)["Table"]["GlobalSecondaryIndexes"]

    assert index["IndexStatus"] == "ACTIVE"
    assert index["IndexArn"].endswith(f"table/{name}/index/ByOwner")
