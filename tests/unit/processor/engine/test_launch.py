"""How the process becomes the daemon: its properties, its flags, and what it says where it cannot."""

import os
from pathlib import Path

import msgspec
import pytest

from processor.engine import launch
from processor.settings import Settings, SettingsError


def settings(directory: Path) -> Settings:
    said = {
        "environment": "dev",
        "stream_name": "readings",
        "database_secret_arn": "arn:aws:secretsmanager:eu-west-2:111122223333:secret:app-AbCdEf",
        "database_ca_file": "/app/certificates/rds-eu-west-2.pem",
        "cache_host": "cache.example",
        "cache_port": 6379,
        "cache_name": "millrace-dev",
        "cache_user": "processor",
        "oldest_reading_days": 7,
        "newest_reading_minutes": 10,
        "source": "kcl",
        "engine_name": "millrace-dev-processor",
        "children_directory": str(directory),
    }
    return msgspec.convert(said, Settings)


class Became(Exception):
    """Program and command: a process that became another one does not come back."""


def test_the_process_becomes_the_jvm_with_the_properties_of_these_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def become(program: str, command: list[str]) -> None:
        raise Became(program, command)

    monkeypatch.setattr(os, "execvp", become)

    with pytest.raises(Became) as became:
        launch.become_engine(settings(tmp_path / "children"))

    file = tmp_path / "children/engine.properties"
    program, command = became.value.args
    assert command[0] == program
    assert command[-2:] == [launch.MAIN, str(file)]
    assert "applicationName = millrace-dev-processor" in file.read_text().splitlines()


def test_the_images_own_runtime_is_used_where_it_is(tmp_path: Path) -> None:
    assert launch.command(Path("p"), tmp_path)[0] == "java"
    own = tmp_path / "runtime/bin/java"
    own.parent.mkdir(parents=True)
    own.touch()

    assert launch.command(Path("p"), tmp_path)[0] == str(own)


def test_a_directory_that_cannot_be_written_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SettingsError, match=r"CHILDREN_DIRECTORY=.*mount a volume there"):
        launch.become_engine(settings(tmp_path / "file"))


def test_a_jvm_that_runs_out_of_memory_ends(tmp_path: Path) -> None:
    flags = launch.command(Path("p"), tmp_path)

    assert "-XX:+ExitOnOutOfMemoryError" in flags
    assert f"-Xmx{launch.HEAP_MIB}m" in flags


def test_a_task_that_says_nothing_of_the_heap_has_the_launcher_s(tmp_path: Path) -> None:
    assert settings(tmp_path).heap_mib == launch.HEAP_MIB


def test_java_has_the_heap_that_it_is_told_and_writes_where_the_properties_are() -> None:
    made = launch.command(Path("/run/millrace/children/engine.properties"), heap_mib=480)

    assert "-Xmx480m" in made
    assert "-Djava.io.tmpdir=/run/millrace/children" in made
