"""What the user has set for other servers is nothing to this run's."""

import os
from pathlib import Path
from typing import NoReturn

import pytest

from local import servers
from local.arguments import Ports
from local.directory import RunDirectory
from parameters.settings import load

THEIRS = {
    "AWS_PROFILE": "no-such-profile",
    "AWS_ENDPOINT_URL": "http://192.0.2.1",
    "PGSERVICE": "no-such-service",
    "PGOPTIONS": "-c no_such_setting=1",
    "http_proxy": "http://192.0.2.1",
    "no_proxy": "example.com",
    "NO_PROXY": "example.com",
}


def test_settings_for_other_servers_are_out_of_the_way_while_ours_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in THEIRS.items():
        monkeypatch.setenv(name, value)
    seen: list[set[str]] = []

    def postgres(_: Path) -> NoReturn:
        seen.append(THEIRS.keys() & os.environ.keys())
        raise RuntimeError

    monkeypatch.setattr(servers, "PostgresServer", postgres)
    with pytest.raises(RuntimeError), RunDirectory(tmp_path / "state") as directory:
        user = servers.CacheUser("someone", "~* +@all")
        with servers.started(directory, Ports(), load("dev"), user):
            pass

    assert seen == [set()]
    assert {name: os.environ[name] for name in THEIRS} == THEIRS
