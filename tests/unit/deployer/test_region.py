"""Wrong region: refused where somebody says one, told where a profile only has one, and asked by nobody."""

import io
from pathlib import Path
from typing import Any

import boto3
import pytest

from deployer import commands, region
from deployer.region import WrongRegion
from deployer.target import Target
from parameters.settings import load

DEV = load("dev")
REFUSED = (
    "deploy.py: environment dev is in eu-west-2, and {} says us-east-1: to go on in eu-west-2 all the same, "
    "say so with --region eu-west-2; nothing was changed\n"
)
NOTE = "note: profile {} has us-east-1; environment dev is in eu-west-2, and only that is asked\n"
OF_AN_ENVIRONMENT = [name for name in commands.deploy.commands if name != "completion"]


@pytest.fixture
def typed(aws: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The commands speak to the scripted AWS, which fails whoever asks what was not scripted."""
    config = tmp_path / "config"
    config.write_text("[default]\nregion = us-east-1\n[profile plant]\nregion = us-east-1\n[profile here]\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr(
        "deployer.commands.invocation.Deployment", lambda *_, **__: aws.deployment(Path("nowhere"))
    )
    return aws


def there_is_a_stack(aws: Any) -> None:
    aws.account()
    aws.stack(outputs={"VpcId": "vpc-1"})


@pytest.mark.parametrize("command", OF_AN_ENVIRONMENT)
@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_a_wrong_region_of_the_shell_is_refused_by_each_command_before_aws_is_asked_anything(
    typed: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    variable: str,
) -> None:
    monkeypatch.setenv(variable, "us-east-1")

    assert commands.main([command, "dev"]) == 2

    assert capsys.readouterr() == ("", REFUSED.format(variable))


def test_a_wrong_region_that_is_typed_is_refused(typed: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["apply", "dev", "--yes", "--region", "us-east-1"]) == 2

    assert capsys.readouterr() == ("", REFUSED.format("--region"))


def test_who_types_the_environments_region_goes_on_there_whatever_the_shell_says(
    typed: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    there_is_a_stack(typed)

    assert commands.main(["outputs", "dev", "--region", "eu-west-2"]) == 0
    assert capsys.readouterr() == ("export VpcId=vpc-1\nexport vpc_id=vpc-1\n", "")


@pytest.mark.parametrize(
    ("arguments", "profile", "said"),
    [
        ([], "", NOTE.format("default")),
        ([], "plant", NOTE.format("plant")),
        (["--profile", "plant"], "here", NOTE.format("plant")),
        ([], "here", ""),
        (["--region", "eu-west-2"], "plant", ""),
    ],
)
def test_another_region_of_the_profile_is_a_default_that_is_told_and_refuses_nothing(
    *,
    typed: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    profile: str,
    said: str,
) -> None:
    if profile:
        monkeypatch.setenv("AWS_PROFILE", profile)
    there_is_a_stack(typed)

    assert commands.main(["outputs", "dev", *arguments]) == 0
    assert capsys.readouterr().err == said


def test_of_two_variables_the_one_that_the_cli_takes_counts() -> None:
    assert region.check(DEV, None, {"AWS_REGION": "eu-west-2", "AWS_DEFAULT_REGION": "us-east-1"})
    with pytest.raises(WrongRegion, match="AWS_REGION says us-east-1"):
        region.check(DEV, None, {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "eu-west-2"})


def test_an_empty_variable_says_nothing() -> None:
    assert not region.check(DEV, None, {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""})


def test_stacks_values_and_buckets_are_asked_for_in_the_environments_region_alone() -> None:
    target = Target(DEV, boto3.Session("x", "x", region_name="us-east-1"))

    clients = target.clients
    for client in (clients.cloudformation, clients.ssm, clients.s3):
        made: Any = client
        assert made.meta.region_name == "eu-west-2"
        assert "eu-west-2" in made.meta.endpoint_url
