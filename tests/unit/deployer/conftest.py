"""CloudFormation, S3 and STS as botocore's Stubber: every answer below is constructed from the model.

The Stubber checks each request's and each answer's shape against botocore's service model, and that the
calls come in the order in which they were scripted.
"""

import hashlib
import json
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from deployer.clock import FakeClock
from deployer.deployment import Deployment
from parameters.settings import Environment, load

ACCOUNT = "111122223333"
REGION = "eu-west-2"
PREFIX = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}"
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
NESTED = "AWS::CloudFormation::Stack"


LOADER = botocore.session.Session().get_component("data_loader")  # reads each service's model once


class StubbedSession(boto3.Session):
    """A session whose clients are stubbed, each made when it is first asked for."""

    def __init__(self) -> None:
        own = botocore.session.Session()
        own.register_component("data_loader", LOADER)
        own.set_credentials("x", "x")
        super().__init__(botocore_session=own)
        self.stubs: dict[str, Stubber] = {}

    def client(self, *arguments: Any, **_: Any) -> Any:
        return self.stub(arguments[0]).client

    def stub(self, service: str) -> Stubber:
        if service not in self.stubs:
            make: Any = super().client
            self.stubs[service] = Stubber(make(service, region_name=REGION))
            self.stubs[service].activate()
        return self.stubs[service]


class Aws:
    """The script of one test, and how its answers are made."""

    any = ANY

    def __init__(self) -> None:
        self.session = StubbedSession()
        self.cloudformation = self.session.client("cloudformation")
        self.s3 = self.session.client("s3")
        self.sts = self.session.client("sts")
        self.clock = FakeClock()
        self._events = 0

    def answers(self, service: str, operation: str, answer: dict[str, Any], /, **expected: Any) -> None:
        """The next call to any service; `expected` parameters are checked when any is given."""
        self.session.stub(service).add_response(operation, answer, expected or None)

    def says(self, operation: str, answer: dict[str, Any], /, **expected: Any) -> None:
        """The next call to CloudFormation; `expected` parameters are checked when any is given."""
        self.session.stub("cloudformation").add_response(operation, answer, expected or None)

    def refuses(self, operation: str, code: str, message: str = "", service: str = "cloudformation") -> None:
        self.session.stub(service).add_client_error(operation, code, message)

    def account(self, account: str = ACCOUNT) -> None:
        identity = {"Account": account, "Arn": f"arn:aws:iam::{account}:user/deployer", "UserId": "A"}
        self.session.stub("sts").add_response("get_caller_identity", identity, {})

    def has(self, body: bytes, key: Any = ANY) -> None:
        expected = {"Bucket": "artefacts", "Key": key, "ExpectedBucketOwner": ACCOUNT}
        content = StreamingBody(BytesIO(body), len(body))
        self.session.stub("s3").add_response("get_object", {"Body": content}, expected)

    def lacks(self, key: Any = ANY) -> None:
        self.session.stub("s3").add_client_error(
            "get_object", "NoSuchKey", "The specified key does not exist."
        )
        expected = {
            "Bucket": "artefacts",
            "Key": key,
            "Body": ANY,
            "ContentType": ANY,
            "ChecksumAlgorithm": "SHA256",
            "ExpectedBucketOwner": ACCOUNT,
            "IfNoneMatch": "*",
        }
        self.session.stub("s3").add_response("put_object", {}, expected)

    def no_stack(self, name: str = "millrace-dev") -> None:
        self.refuses("describe_stacks", "ValidationError", f"Stack with id {name} does not exist")

    def stack(self, name: str = "millrace-dev", status: str = "UPDATE_COMPLETE", **more: Any) -> None:
        """DescribeStacks. `outputs` and `parameters` are mappings."""
        pairs = (("outputs", "Outputs", "Output"), ("parameters", "Parameters", "Parameter"))
        for short, field, prefix in pairs:
            if short in more:
                values = more.pop(short).items()
                more[field] = [{f"{prefix}Key": key, f"{prefix}Value": value} for key, value in values]
        stack = {
            "StackName": name,
            "StackId": self.stack_id(name),
            "StackStatus": status,
            "CreationTime": EPOCH,
            **more,
        }
        self.says("describe_stacks", {"Stacks": [stack]})

    def bootstrapped(self) -> None:
        role = f"arn:aws:iam::{ACCOUNT}:role/millrace-dev-bootstrap-Execution"
        first = {"ArtefactBucket": "artefacts", "ImageRepositoryUri": "registry/millrace/dev"}
        self.stack("millrace-dev-bootstrap", "UPDATE_COMPLETE", outputs=first | {"ExecutionRoleArn": role})

    @staticmethod
    def stack_id(name: str) -> str:
        return f"{PREFIX}:stack/{name}/1"

    @staticmethod
    def change_set_id(name: str) -> str:
        return f"{PREFIX}:changeSet/{name}/1"

    def change_set(
        self,
        stack: str,
        changes: list[dict[str, Any]],
        *,
        name: str = "",
        status: str = "CREATE_COMPLETE",
        reason: str = "",
        valued: list[dict[str, Any]] | None = None,
        **more: Any,
    ) -> None:
        """A settled change set as it is read: its state, then its changes without and with values."""
        described = self.described(stack, changes, name=name, status=status, reason=reason, **more)
        self.says("describe_change_set", described)
        self.says("describe_change_set", described)
        again = self.described(stack, valued or changes, name=name, status=status, reason=reason)
        self.says(
            "describe_change_set",
            again,
            ChangeSetName=described["ChangeSetId"],
            IncludePropertyValues=True,
        )

    def described(
        self,
        stack: str,
        changes: list[dict[str, Any]],
        *,
        name: str = "",
        status: str = "CREATE_COMPLETE",
        reason: str = "",
        token: str | None = None,
        execution: str = "",
        **more: Any,
    ) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "ChangeSetName": name or f"plan-{stack}",
            "ChangeSetId": self.change_set_id(name or f"plan-{stack}"),
            "StackId": self.stack_id(stack),
            "StackName": stack,
            "Status": status,
            "Changes": [{"Type": "Resource", "ResourceChange": change} for change in changes],
            **more,
        }
        if reason:
            answer["StatusReason"] = reason
        if execution:
            answer["ExecutionStatus"] = execution
        if token:
            answer["NextToken"] = token
        return answer

    @staticmethod
    def change(
        logical_id: str, kind: str = "AWS::SQS::Queue", action: str = "Add", **more: Any
    ) -> dict[str, Any]:
        return {"LogicalResourceId": logical_id, "ResourceType": kind, "Action": action, **more}

    def nested(self, logical_id: str, action: str = "Modify") -> dict[str, Any]:
        """A nested stack's container, whose change set is `plan-<logical id>`."""
        child = self.change_set_id(f"plan-{logical_id}")
        return self.change(logical_id, NESTED, action, ChangeSetId=child)

    @staticmethod
    def detail(path: str, before: str | None = None, after: str | None = None, **more: Any) -> dict[str, Any]:
        target: dict[str, Any] = {"Attribute": "Properties", "Name": path.split("/", maxsplit=1)[0]}
        if before is not None or after is not None:
            target["Path"] = f"/Properties/{path}"
        if before is not None:
            target["BeforeValue"] = before
        if after is not None:
            target["AfterValue"] = after
        return {"Target": target, "Evaluation": "Static", "ChangeSource": "DirectModification", **more}

    def event(
        self,
        stack: str,
        logical_id: str,
        status: str,
        second: float,
        *,
        kind: str = "AWS::SQS::Queue",
        physical: str = "",
        reason: str = "",
    ) -> dict[str, Any]:
        self._events += 1
        event = {
            "StackId": self.stack_id(stack),
            "StackName": stack,
            "EventId": f"event-{self._events}",
            "LogicalResourceId": logical_id,
            "PhysicalResourceId": physical,
            "ResourceType": kind,
            "ResourceStatus": status,
            "Timestamp": EPOCH + timedelta(seconds=second),
        }
        return {**event, "ResourceStatusReason": reason} if reason else event

    def about(
        self, stack: str, status: str, second: float, *, parent: str = "", reason: str = ""
    ) -> dict[str, Any]:
        """An event about a stack: its own, or, with `parent`, the one that its parent tells."""
        return self.event(
            parent or stack,
            stack,
            status,
            second,
            kind=NESTED,
            physical=self.stack_id(stack),
            reason=reason,
        )

    def tells(self, stack: str, *events: dict[str, Any], token: str | None = None, **expected: Any) -> None:
        """DescribeStackEvents of one stack; `events` oldest first, as a person reads them."""
        answer: dict[str, Any] = {"StackEvents": list(reversed(events))}
        if token:
            answer["NextToken"] = token
        self.says("describe_stack_events", answer, StackName=self.stack_id(stack), **expected)

    def deployment(self, templates: Path, environment: Environment | None = None) -> Deployment:
        tokens = iter(f"millrace-deploy-{number}" for number in range(1, 100))
        return Deployment(
            environment or load("dev"),
            self.session,
            templates=templates,
            poll=1.0,
            clock=self.clock,
            build_function=lambda name: f"code of {name}".encode(),
            new_token=lambda: next(tokens),
        )


@pytest.fixture(autouse=True)
def _the_shell_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the shell or the files of whoever runs the tests say of a region is no matter of theirs."""
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)


@pytest.fixture
def aws() -> Iterator[Aws]:
    """Fails when a call was not scripted, or a scripted one was not made."""
    scripted = Aws()
    yield scripted
    for stub in scripted.session.stubs.values():
        stub.assert_no_pending_responses()


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """A root that nests a stack which nests another."""
    (tmp_path / "platform.yaml").write_text(
        """\
# Made by hand.
AWSTemplateFormatVersion: '2010-09-09'
Parameters:
  ImageDigest:
    Type: String
  NotificationAddress:
    Type: String
  ArtefactBucket:
    Type: String
  RotationCodeKey:
    Type: String
Resources:
  Outer:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: outer.yaml
      Parameters:
        Address: !Ref NotificationAddress   # three spaces
Outputs:
  VpcId:
    Value: !GetAtt Outer.Outputs.VpcId
"""
    )
    (tmp_path / "outer.yaml").write_text(
        "Resources:\n"
        "  Inner:\n"
        "    Type: AWS::CloudFormation::Stack\n"
        "    Properties:\n"
        "      TemplateURL: inner.yaml\n"
    )
    (tmp_path / "inner.yaml").write_text(
        "Resources:\n"
        "  Worker:\n"
        "    Type: AWS::IAM::Role\n"
        "    Properties:\n"
        "      RoleName: !Sub worker-${AWS::Region}\n"
    )
    (tmp_path / "bootstrap.yaml").write_text(
        "Resources:\n"
        "  Artefacts:\n"
        "    Type: AWS::S3::Bucket\n"
        "  ExecutionRole:\n"
        "    Type: AWS::IAM::Role\n"
        "Outputs:\n"
        "  ArtefactBucket:\n"
        "    Value: !Ref Artefacts\n"
        "  ExecutionRoleArn:\n"
        "    Value: !GetAtt ExecutionRole.Arn\n"
    )
    return tmp_path


class OciArchive:
    """An OCI archive in the making: blobs, and images made of them."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    @staticmethod
    def digest(body: bytes) -> str:
        return f"sha256:{hashlib.sha256(body).hexdigest()}"

    def blob(self, body: bytes, media_type: str) -> dict[str, Any]:
        """Its descriptor."""
        digest = self.digest(body)
        self.blobs[digest] = body
        return {"mediaType": media_type, "digest": digest, "size": len(body)}

    def image(self, architecture: str, *layers: bytes) -> dict[str, Any]:
        config = json.dumps({"os": "linux", "architecture": architecture}).encode()
        manifest = {
            "schemaVersion": 2,
            "config": self.blob(config, "application/vnd.oci.image.config.v1+json"),
            "layers": [self.blob(layer, "application/vnd.oci.image.layer.v1.tar") for layer in layers],
        }
        return self.blob(json.dumps(manifest).encode(), "application/vnd.oci.image.manifest.v1+json")

    def index(self, *manifests: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps({"schemaVersion": 2, "manifests": manifests}).encode()
        return self.blob(body, "application/vnd.oci.image.index.v1+json")

    def write(self, file: Path, *manifests: dict[str, Any]) -> Path:
        entries = {
            "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
            "index.json": json.dumps({"schemaVersion": 2, "manifests": manifests}).encode(),
            **{f"blobs/{digest.replace(':', '/')}": body for digest, body in self.blobs.items()},
        }
        with tarfile.open(file, "w") as tar:
            for name, body in entries.items():
                member = tarfile.TarInfo(name)
                member.size = len(body)
                tar.addfile(member, BytesIO(body))
        return file
