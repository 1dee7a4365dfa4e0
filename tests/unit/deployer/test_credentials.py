import io
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import ClientError, NoCredentialsError, ProfileNotFound

from deployer import credentials

EXPIRED = """\
<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code>
<Message>The security token included in the request is expired</Message></Error></ErrorResponse>"""
IDENTITY = """\
<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn</Arn><UserId>A</UserId>
<Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"""


class Raw(io.BytesIO):
    def stream(self, **_: Any) -> Any:
        yield self.read()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return path


def write(file: Path, key: str) -> None:
    file.write_text(f"[plant]\naws_access_key_id = {key}\naws_secret_access_key = s\naws_session_token = t\n")


def sts() -> Any:
    """STS that takes no key but NEW; its answers are constructed from the model."""
    session = credentials.session("plant", "eu-west-2")

    def answer(request: Any, **_: Any) -> Any:
        known = "Credential=NEW/" in request.headers["Authorization"].decode()
        status, text = (200, IDENTITY) if known else (403, EXPIRED)
        return AWSResponse(request.url, status, HTTPHeaders(), Raw(text.encode()))

    events: Any = session.events
    events.register("before-send.sts", answer)
    return session.client("sts")


def test_when_the_token_expires_the_same_client_goes_on_with_the_renewed_one(file: Path) -> None:
    write(file, "OLD")
    client = sts()
    with pytest.raises(ClientError, match="ExpiredToken"):
        client.get_caller_identity()
    with pytest.raises(ClientError, match="ExpiredToken"):
        client.get_caller_identity()

    write(file, "NEW")

    assert client.get_caller_identity()["Account"] == "111122223333"


def test_what_aws_takes_is_not_looked_up_again(file: Path) -> None:
    write(file, "NEW")
    client = sts()
    client.get_caller_identity()

    write(file, "OLD")

    assert client.get_caller_identity()["Account"] == "111122223333"


def test_credentials_that_are_gone_when_they_are_looked_up_again(file: Path) -> None:
    write(file, "OLD")
    client = sts()
    with pytest.raises(ClientError, match="ExpiredToken"):
        client.get_caller_identity()

    file.write_text("[plant]\n")
    with pytest.raises(NoCredentialsError):
        client.get_caller_identity()

    write(file, "NEW")
    assert client.get_caller_identity()["Account"] == "111122223333"


def test_without_any_it_is_as_with_boto3(file: Path) -> None:
    file.write_text("[plant]\n")

    assert credentials.session("plant", "eu-west-2").get_credentials() is None


def test_a_profile_that_is_not_there_is_refused_at_once(file: Path) -> None:
    write(file, "NEW")

    with pytest.raises(ProfileNotFound):
        credentials.session("nobody", "eu-west-2")


def test_those_that_renew_themselves_and_cannot_are_looked_up_again() -> None:
    class Role(Credentials):
        def get_frozen_credentials(self) -> ReadOnlyCredentials:
            if self.access_key == "OLD":
                raise ClientError({"Error": {"Code": "ExpiredToken", "Message": "expired"}}, "AssumeRole")
            return super().get_frozen_credentials()

    renewing = credentials.Renewing(Role("OLD", "s"), lambda: Role("NEW", "s"))
    with pytest.raises(ClientError, match="ExpiredToken"):
        renewing.get_frozen_credentials()

    assert renewing.get_frozen_credentials().access_key == "NEW"
