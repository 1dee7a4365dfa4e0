"""A process that runs as a task's role may do what the role may do, and nothing else."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any

import pytest

from local.aws import EmbeddedAws

TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Readings": {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 1}},
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                },
                "Policies": [
                    {
                        "PolicyName": "read",
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": [
                                {
                                    "Effect": "Allow",
                                    "Action": [
                                        "kinesis:ListShards",
                                        "kinesis:GetShardIterator",
                                        "kinesis:GetRecords",
                                    ],
                                    "Resource": {"Fn::GetAtt": ["Readings", "Arn"]},
                                }
                            ],
                        },
                    }
                ],
            },
        },
    },
    "Outputs": {"Role": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}}, "Stream": {"Value": {"Ref": "Readings"}}},
}


def run(environment: dict[str, str], program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", f"import boto3\n{program}"],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def said(aws: Any) -> dict[str, str]:
    stack = aws.deploy("credentials", TEMPLATE)
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def test_a_tasks_role_decides(said: dict[str, str], embedded: EmbeddedAws) -> None:
    environment = embedded.task_environment(said["Role"])
    stream = f"StreamName={said['Stream']!r}"

    who = run(environment, "print(boto3.client('sts').get_caller_identity()['Arn'])")
    listed = run(environment, f"print(len(boto3.client('kinesis').list_shards({stream})['Shards']))")
    refused = run(environment, f"boto3.client('kinesis').put_record({stream}, Data=b'x', PartitionKey='k')")

    assert who == f"arn:aws:sts::111122223333:assumed-role/{said['Role'].rpartition('/')[2]}/task"
    assert listed == "1"
    assert "AccessDeniedException" in refused
    assert "kinesis:PutRecord" in refused


def test_an_iterator_is_authorised_on_its_stream(said: dict[str, str], embedded: EmbeddedAws) -> None:
    program = f"""
kinesis = boto3.client("kinesis")
token = kinesis.get_shard_iterator(StreamName={said["Stream"]!r}, ShardId="shardId-000000000000",
                                   ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
print(kinesis.get_records(ShardIterator=token)["MillisBehindLatest"])
"""
    assert run(embedded.task_environment(said["Role"]), program) == "0"


def test_a_role_that_is_not_there_gives_none(embedded: EmbeddedAws) -> None:
    environment = embedded.task_environment("arn:aws:iam::111122223333:role/none")

    with pytest.raises(urllib.error.HTTPError, match="404") as refused:
        urllib.request.urlopen(environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"])  # noqa: S310 -- our own
    with refused.value as answer:
        assert json.loads(answer.read()) == {
            "message": "there is no role arn:aws:iam::111122223333:role/none"
        }
