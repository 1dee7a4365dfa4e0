import shutil
import stat
import tempfile
from pathlib import Path

import pytest

from local.arguments import Ports
from local.directory import DirectoryBusy, DirectoryClosed, DirectoryForeign, PortsFixed, RunDirectory
from local.errors import StateDamaged


def test_without_a_state_it_goes_with_the_run() -> None:
    with RunDirectory(None) as directory:
        made = directory.part("redis")
        assert made.is_dir()
        assert not directory.kept

    assert not directory.path.exists()


def test_a_failed_run_leaves_nothing_either() -> None:
    with pytest.raises(RuntimeError), RunDirectory(None) as directory:
        raise RuntimeError

    assert not directory.path.exists()


def test_what_a_killed_run_left_is_removed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left, young = tmp_path / "millrace-run-left", tmp_path / "millrace-run-young"
    for directory in (left, young):
        directory.mkdir()
    (left / "lock").touch()

    with RunDirectory(None) as living:
        assert not left.exists()
        assert young.exists()  # another run is about to lock it
        with RunDirectory(None):
            assert living.path.exists()


def test_a_state_is_kept_with_its_ports_and_its_password(tmp_path: Path) -> None:
    state = tmp_path / "deep" / "state"
    with RunDirectory(state) as directory:
        assert directory.ports(Ports(aws=5000)) == Ports(aws=5000)
        directory.keep_ports(Ports(5000, 5001, 5002))
        password = directory.master_password()

    with RunDirectory(state) as directory:
        assert directory.ports(Ports()) == Ports(5000, 5001, 5002)
        assert directory.ports(Ports(postgres=5001)) == Ports(5000, 5001, 5002)
        assert directory.master_password() == password
        assert stat.S_IMODE((state / "master.password").stat().st_mode) == 0o600


def test_the_ports_of_deployed_stacks_cannot_be_changed(tmp_path: Path) -> None:
    with RunDirectory(tmp_path / "state") as directory:
        directory.keep_ports(Ports(5000, 5001, 5002))

        with pytest.raises(PortsFixed, match="name port 5002 for redis: leave --redis-port out"):
            directory.ports(Ports(redis=6379))


def test_two_runs_cannot_share_a_state(tmp_path: Path) -> None:
    with RunDirectory(tmp_path), pytest.raises(DirectoryBusy, match="in use by another run"):
        RunDirectory(tmp_path).__enter__()


def test_a_directory_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()

    with pytest.raises(DirectoryForeign, match="is not empty"):
        RunDirectory(tmp_path).__enter__()

    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_directory_that_cannot_be_made_or_locked_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()

    for place in (tmp_path, Path("/proc/no-such-thing")):
        with pytest.raises(DirectoryClosed, match="give another directory to --state"):
            RunDirectory(place).__enter__()


def test_ports_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with RunDirectory(tmp_path) as directory:
        (tmp_path / "ports.json").write_text('{"aws": "none"}')

        with pytest.raises(StateDamaged, match=r"ports\.json of an earlier run is damaged"):
            directory.ports(Ports())


def test_what_cannot_be_removed_is_left_to_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    stubborn = RunDirectory(None).__enter__()
    stubborn.part("postgres")
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", lambda *_, **__: None)
        stubborn.__exit__(None, None, None)
    assert (stubborn.path / "postgres").exists()

    with RunDirectory(None):
        assert not stubborn.path.exists()
