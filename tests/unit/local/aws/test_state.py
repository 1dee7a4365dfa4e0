"""A directory that a second start goes on from."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.aws import EmbeddedAws

Json = dict[str, Any]

TEMPLATE: Json = {
    "Resources": {
        "Readings": {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 1}},
        "Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": "kept"}},
        "Cluster": {"Type": "AWS::ECS::Cluster"},
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "MetricName": "m",
                "Namespace": "n",
                "Threshold": 1,
                "EvaluationPeriods": 1,
                "ComparisonOperator": "GreaterThanThreshold",
            },
        },
        "Composite": {
            "Type": "AWS::CloudWatch::CompositeAlarm",
            "Properties": {"AlarmRule": {"Fn::Sub": "ALARM(${Alarm})"}},
        },
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {"EventPattern": {"source": ["aws.secretsmanager"]}},
        },
    },
    "Outputs": {"Stream": {"Value": {"Ref": "Readings"}}, "Secret": {"Value": {"Ref": "Secret"}}},
}


ROLE: Json = {
    "Resources": {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "lambda.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                }
            },
        }
    },
    "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}}},
}


@pytest.fixture(scope="module")
def runs(
    start: Callable[..., EmbeddedAws],
    account: Callable[[str], Any],
    archive: Callable[[str], bytes],
    tmp_path_factory: pytest.TempPathFactory,
) -> Json:
    """What a first run leaves behind, and what a second finds."""
    state = tmp_path_factory.mktemp("state")
    seen: Json = {"state": state}
    with start(state=state) as running:
        aws = account(running.endpoint_url)
        seen["template"] = aws.upload(TEMPLATE).partition("/artefacts/")[2]
        aws.client("lambda").create_function(
            FunctionName="kept",
            Runtime="python3.13",
            Role=aws.deploy("roles", ROLE)["Outputs"][0]["OutputValue"],
            Handler="handler.handle",
            Code={"ZipFile": archive("def handle(event, context): return 'still here'")},
        )
        stack = aws.deploy("kept", {"Resources": {"Child": aws.nest(TEMPLATE)}})
        child = aws.stack(aws.resources("kept")["Child"])
        seen["outputs"] = {output["OutputKey"]: output["OutputValue"] for output in child["Outputs"]}
        seen["stack"], seen["resources"] = stack["StackId"], aws.resources(child["StackId"])
        late = {"Resources": {f"Queue{n}": {"Type": "AWS::SQS::Queue"} for n in range(80)}}
        put = aws.client("kinesis").put_record(
            StreamName=seen["outputs"]["Stream"], Data=b"before", PartitionKey="k"
        )
        seen["before"] = put["SequenceNumber"]
        planned = aws.plan("late", late)
        aws.client("cloudformation").execute_change_set(ChangeSetName=planned["ChangeSetId"])
    with start(state=state) as running:
        aws = account(running.endpoint_url)
        seen["late"] = aws.stack("late")["StackStatus"]
        found = aws.client("s3").get_object(Bucket="artefacts", Key=seen["template"])
        seen["body"] = json.loads(found["Body"].read())
        seen["function"] = json.loads(aws.client("lambda").invoke(FunctionName="kept")["Payload"].read())
        stream = seen["outputs"]["Stream"]
        kinesis = aws.client("kinesis")
        seen["after"] = kinesis.put_record(StreamName=stream, Data=b"after", PartitionKey="k")[
            "SequenceNumber"
        ]
        iterator = kinesis.get_shard_iterator(
            StreamName=stream, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
        )
        seen["records"] = kinesis.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
        seen["secret"] = aws.client("secretsmanager").get_secret_value(SecretId=seen["outputs"]["Secret"])
        seen["found"] = (aws.stack("kept")["StackId"], aws.resources(aws.resources("kept")["Child"]))
        seen["clusters"] = aws.client("ecs").list_clusters()["clusterArns"]
        seen["alarms"] = aws.client("cloudwatch").describe_alarms(AlarmTypes=["CompositeAlarm"])[
            "CompositeAlarms"
        ]
        seen["rules"] = aws.client("events").list_rules()["Rules"]
        seen["again"] = aws.plan("kept", {"Resources": {"Child": aws.nest(TEMPLATE, again=True)}}, "UPDATE")
        seen["update"] = aws.deploy("kept", {"Resources": {"Child": aws.nest(changed())}}, "UPDATE")[
            "StackStatus"
        ]
    return seen


def changed() -> Json:
    return {**TEMPLATE, "Resources": {**TEMPLATE["Resources"], "More": {"Type": "AWS::SQS::Queue"}}}


def test_stacks_and_what_they_made_are_there(runs: Json) -> None:
    assert runs["found"] == (runs["stack"], runs["resources"])
    assert runs["secret"]["SecretString"] == "kept"
    assert runs["body"] == TEMPLATE
    assert runs["function"] == "still here"
    assert len(runs["clusters"]) == len(runs["alarms"]) == len(runs["rules"]) == 1


def test_records_are_there_and_their_numbers_go_on(runs: Json) -> None:
    assert [record["Data"] for record in runs["records"]] == [b"before", b"after"]
    assert int(runs["after"]) > int(runs["before"])


def test_the_next_deployment_goes_on_from_there(runs: Json) -> None:
    assert runs["again"]["Status"] == "FAILED"  # a parameter that no template has
    assert runs["update"] == "UPDATE_COMPLETE"


def test_an_operation_is_brought_to_its_end_before_the_stop(runs: Json) -> None:
    assert runs["late"] == "CREATE_COMPLETE"


def test_nothing_half_written_is_left(runs: Json) -> None:
    files: list[Path] = [path for path in runs["state"].rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if path.suffix == ".tmp"]
