import datetime
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError

from local import platform
from local.arguments import Ports
from local.aws.embedded import listening
from local.errors import PortInUse
from local.platform import BuildFailed, NotRotated, Platform, Task, TaskMissing
from local.servers import CacheUser, cache_user, check_ports
from parameters.settings import load

ROOT = Path(__file__).parents[3]


class Secrets:
    """Rotates after so many questions, and remembers what it was asked for."""

    def __init__(self, after: int | None, rotated: bool, unfinished: bool = False) -> None:
        self._after = after
        self._unfinished = unfinished
        self._current = "v1"
        self._at = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC) if rotated else None
        self.asked = 0

    def rotate_secret(self, SecretId: str) -> None:
        self.asked += 1
        if self._unfinished:
            why = "A previous rotation isn't complete. That rotation will be reattempted."
            answer = {"Error": {"Code": "InvalidRequestException", "Message": why}}
            raise ClientError(cast("Any", answer), "RotateSecret")

    def describe_secret(self, SecretId: str) -> dict[str, Any]:
        if self._after is not None:
            self._after -= 1
            if self._after == 0:
                self._current, self._at = "v2", datetime.datetime(2025, 1, 2, tzinfo=datetime.UTC)
        described: dict[str, Any] = {
            "VersionIdsToStages": {self._current: ["AWSCURRENT"], "v0": ["AWSPREVIOUS"]}
        }
        return described | ({"LastRotatedDate": self._at} if self._at else {})


class Services:
    """One service with these containers."""

    def __init__(self, *containers: str) -> None:
        self._containers = containers

    def describe_services(self, cluster: str, services: list[str]) -> dict[str, Any]:
        return {"services": [{"taskDefinition": "arn:task:3"}]}

    def describe_task_definition(self, taskDefinition: str) -> dict[str, Any]:
        assert taskDefinition == "arn:task:3"
        containers = [
            {
                "name": name,
                "environment": [{"name": "NAME", "value": name}],
                "secrets": [{"name": "LOGIN", "valueFrom": "arn:secret"}],
            }
            for name in self._containers
        ]
        roles = {"taskRoleArn": "arn:role", "executionRoleArn": "arn:execution"}
        return {"taskDefinition": {**roles, "containerDefinitions": containers}}


class Session:
    """boto3's session, whose clients are the fakes above."""

    def __init__(self, **clients: object) -> None:
        self._clients = clients

    def client(self, name: str, **settings: object) -> object:
        return self._clients.get(name, object())


def deployed(**clients: object) -> Platform:
    return Platform(load("dev"), cast("boto3.Session", Session(**clients)), ROOT / "templates" / "dev")


def test_a_new_schedule_rotates_by_itself(tmp_path: Path) -> None:
    secrets = Secrets(after=2, rotated=False)

    rotation = deployed(secretsmanager=secrets).rotate("arn", due=True, log=tmp_path / "aws.log")

    assert (rotation.current, secrets.asked) == ("v2", 0)


def test_an_older_schedule_is_asked_to_rotate(tmp_path: Path) -> None:
    secrets = Secrets(after=3, rotated=True)

    rotation = deployed(secretsmanager=secrets).rotate("arn", due=False, log=tmp_path / "aws.log")

    assert (rotation.current, secrets.asked) == ("v2", 1)


def test_a_rotation_that_an_earlier_run_left_undone_is_awaited(tmp_path: Path) -> None:
    secrets = Secrets(after=3, rotated=True, unfinished=True)

    rotation = deployed(secretsmanager=secrets).rotate("arn", due=False, log=tmp_path / "aws.log")

    assert (rotation.current, secrets.asked) == ("v2", 1)


def test_a_rotation_that_does_not_come_is_told_with_the_functions_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "ROTATION_SECONDS", 0.3)
    log = tmp_path / "aws.log"
    log.write_text("setSecret: the master may not log in\n")

    with pytest.raises(NotRotated, match=r"(?s)not rotated within.*the master may not log in"):
        deployed(secretsmanager=Secrets(after=None, rotated=True)).rotate("arn", due=False, log=log)


def test_the_task_says_what_its_containers_are_told() -> None:
    task = deployed(ecs=Services("migrate", "processor")).task("cluster", "service")

    assert task == Task(
        environment={"NAME": "processor"},
        role_arn="arn:role",
        migration={"NAME": "migrate"},
        secrets={"LOGIN": "arn:secret"},
        execution_role_arn="arn:execution",
    )


def test_a_task_without_the_container_is_reported() -> None:
    with pytest.raises(TaskMissing, match="it must have processor and migrate"):
        deployed(ecs=Services("processor")).task("cluster", "service")


def test_the_images_digest_is_the_same_until_the_processor_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "processor").mkdir()
    module = tmp_path / "processor" / "decode.py"
    module.write_text("a")
    monkeypatch.setattr(platform, "ROOT", tmp_path)

    first, again = platform.image_digest(), platform.image_digest()
    module.write_text("b")

    assert first == again != platform.image_digest()
    assert first.startswith("sha256:")


def test_a_build_that_fails_is_told_with_what_it_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "build.py").write_text("print('E3002 Resources/Readings'); raise SystemExit(1)")
    monkeypatch.setattr(platform, "ROOT", tmp_path)

    with pytest.raises(BuildFailed, match=r"(?s)ended with 1:.*E3002 Resources/Readings"):
        platform.build(load("dev"), tmp_path / "templates")


def test_the_cache_knows_the_user_that_its_template_declares() -> None:
    user = cache_user(ROOT / "templates" / "dev")

    assert user == CacheUser("millrace-dev-processor", user.access)
    assert user.access.startswith("on ~")


def test_a_port_that_is_taken_is_named() -> None:
    with listening(0) as taken, pytest.raises(PortInUse, match=str(taken.getsockname()[1])):
        check_ports(Ports(redis=taken.getsockname()[1]))

    check_ports(Ports())
