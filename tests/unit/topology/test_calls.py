from pathlib import Path

import boto3
import pytest
from botocore.stub import Stubber

from topology.actions import actions
from topology.calls import Call, HiddenCall, calls

REPOSITORY = Path(__file__).parents[3]


def read(tmp_path: Path, *modules: str) -> set[tuple[str, str]]:
    for number, source in enumerate(modules):
        (tmp_path / f"module{number}.py").write_text(source)
    return {(call.service, call.operation) for call in calls(tmp_path, tmp_path)}


MAKES = "import boto3\nclient = boto3.Session().client('kinesis', region_name='x')\n"


@pytest.mark.parametrize(
    ("source", "operation"),
    [
        ("client.get_records(ShardIterator='')", "GetRecords"),
        ("def f(anything): return anything.get_records", "GetRecords"),
        ("list(client.get_paginator('list_shards').paginate())", "ListShards"),
        ("client.get_waiter('stream_exists').wait()", "DescribeStream"),
    ],
)
def test_a_call_is_read_however_it_is_made(tmp_path: Path, source: str, operation: str) -> None:
    assert read(tmp_path, MAKES + source) == {("kinesis", operation)}


def test_a_client_that_one_module_makes_is_called_by_another(tmp_path: Path) -> None:
    assert read(tmp_path, MAKES, "def f(given): given.put_record()") == {("kinesis", "PutRecord")}


def test_a_client_that_is_only_typed_counts(tmp_path: Path) -> None:
    source = "from types_boto3_kinesis import KinesisClient\ndef f(c: KinesisClient): c.put_records()"
    assert read(tmp_path, source) == {("kinesis", "PutRecords")}


def test_other_attributes_are_no_calls(tmp_path: Path) -> None:
    assert (
        read(tmp_path, MAKES + "client.exceptions.ResourceInUseException\nself.get_secret_value()") == set()
    )


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("boto3.client(name)", r"must name the service by a literal"),
        ("boto3.client(service_name='s3')", r"must name the service by a literal, first"),
        ("client.get_paginator(name)", r"must name what it repeats by a literal"),
        ("boto3.Session().resource('s3')", r"a resource hides its calls"),
        ("getattr(client, name)()", r"getattr hides what is called"),
        ("list(map(getattr, clients, names))", r"getattr hides what is called"),
        ("by_name = operator.methodcaller", r"methodcaller hides what is called"),
        ("client._make_api_call('DeleteStream', {})", r"_make_api_call hides what is called"),
        ("call = client._make_request", r"_make_request hides what is called"),
        ("boto3.client('nothing')", r"botocore knows no service nothing"),
    ],
)
def test_a_call_that_cannot_be_read_is_refused(tmp_path: Path, source: str, why: str) -> None:
    with pytest.raises(HiddenCall, match=why):
        read(tmp_path, MAKES + source)


def test_a_call_by_name_is_refused_where_nothing_says_that_it_is_a_client(tmp_path: Path) -> None:
    with pytest.raises(HiddenCall, match=r"module1.py:1: _make_api_call hides"):
        read(tmp_path, MAKES, "def f(given): given._make_api_call('DeleteStream', {})")


def test_getattr_far_from_any_client_is_nothing_to_us(tmp_path: Path) -> None:
    assert read(tmp_path, "def f(self, name): return getattr(self, name)") == set()


def test_an_action_is_named_as_iam_names_it() -> None:
    made = [
        Call("s3", "HeadObject", "a.py", 1),
        Call("s3", "ListObjectVersions", "a.py", 2),
        Call("sts", "GetCallerIdentity", "a.py", 3),
        Call("kinesis", "GetRecords", "a.py", 4),
        Call("stepfunctions", "StartExecution", "a.py", 5),
    ]
    assert list(actions(made)) == [
        "kinesis:GetRecords",
        "s3:GetObject",
        "s3:ListBucketVersions",
        "states:StartExecution",
    ]


def test_a_call_that_no_source_shows_fails_the_run() -> None:
    """What tests/conftest.py watches for."""
    client = boto3.client("s3", region_name="eu-west-2", aws_access_key_id="a", aws_secret_access_key="b")
    hidden = compile("client.list_buckets()", str(REPOSITORY / "deployer" / "artefacts.py"), "exec")
    with Stubber(client) as stubber:
        stubber.add_response("list_buckets", {})
        with pytest.raises(AssertionError, match="deployer calls s3 ListBuckets by a name that its source"):
            exec(hidden, {"client": client})  # noqa: S102 -- code that pretends to stand in deployer/
        client.list_buckets()  # a test may
