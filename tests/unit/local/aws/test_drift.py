"""Drift, made through each service's own API."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from local.aws import Fault

Json = dict[str, Any]
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
RULE = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "10.0.0.0/8"}
TEMPLATE: Json = {
    "Resources": {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": 1}},
        "Stream": {
            "Type": "AWS::Kinesis::Stream",
            "Properties": {"ShardCount": 1, "RetentionPeriodHours": 72},
        },
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 30}},
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "news"}},
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "DeletionProtectionEnabled": False,
                "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}],
            },
        },
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "Properties": {"VersioningConfiguration": {"Status": "Enabled"}},
        },
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": TRUST,
                "Policies": [
                    {
                        "PolicyName": "own",
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}],
                        },
                    }
                ],
            },
        },
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "Group": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {
                "GroupDescription": "web",
                "VpcId": {"Ref": "Vpc"},
                "SecurityGroupIngress": [RULE],
            },
        },
        "Rule": {
            "Type": "AWS::EC2::SecurityGroupIngress",
            "Properties": {
                **RULE,
                "FromPort": 80,
                "ToPort": 80,
                "GroupId": {"Fn::GetAtt": ["Group", "GroupId"]},
            },
        },
    }
}


def found(aws: Any, stack: str) -> dict[str, Json]:
    """The drifts of a stack's resources; the status of the detection is the test's too."""
    cloudformation = aws.client("cloudformation")
    detection = cloudformation.detect_stack_drift(StackName=stack)["StackDriftDetectionId"]
    status = cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
    assert status["DetectionStatus"] == "DETECTION_COMPLETE"
    drifts = cloudformation.describe_stack_resource_drifts(StackName=stack)["StackResourceDrifts"]
    drifted = [d for d in drifts if d["StackResourceDriftStatus"] != "IN_SYNC"]
    assert status["DriftedStackResourceCount"] == len(drifted)
    return {drift["LogicalResourceId"]: drift for drift in drifts}


def changed(aws: Any, drift: Json) -> list[tuple[str, str, str]]:
    return [
        (d["PropertyPath"], d["ExpectedValue"], d["ActualValue"])
        for d in drift.get("PropertyDifferences", [])
    ]


@pytest.fixture(scope="module")
def drifting(aws: Any) -> Callable[[str], dict[str, str]]:
    def deploy(name: str) -> dict[str, str]:
        aws.deploy(name, {"Resources": {"A": aws.nest(TEMPLATE)}})
        child = aws.resources(name)["A"]
        return {"": child, **aws.resources(child)}

    return deploy


def test_what_was_deployed_is_in_sync(aws: Any, drifting: Callable[[str], dict[str, str]]) -> None:
    drifts = found(aws, drifting("in-sync")[""])

    assert {d["StackResourceDriftStatus"] for d in drifts.values()} == {"IN_SYNC"}
    assert drifts.keys() == TEMPLATE["Resources"].keys() - {"Vpc"}


def test_a_change_behind_its_back_is_named_property_by_property(
    aws: Any, drifting: Callable[[str], dict[str, str]]
) -> None:
    ids = drifting("drifts")
    aws.client("sqs").set_queue_attributes(QueueUrl=ids["Queue"], Attributes={"DelaySeconds": "9"})
    aws.client("kinesis").decrease_stream_retention_period(StreamName=ids["Stream"], RetentionPeriodHours=24)
    aws.client("logs").put_retention_policy(logGroupName=ids["Logs"], retentionInDays=1)
    aws.client("sns").set_topic_attributes(
        TopicArn=ids["Topic"], AttributeName="DisplayName", AttributeValue="gossip"
    )
    aws.client("dynamodb").update_table(TableName=ids["Table"], DeletionProtectionEnabled=True)
    aws.client("s3").put_bucket_versioning(
        Bucket=ids["Bucket"], VersioningConfiguration={"Status": "Suspended"}
    )
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    aws.client("iam").put_role_policy(
        RoleName=ids["Role"], PolicyName="own", PolicyDocument=json.dumps(document)
    )
    permission = {
        "IpProtocol": "tcp",
        "FromPort": 22,
        "ToPort": 22,
        "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
    }
    aws.client("ec2").authorize_security_group_ingress(GroupId=ids["Group"], IpPermissions=[permission])
    aws.client("ec2").revoke_security_group_ingress(
        GroupId=ids["Group"],
        IpPermissions=[{**permission, "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}],
    )

    drifts = found(aws, ids[""])

    assert {
        key: changed(aws, drifts[key]) for key in ("Queue", "Stream", "Logs", "Topic", "Table", "Bucket")
    } == {
        "Queue": [("/DelaySeconds", "1", "9")],
        "Stream": [("/RetentionPeriodHours", "72", "24")],
        "Logs": [("/RetentionInDays", "30", "1")],
        "Topic": [("/DisplayName", "news", "gossip")],
        "Table": [("/DeletionProtectionEnabled", "false", "true")],
        "Bucket": [("/VersioningConfiguration/Status", "Enabled", "Suspended")],
    }
    assert ("/Policies/0/PolicyDocument/Statement/0/Action", "sqs:SendMessage", "*") in changed(
        aws, drifts["Role"]
    )
    ((path, expected, actual),) = changed(aws, drifts["Group"])
    assert (path, expected) == ("/SecurityGroupIngress/1", "null")
    assert json.loads(actual) == {"CidrIp": "0.0.0.0/0", "FromPort": 22, "IpProtocol": "tcp", "ToPort": 22}
    assert drifts["Rule"]["StackResourceDriftStatus"] == "DELETED"
    assert aws.stack(ids[""])["DriftInformation"]["StackDriftStatus"] == "DRIFTED"


def test_what_was_deleted_behind_its_back_is_deleted_and_the_root_does_not_see_it(
    aws: Any, drifting: Callable[[str], dict[str, str]]
) -> None:
    ids = drifting("deleted-behind")
    aws.client("sqs").delete_queue(QueueUrl=ids["Queue"])
    aws.client("kinesis").delete_stream(StreamName=ids["Stream"])
    aws.client("ec2").delete_security_group(GroupId=ids["Group"])

    drifts = found(aws, ids[""])

    assert {key for key, d in drifts.items() if d["StackResourceDriftStatus"] == "DELETED"} == {
        "Queue",
        "Stream",
        "Group",
        "Rule",
    }
    assert found(aws, "deleted-behind") == {}


def test_a_detection_takes_its_time_or_fails_when_asked_to(aws: Any, inject: Callable[..., None]) -> None:
    aws.deploy("slow-drift", {"Resources": {"Queue": TEMPLATE["Resources"]["Queue"]}})
    kind, cloudformation = "AWS::CloudFormation::StackDriftDetection", aws.client("cloudformation")

    def status(detection: str) -> str:
        found = cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
        return str(found["DetectionStatus"])

    inject(Fault(resource_type=kind, logical_id="slow-drift", seconds=0.5))
    slow = cloudformation.detect_stack_drift(StackName="slow-drift")["StackDriftDetectionId"]
    assert status(slow) == "DETECTION_IN_PROGRESS"
    aws.awaited(lambda: status(slow) == "DETECTION_COMPLETE")
    inject(Fault(resource_type=kind, message="the queue could not be read"))
    failed = cloudformation.detect_stack_drift(StackName="slow-drift")["StackDriftDetectionId"]
    assert status(failed) == "DETECTION_FAILED"
