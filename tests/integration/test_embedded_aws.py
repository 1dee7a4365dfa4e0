"""The emitted templates, both environments, through nested change sets of the embedded AWS."""

import hashlib
import io
import re
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from deployer import foundation, templates
from parameters.settings import load
from tests.integration.deployments import alone

Json = dict[str, Any]
TEMPLATES = Path(__file__).parents[2] / "templates"
# The rotation's own tests need a database; here it is enough that a function is deployed and called.
ROTATION = "def handle(event, context): raise RuntimeError('no database here')"


@dataclass
class Platform:
    """One environment's templates in an account of their own."""

    environment: str
    endpoint_url: str

    def client(self, service: str) -> Any:
        make: Any = boto3.client  # its overloads know services by literal name only
        return make(
            service,
            endpoint_url=self.endpoint_url,
            region_name="eu-west-2",
            aws_access_key_id=load(self.environment).account,
            aws_secret_access_key="local",
        )

    def read(self, name: str) -> str:
        return (TEMPLATES / self.environment / f"{name}.yaml").read_text()

    def plan(self, name: str, template: str, kind: str, parameters: dict[str, str] | None = None) -> Json:
        cloudformation = self.client("cloudformation")
        arn = cloudformation.create_change_set(
            StackName=name,
            ChangeSetName=f"c{time.monotonic_ns()}",
            ChangeSetType=kind,
            **{"TemplateURL" if template.startswith("https://") else "TemplateBody": template},
            IncludeNestedStacks=True,
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in (parameters or {}).items()],
        )["Id"]
        found: Json = cloudformation.describe_change_set(ChangeSetName=arn)
        return found

    def execute(self, change_set: Json) -> str:
        self.client("cloudformation").execute_change_set(ChangeSetName=change_set["ChangeSetId"])
        return self.settled(change_set["StackId"])

    def settled(self, stack: str) -> str:
        deadline = time.monotonic() + 60
        while self.stack(stack)["StackStatus"].endswith("_IN_PROGRESS"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        status: str = self.stack(stack)["StackStatus"]
        return status

    def stack(self, name: str) -> Json:
        found: Json = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        return found

    def outputs(self, name: str) -> dict[str, str]:
        return {output["OutputKey"]: output["OutputValue"] for output in self.stack(name)["Outputs"]}

    def failures(self) -> list[str]:
        cloudformation = self.client("cloudformation")
        return [
            f"{event['StackName']} {event['LogicalResourceId']}: {event['ResourceStatusReason']}"
            for stack in cloudformation.list_stacks()["StackSummaries"]
            for event in cloudformation.describe_stack_events(StackName=stack["StackId"])["StackEvents"]
            if event["ResourceStatus"].endswith("_FAILED")
        ]

    def put(self, bucket: str, template: str) -> str:
        """Its URL."""
        key = f"templates/{hashlib.sha256(template.encode()).hexdigest()}.yaml"
        self.client("s3").put_object(Bucket=bucket, Key=key, Body=template.encode())
        return f"https://s3.eu-west-2.amazonaws.com/{bucket}/{key}"

    def uploaded(self, bucket: str, changed: dict[str, str]) -> str:
        """The root's template, its children uploaded; `changed` has other texts for some of them."""
        root = self.read("platform")
        for file in (TEMPLATES / self.environment).glob("*.yaml"):
            url = self.put(bucket, changed.get(file.stem, file.read_text()))
            root = re.sub(rf"(TemplateURL: )(\./)?{file.name}\b", rf"\g<1>{url}", root)
        return root


@pytest.fixture(params=["dev", "prod"])
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    ca_file = tmp_path / "ca.pem"
    ca_file.touch()
    with alone(load(request.param).account, ca_file, tmp_path / "aws.log") as running:
        yield Platform(request.param, running.endpoint_url)


def function_archive() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as target:
        target.writestr("rotation/__init__.py", "")
        target.writestr("rotation/handler.py", ROTATION)
    return packed.getvalue()


def changes(change_set: Json) -> dict[str, Json]:
    return {c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"] for c in change_set["Changes"]}


def test_every_stack_is_made_changed_and_gone(platform: Platform) -> None:
    name = f"millrace-{platform.environment}"
    whole = platform.read("bootstrap")
    begun_by = foundation.of(templates.parse(whole, Path("bootstrap.yaml")))
    bootstrap = platform.plan(f"{name}-bootstrap", begun_by, "CREATE")
    assert platform.execute(bootstrap) == "CREATE_COMPLETE", platform.failures()
    bucket = platform.outputs(f"{name}-bootstrap")["ArtefactBucket"]
    rights = platform.plan(f"{name}-bootstrap", platform.put(bucket, whole), "UPDATE")
    assert platform.execute(rights) == "UPDATE_COMPLETE", platform.failures()
    platform.client("s3").put_object(Bucket=bucket, Key="functions/rotation-1.zip", Body=function_archive())
    parameters = {
        "ImageDigest": f"sha256:{'0' * 64}",
        "NotificationAddress": "operations@example.com",
        "PlantAddress": "plant@example.com",
        "ArtefactBucket": bucket,
        "RotationCodeKey": "functions/rotation-1.zip",
    }

    root = platform.plan(name, platform.uploaded(bucket, {}), "CREATE", parameters)
    nested = {key: c for key, c in changes(root).items() if c["ResourceType"] == "AWS::CloudFormation::Stack"}
    assert len(nested) == 10
    assert all(change["ChangeSetId"] for change in nested.values())
    begun = time.monotonic()
    assert platform.execute(root) == "CREATE_COMPLETE", platform.failures()
    assert time.monotonic() - begun < 15  # about half a second when the machine is idle

    outputs = platform.outputs(name)
    assert (outputs["RdsEndpoint"], outputs["RedisEndpoint"]) == ("localhost", "localhost")
    stream = platform.client("kinesis").describe_stream_summary(StreamName=outputs["KinesisStreamName"])
    assert stream["StreamDescriptionSummary"]["EncryptionType"] == "KMS"
    service = platform.client("ecs").describe_services(
        cluster=outputs["EcsClusterName"], services=[outputs["EcsServiceName"]]
    )["services"][0]
    assert service["runningCount"] == service["desiredCount"] > 0

    same = platform.plan(name, platform.uploaded(bucket, {}), "UPDATE", parameters)
    assert (same["Status"], same["StatusReason"].split(".")[0]) == (
        "FAILED",
        "The submitted information didn't contain changes",
    )

    keys = platform.read("keys").replace("RotationPeriodInDays: 365", "RotationPeriodInDays: 180")
    assert keys != platform.read("keys")
    update = platform.plan(name, platform.uploaded(bucket, {"keys": keys}), "UPDATE", parameters)
    assert "Keys" in changes(update)
    assert platform.execute(update) == "UPDATE_COMPLETE", platform.failures()
    assert platform.outputs(name) == outputs

    platform.client("cloudformation").delete_stack(StackName=name)
    assert platform.settled(root["StackId"]) == "DELETE_COMPLETE", platform.failures()
    for change in nested.values():
        assert platform.stack(change["PhysicalResourceId"])["StackStatus"] == "DELETE_COMPLETE"
