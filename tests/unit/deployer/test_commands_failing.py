"""Whatever goes wrong is one line with the way out, and nothing is left behind."""

import io
import os
import subprocess
import sys

import pytest
from botocore.exceptions import ClientError

from deployer import commands
from deployer.errors import DeploymentFailed, Unread
from tests.unit.deployer.fake_deployment import DESTROYS, FakeDeployment, at_a_terminal, put_in


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> FakeDeployment:
    return put_in(monkeypatch)


PRINTS_TO_A_CLOSED_PIPE = """
import sys
from deployer import commands
commands.deploy.main = lambda *_, **__: print("a plan") or 2
sys.exit(commands.main(["plan", "dev"]))
"""


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (DeploymentFailed(stack="s", status="x", cause="y"), 1, "s ended as x; first cause: y"),
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "CreateChangeSet"),
            1,
            "AWS refused CreateChangeSet: AccessDenied: not you",
        ),
        (
            ClientError({"Error": {"Code": "ExpiredToken", "Message": "old"}}, "DescribeStacks"),
            2,
            "AWS refuses the credentials (ExpiredToken: old): renew them, for instance with `aws sso login`, "
            "and try again",
        ),
        (
            KeyboardInterrupt(),
            130,
            "interrupted; no change of a stack was begun",
        ),
        (BrokenPipeError(), 1, "the output was not read to its end"),
    ],
)
def test_whatever_goes_wrong_is_one_line(
    deployment: FakeDeployment,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    said: str,
) -> None:
    deployment.error = error

    assert commands.main(["plan", "dev"]) == code
    assert capsys.readouterr() == ("", f"deploy.py: {said}\n")


@pytest.mark.parametrize(
    ("error", "why"), [(KeyboardInterrupt(), "interrupted"), (BrokenPipeError(), "nobody reads the output")]
)
def test_who_stops_looking_learns_that_it_goes_on(
    deployment: FakeDeployment,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    why: str,
) -> None:
    deployment.breaks = error

    assert commands.main(["apply", "dev", "--yes"]) == 130
    assert capsys.readouterr().err == (
        f"deploy.py: {why}; what runs in AWS goes on: follow it again with `python deploy.py attach dev`\n"
    )


def test_a_closed_pipe_is_one_line() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        ran = subprocess.run(
            [sys.executable, "-c", PRINTS_TO_A_CLOSED_PIPE],
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )

    assert (ran.returncode, ran.stderr) == (
        1,
        "deploy.py: the output was not read to its end\n",
    )


def test_an_unknown_environment_is_one_line_and_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["plan", "staging"]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("staging.yaml: there is no environment 'staging'; there are: dev, prod\n")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [[], ["plan"], ["completion"], ["fly", "dev"], ["outputs", "dev", "--format", "xml"]]
)
def test_wrong_usage_is_one_line_and_exit_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(arguments) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("deploy.py: ")
    assert err.endswith(" --help`\n")
    assert err.count("\n") == 1


def test_a_profile_that_is_not_there_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")

    assert commands.main(["plan", "dev", "--profile", "nobody"]) == 2
    assert "The config profile (nobody) could not be found" in capsys.readouterr().err


class Closed(io.StringIO):
    """Where nobody reads, and where there is no room."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def flush(self) -> None:
        raise self.error


@pytest.mark.parametrize("arguments", [["plan", "dev"], ["plan", "dev", "--json"], ["apply", "dev", "--yes"]])
def test_a_plan_that_nobody_could_read_is_not_left_behind(
    deployment: FakeDeployment, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setattr("sys.stdout", Closed(BrokenPipeError()))

    with pytest.raises(Unread):
        commands.deploy.main(arguments, standalone_mode=False)

    assert deployment.did == ["plan None", "discard c"]


def test_a_full_disk_is_one_line() -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123 -- a device, which takes nothing
        ran = subprocess.run(
            [sys.executable, "-c", PRINTS_TO_A_CLOSED_PIPE],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )

    assert (ran.returncode, ran.stderr) == (
        1,
        "deploy.py: the output cannot be written (No space left on device): make room for it, or write it "
        "elsewhere; what stands is told by `python deploy.py status`\n",
    )


def test_a_name_that_was_mistyped_is_shown_back(
    deployment: FakeDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.made = DESTROYS
    screen = at_a_terminal(monkeypatch, "Tabel\n")

    assert commands.main(["apply", "dev"]) == 1
    assert screen.getvalue().endswith("deploy.py: 'Tabel' was typed, and not Table; nothing was changed\n")


@pytest.mark.parametrize("command", ["image", "up"])
def test_an_archive_that_is_not_there_is_refused_before_anything_is_asked(
    deployment: FakeDeployment, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    yes = ["--yes"] if command == "up" else []

    assert commands.main([command, "dev", "--archive", "/nope", *yes]) == 2
    assert deployment.did == []
    assert capsys.readouterr() == (
        "",
        "deploy.py: /nope cannot be read (No such file or directory): name an OCI archive with --archive, or "
        "leave that out and the image is built\n",
    )


def test_a_closed_output_is_one_line_before_anything_is_done(
    deployment: FakeDeployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout", None)

    assert commands.main(["apply", "dev", "--yes"]) == 1

    assert deployment.did == []
    assert capsys.readouterr().err.startswith(
        "deploy.py: the output cannot be written (stdout or stderr is closed)"
    )
