"""One embedded AWS for all tests of this folder, and how they deploy to it."""

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.aws import CacheServer, DatabaseServer, EmbeddedAws

Json = dict[str, Any]
ACCOUNT = "111122223333"
REGION = "eu-west-2"


class Account:
    """Clients of an endpoint, and templates deployed through change sets as the deployer does it."""

    def __init__(self, endpoint_url: str, **credentials: str) -> None:
        self.endpoint_url = endpoint_url
        self._credentials = credentials or {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "local"}
        self._clients: dict[str, Any] = {}
        self._bucket = False

    def client(self, service: str) -> Any:
        if service not in self._clients:
            make: Any = boto3.client  # its overloads know services by literal name only
            self._clients[service] = make(
                service,
                endpoint_url=self.endpoint_url,
                region_name=REGION,
                **self._credentials,
            )
        return self._clients[service]

    def assumed(self, role_arn: str) -> "Account":
        """The same endpoint, asked as this role."""
        given = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="test")["Credentials"]
        return Account(
            self.endpoint_url,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )

    def upload(self, template: Json) -> str:
        """Put a template where its content says, and return its path-style URL."""
        s3 = self.client("s3")
        if not self._bucket:
            if "artefacts" not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
                s3.create_bucket(Bucket="artefacts", CreateBucketConfiguration={"LocationConstraint": REGION})
            self._bucket = True
        body = json.dumps(template).encode()
        key = f"templates/{hashlib.sha256(body).hexdigest()}.yaml"
        s3.put_object(Bucket="artefacts", Key=key, Body=body)
        return f"https://s3.{REGION}.amazonaws.com/artefacts/{key}"

    def nest(self, template: Json, **parameters: Any) -> Json:
        """A nested stack resource for a template."""
        properties: Json = {"TemplateURL": self.upload(template)}
        if parameters:
            properties["Parameters"] = parameters
        return {"Type": "AWS::CloudFormation::Stack", "Properties": properties}

    def plan(self, stack: str, template: Json, kind: str = "CREATE", **options: Any) -> Json:
        """Create a change set over nested stacks and describe it, values included."""
        cloudformation = self.client("cloudformation")
        options.setdefault("Capabilities", ["CAPABILITY_NAMED_IAM"])
        made = cloudformation.create_change_set(
            StackName=stack,
            ChangeSetName=f"c{time.monotonic_ns()}",
            ChangeSetType=kind,
            TemplateBody=json.dumps(template),
            IncludeNestedStacks=True,
            **options,
        )
        return self.change_set(made["Id"])

    def change_set(self, arn: str) -> Json:
        found: Json = self.client("cloudformation").describe_change_set(
            ChangeSetName=arn, IncludePropertyValues=True
        )
        return found

    def execute(self, change_set: Json, **options: Any) -> str:
        """Execute a change set and return the status that its stack settles in."""
        self.client("cloudformation").execute_change_set(ChangeSetName=change_set["ChangeSetId"], **options)
        return self.settled(change_set["StackId"])

    def deploy(self, stack: str, template: Json, kind: str = "CREATE", **options: Any) -> Json:
        """Plan and execute, and return the stack's description; its failures are the test's."""
        planned = self.plan(stack, template, kind, **options)
        assert planned["Status"] == "CREATE_COMPLETE", planned["StatusReason"]
        status = self.execute(planned)
        assert status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), self.failures(stack)
        return self.stack(planned["StackId"])

    def stack(self, name: str) -> Json:
        found: Json = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        return found

    def settled(self, name: str) -> str:
        self.awaited(lambda: not self.stack(name)["StackStatus"].endswith("_IN_PROGRESS"))
        status: str = self.stack(name)["StackStatus"]
        return status

    def awaited(self, happened: Callable[[], bool], seconds: float = 20) -> None:
        """Wait for what the service does in the background."""
        deadline = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < deadline, f"it did not happen within {seconds} s"
            time.sleep(0.02)

    def delete(self, stack: str) -> str:
        arn = self.stack(stack)["StackId"]
        self.client("cloudformation").delete_stack(StackName=stack)
        return self.settled(arn)

    def resources(self, stack: str) -> dict[str, str]:
        """Physical ids by logical id."""
        found = self.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
        return {entry["LogicalResourceId"]: entry["PhysicalResourceId"] for entry in found}

    def events(self, stack: str) -> list[Json]:
        """Oldest first."""
        found: list[Json] = self.client("cloudformation").describe_stack_events(StackName=stack)[
            "StackEvents"
        ]
        return found[::-1]

    def failures(self, stack: str) -> list[tuple[str, str, str]]:
        found = []
        for entry in [stack, *self.resources(stack).values()]:
            if entry == stack or ":cloudformation:" in entry:
                found += [
                    (event["StackName"], event["LogicalResourceId"], event.get("ResourceStatusReason", ""))
                    for event in self.events(entry)
                    if event["ResourceStatus"].endswith("FAILED")
                ]
        return found


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("aws")


@pytest.fixture(scope="session")
def start(scratch: Path) -> Callable[..., EmbeddedAws]:
    """An embedded AWS, not yet started, with the servers that all tests pretend to have."""

    def make(**options: Any) -> EmbeddedAws:
        ca_file = scratch / "ca.pem"
        ca_file.write_text("the local authority")
        return EmbeddedAws(
            account=ACCOUNT,
            database=DatabaseServer("localhost", 15432, "the master's password"),
            cache=CacheServer("localhost", 16379),
            ca_file=ca_file,
            **options,
        )

    return make


@pytest.fixture(scope="session")
def embedded(start: Callable[..., EmbeddedAws], scratch: Path) -> Iterator[EmbeddedAws]:
    with start(log=scratch / "aws.log") as running:
        yield running


@pytest.fixture(scope="session")
def aws(embedded: EmbeddedAws) -> Account:
    return Account(embedded.endpoint_url)


@pytest.fixture(scope="session")
def log(embedded: EmbeddedAws, scratch: Path) -> Path:
    return scratch / "aws.log"


@pytest.fixture(scope="session")
def archive() -> Callable[[str], bytes]:
    """A function's zip with one module, handler.py."""

    def make(source: str) -> bytes:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as target:
            target.writestr("handler.py", source)
        return packed.getvalue()

    return make


@pytest.fixture(scope="session")
def account() -> Callable[[str], Account]:
    """Clients of another endpoint than the shared one."""
    return Account


@pytest.fixture(scope="session")
def logged(archive: Callable[[str], bytes]) -> Callable[[Account, str], list[str]]:
    """The log groups of a function of which the role has one permission, once it has run."""

    def run(aws: Account, permission: str) -> list[str]:
        iam, functions, name = aws.client("iam"), aws.client("lambda"), f"f{time.monotonic_ns()}"
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        allowed = {"Effect": "Allow", "Action": permission, "Resource": "*"}
        document = {"Version": "2012-10-17", "Statement": [trust]}
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))["Role"]["Arn"]
        document["Statement"] = [allowed]
        iam.put_role_policy(RoleName=name, PolicyName="logs", PolicyDocument=json.dumps(document))
        functions.create_function(
            FunctionName=name,
            Role=role,
            Runtime="python3.12",
            Handler="handler.handle",
            Code={"ZipFile": archive("def handle(event, context):\n    return event\n")},
        )
        assert "FunctionError" not in functions.invoke(FunctionName=name, Payload=b"{}")
        found = aws.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")
        return [group["logGroupName"].replace(name, "NAME") for group in found["logGroups"]]

    return run


@pytest.fixture(scope="session")
def bounded() -> Callable[[Account], Account]:
    """Deploys a role that may list topics and queues, within a boundary of queues alone, and assumes it."""

    def make(aws: Account) -> Account:
        version = {"Version": "2012-10-17"}
        may = {"Effect": "Allow", "Action": ["sns:ListTopics", "sqs:ListQueues"], "Resource": "*"}
        most = {"Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*"}
        trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        role = {
            "PermissionsBoundary": {"Ref": "Most"},
            "AssumeRolePolicyDocument": {**version, "Statement": [trust]},
            "Policies": [{"PolicyName": "May", "PolicyDocument": {**version, "Statement": [may]}}],
        }
        boundary = {"PolicyDocument": {**version, "Statement": [most]}}
        stack = aws.deploy(
            "bounded",
            {
                "Resources": {
                    "Most": {"Type": "AWS::IAM::ManagedPolicy", "Properties": boundary},
                    "Role": {"Type": "AWS::IAM::Role", "Properties": role},
                },
                "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}}},
            },
        )
        (arn,) = (output["OutputValue"] for output in stack["Outputs"])
        return aws.assumed(arn)

    return make


@pytest.fixture
def holding() -> Callable[[Account, str, str], Account]:
    """Makes a role that may do one thing, and assumes it: holding(aws, its name, the action)."""

    def make(aws: Account, name: str, action: str) -> Account:
        trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        may = {"Effect": "Allow", "Action": action, "Resource": "*"}
        iam = aws.client("iam")
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
        document = json.dumps({"Version": "2012-10-17", "Statement": [may]})
        iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=document)
        return aws.assumed(role)

    return make


@pytest.fixture
def queue_of() -> Callable[[Account, str], str]:
    """Makes a queue that refuses what is sent by all but a role; its URL."""

    def make(aws: Account, role: str) -> str:
        statement = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:SendMessage",
            "Resource": "*",
            "Condition": {"ArnNotEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/{role}"}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs = aws.client("sqs")
        queue: str = sqs.create_queue(QueueName=f"of-{role}")["QueueUrl"]
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
        return queue

    return make


@pytest.fixture
def inject(embedded: EmbeddedAws) -> Iterator[Callable[..., None]]:
    """Faults for one test; none outlives it."""
    yield embedded.inject
    embedded.inject()


@pytest.fixture(scope="session")
def tree(aws: Account) -> Callable[..., Json]:
    """Three levels: a root with a queue, Outer with a queue, Inner with two. Each queue has a delay."""

    def queue(seconds: int, **attributes: Any) -> Json:
        return {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": seconds}, **attributes}

    def make(seconds: int) -> Json:
        inner = {"Leaf": queue(seconds), "Twig": queue(seconds, DependsOn="Leaf")}
        outer = {"Before": queue(seconds), "Inner": {**aws.nest({"Resources": inner}), "DependsOn": "Before"}}
        return {
            "Resources": {
                "Top": queue(seconds),
                "Outer": {**aws.nest({"Resources": outer}), "DependsOn": "Top"},
                "Last": queue(seconds, DependsOn="Outer"),
            }
        }

    return make


@pytest.fixture(scope="session")
def family(aws: Account) -> Callable[[str], dict[str, str]]:
    """The ARNs of a tree's stacks: root, Outer, Inner."""

    def find(root: str) -> dict[str, str]:
        outer = aws.resources(root)["Outer"]
        return {
            "root": aws.stack(root)["StackId"],
            "Outer": outer,
            "Inner": aws.resources(outer)["Inner"],
        }

    return find
