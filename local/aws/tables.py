"""DynamoDB: the indexes of a table that a template makes are there, as those of CreateTable's are.

Upstream tells no status of them, so whoever waits for an index waits for ever.
"""

from ministack.services import dynamodb

from local.aws.stacks import Json
from local.aws.types import Made, complete


def install() -> None:
    complete("AWS::DynamoDB::Table", _with_indexes)


def _with_indexes(physical_id: str, props: Json, attributes: Json) -> Made:
    table = dynamodb._tables[physical_id]
    # New ones: those there are the template's own, and a change of them would be one of the template.
    table["GlobalSecondaryIndexes"] = [
        {
            "IndexStatus": "ACTIVE",
            **index,
            "IndexArn": f"{table['TableArn']}/index/{index['IndexName']}",
        }
        for index in table["GlobalSecondaryIndexes"]
    ]
    return physical_id, attributes
