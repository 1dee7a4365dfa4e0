"""Whether the engine can be started, and what to do where it cannot."""

from pathlib import Path

import pytest

from local.engine.home import EngineMissing, JavaMissing, installed


def java(directory: Path, said: str) -> None:
    """A java on the PATH that answers -version so."""
    program = directory / "java"
    program.write_text(f"#!/bin/sh\necho '{said}' >&2\n")
    program.chmod(0o755)


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_without_java_the_package_to_install_is_named(on_path: Path) -> None:
    with pytest.raises(JavaMissing, match=r"no java on the PATH; .* apt-get install openjdk-17"):
        installed(on_path)


def test_an_old_java_is_not_enough(on_path: Path) -> None:
    java(on_path, 'openjdk version "11.0.25" 2024-10-15')

    with pytest.raises(JavaMissing, match=r'java says: openjdk version "11\.0\.25"'):
        installed(on_path)


@pytest.mark.parametrize("version", ["17.0.15", "21", "25-ea"])
def test_without_jars_the_command_that_fetches_them_is_named(on_path: Path, version: str) -> None:
    java(on_path, f'openjdk version "{version}" 2025-04-15')

    with pytest.raises(EngineMissing, match="run `make engine`"):
        installed(on_path)


def test_with_both_it_says_how_a_worker_is_started(on_path: Path) -> None:
    java(on_path, 'openjdk version "17.0.15" 2025-04-15')
    (on_path / "jars").mkdir()
    (on_path / "jars/amazon-kinesis-client-3.5.1.jar").touch()

    command = installed(on_path).command(Path("/here/engine.properties"))

    assert command[0] == "java"
    assert "-Daws.cborEnabled=false" in command
    assert command[-2:] == ["millrace.engine.Engine", "/here/engine.properties"]
