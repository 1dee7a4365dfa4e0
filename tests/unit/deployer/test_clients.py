from functools import cached_property

import boto3
import pytest

from deployer.clients import Clients

# IAM has no regions.
SERVICES = [n for n, value in vars(Clients).items() if isinstance(value, cached_property) and n != "iam"]


@pytest.mark.parametrize("service", SERVICES)
def test_wrong_region_of_the_shell_is_asked_by_no_client(
    monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x")

    assert getattr(Clients(session, "eu-west-2"), service).meta.region_name == "eu-west-2"


def test_the_deployers_services_are_found() -> None:
    assert {"cloudformation", "s3", "sts"} <= set(SERVICES)
