"""What operators meet: drift, faults, cancelled and continued updates, on the emitted templates of dev."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import boto3
import pytest
from botocore.exceptions import ClientError

from local.aws import EmbeddedAws, Fault
from local.aws.embedded import CREDENTIALS_PATH
from parameters.settings import load
from tests.integration.deployments import alone
from tests.integration.test_embedded_aws import Platform, function_archive

Json = dict[str, Any]
ROOT = "millrace-dev"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    scratch = tmp_path_factory.mktemp("operations")
    (scratch / "ca.pem").touch()
    with alone(load("dev").account, scratch / "ca.pem", scratch / "aws.log") as aws:
        yield aws


@pytest.fixture(scope="module")
def platform(running: EmbeddedAws) -> Platform:
    """dev, deployed."""
    made = Platform("dev", running.endpoint_url)
    assert made.execute(made.plan(f"{ROOT}-bootstrap", made.read("bootstrap"), "CREATE")) == "CREATE_COMPLETE"
    bucket = made.outputs(f"{ROOT}-bootstrap")["ArtefactBucket"]
    made.client("s3").put_object(Bucket=bucket, Key="functions/rotation-1.zip", Body=function_archive())
    assert made.execute(planned(made, {}, "CREATE")) == "CREATE_COMPLETE", made.failures()
    return made


def planned(platform: Platform, changed: dict[str, str], kind: str = "UPDATE") -> Json:
    bucket = platform.outputs(f"{ROOT}-bootstrap")["ArtefactBucket"]
    parameters = {
        "ImageDigest": f"sha256:{'0' * 64}",
        "NotificationAddress": "operations@example.com",
        "PlantAddress": "plant@example.com",
        "ArtefactBucket": bucket,
        "RotationCodeKey": "functions/rotation-1.zip",
    }
    return platform.plan(ROOT, platform.uploaded(bucket, changed), kind, parameters)


def stacks(platform: Platform) -> dict[str, str]:
    """Every stack's ARN by its logical id, the root's under its name."""
    cloudformation = platform.client("cloudformation")
    found = {ROOT: platform.stack(ROOT)["StackId"]}
    for resource in cloudformation.describe_stack_resources(StackName=ROOT)["StackResources"]:
        if resource["ResourceType"] == "AWS::CloudFormation::Stack":
            found[resource["LogicalResourceId"]] = resource["PhysicalResourceId"]
    return found


def drifted(platform: Platform, stack: str) -> list[Json]:
    cloudformation = platform.client("cloudformation")
    detection = cloudformation.detect_stack_drift(StackName=stack)["StackDriftDetectionId"]
    status = cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
    assert status["DetectionStatus"] == "DETECTION_COMPLETE"
    drifts = cloudformation.describe_stack_resource_drifts(StackName=stack)["StackResourceDrifts"]
    return [
        {"LogicalResourceId": d["LogicalResourceId"], "Differences": d.get("PropertyDifferences")}
        for d in drifts
        if d["StackResourceDriftStatus"] != "IN_SYNC"
    ]


def test_nothing_of_what_was_just_deployed_has_drifted(platform: Platform) -> None:
    assert [drift for arn in stacks(platform).values() for drift in drifted(platform, arn)] == []


def test_the_processor_alone_is_heard_by_the_plant_s_people(running: EmbeddedAws, platform: Platform) -> None:
    topic = f"arn:aws:sns:eu-west-2:{load('dev').account}:millrace-dev-plant-alarms"

    published = as_task(running, platform).publish(TopicArn=topic, Message="the spindle is hot")

    assert published["MessageId"]
    with pytest.raises(ClientError, match="not authorized to perform: sns:Publish"):
        platform.client("sns").publish(TopicArn=topic, Message="whatever else IAM lets do")


def test_the_processor_is_not_heard_by_the_platform_s_people(
    running: EmbeddedAws, platform: Platform
) -> None:
    (topic,) = [
        made["TopicArn"]
        for made in platform.client("sns").list_topics()["Topics"]
        if "Notifications" in made["TopicArn"]
    ]

    with pytest.raises(ClientError, match="not authorized"):
        as_task(running, platform).publish(TopicArn=topic, Message="no")


def as_task(running: EmbeddedAws, platform: Platform) -> Any:
    """SNS, asked with what the agent gives the processor's container."""
    cloudformation, processor = platform.client("cloudformation"), stacks(platform)["Processor"]
    role = cloudformation.describe_stack_resource(StackName=processor, LogicalResourceId="TaskRole")
    name = role["StackResourceDetail"]["PhysicalResourceId"]
    arn = f"arn:aws:iam::{load('dev').account}:role/{name}"
    with urlopen(f"{running.endpoint_url}{CREDENTIALS_PATH}{quote(arn, safe='')}") as answer:  # noqa: S310 - loopback
        given = json.load(answer)
    make: Any = boto3.client  # its overloads know services by literal name only
    return make(
        "sns",
        endpoint_url=running.endpoint_url,
        region_name="eu-west-2",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["Token"],
    )


def test_an_update_that_fails_in_a_nested_stack_is_continued_once_its_rollback_can_be(
    running: EmbeddedAws, platform: Platform
) -> None:
    before = platform.outputs(ROOT)
    keys = platform.read("keys").replace("RotationPeriodInDays: 365", "RotationPeriodInDays: 180")
    stream = re.sub(r"RetentionPeriodHours: \d+", "RetentionPeriodHours: 96", platform.read("stream"))
    assert (keys, stream) != (platform.read("keys"), platform.read("stream"))
    running.inject(
        Fault(resource_type="AWS::Kinesis::Stream", action="update", message="the stream will not"),
        Fault(resource_type="AWS::KMS::Key", action="revert", message="the key will not go back"),
    )

    assert platform.execute(planned(platform, {"keys": keys, "stream": stream})) == "UPDATE_ROLLBACK_FAILED"
    running.inject()
    platform.client("cloudformation").continue_update_rollback(StackName=ROOT)

    assert platform.settled(ROOT) == "UPDATE_ROLLBACK_COMPLETE"
    assert platform.outputs(ROOT) == before
    assert [drift for arn in stacks(platform).values() for drift in drifted(platform, arn)] == []
    assert planned(platform, {})["Status"] == "FAILED"  # nothing differs


def test_an_operation_outlives_the_process_that_began_it(running: EmbeddedAws, platform: Platform) -> None:
    keys = platform.read("keys").replace("RotationPeriodInDays: 365", "RotationPeriodInDays: 200")
    change_set = planned(platform, {"keys": keys})
    running.inject(Fault(resource_type="AWS::KMS::Key", action="update", seconds=1, times=1))
    program = (
        "import boto3, time\n"
        "cloudformation = boto3.client('cloudformation')\n"
        f"cloudformation.execute_change_set(ChangeSetName={change_set['ChangeSetId']!r})\n"
        "print('begun', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={"PATH": os.environ["PATH"]} | running.environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as operator:
        assert operator.stdout is not None
        assert operator.stdout.readline() == "begun\n"
        operator.send_signal(signal.SIGKILL)

    assert platform.stack(ROOT)["StackStatus"] == "UPDATE_IN_PROGRESS"
    assert platform.settled(ROOT) == "UPDATE_COMPLETE"
