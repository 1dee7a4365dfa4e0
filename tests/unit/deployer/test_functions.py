"""The function's zip: the same everywhere, whole, and nothing in it that does not belong."""

import hashlib
import io
import os
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from deployer import functions
from deployer.paths import ROOT

PRINT_HASH = (
    "import hashlib; from deployer.functions import build; print(hashlib.sha256(build()).hexdigest())"
)
# As Lambda has it: the zip's directory first, boto3 from the runtime, and no installed package else.
RUN_ALONE = """
import sys
sys.path = [sys.argv[1], *[path for path in sys.path if path.endswith(("lib-dynload", ".zip")) or
            path.rstrip("/").endswith("python" + ".".join(map(str, sys.version_info[:2])))], sys.argv[2]]
import pg8000, scramp, asn1crypto, dateutil, six
for module in (pg8000, scramp, asn1crypto, dateutil, six):
    assert module.__file__.startswith(sys.argv[1]), module.__file__
from rotation.handler import handle
try:
    handle({"Step": "dance"})
except Exception as error:
    print(type(error).__name__, error)
"""
RUNTIME = ("boto3", "botocore", "jmespath", "s3transfer", "urllib3")


@pytest.fixture(scope="module")
def built() -> bytes:
    return functions.build()


@pytest.fixture(scope="module")
def names(built: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(built)).namelist()


def test_builds_the_same_bytes_in_other_processes(built: bytes, tmp_path: Path) -> None:
    hashes = {hashlib.sha256(built).hexdigest()}
    for seed, zone in (("1", "Asia/Tokyo"), ("2", "America/Lima")):
        ran = subprocess.run(
            [sys.executable, "-c", PRINT_HASH],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        hashes.add(ran.stdout.strip())
    assert len(hashes) == 1


def test_files_times_and_modes_leave_no_trace(tmp_path: Path) -> None:
    for directory in ("rotation", "certificates"):
        (tmp_path / directory).mkdir()
        for file in (ROOT / directory).glob("*.p[ey]*"):
            copy = tmp_path / directory / file.name
            copy.write_bytes(file.read_bytes())
            copy.chmod(0o600)
            os.utime(copy, (1_000_000_000, 1_000_000_000))
    (tmp_path / "constraints.txt").write_bytes((ROOT / "constraints.txt").read_bytes())

    assert functions.build("rotation", tmp_path) == functions.build()


def test_holds_the_package_its_libraries_and_the_roots(names: list[str]) -> None:
    assert {"rotation/handler.py", "pg8000/native.py", "scramp/core.py", "six.py"} <= set(names)
    assert "certificates/rds-eu-west-2.pem" in names
    assert any(name.startswith("pg8000-") and "LICENSE" in name for name in names)


def test_holds_nothing_else(names: list[str]) -> None:
    assert "rotation/memory.py" not in names
    assert not [name for name in names if name.startswith(("boto", "local/", "deployer/", "stacks/"))]
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".so"))]
    assert {name.rpartition("/")[2] for name in names if ".dist-info/" in name} <= {"METADATA", "LICENSE"}


def test_is_small(built: bytes) -> None:
    assert len(built) < 2_000_000


def test_every_entry_is_a_plain_readable_file(built: bytes) -> None:
    for entry in zipfile.ZipFile(io.BytesIO(built)).infolist():
        assert (entry.external_attr >> 16, entry.create_system, entry.date_time) == (
            0o100644,
            3,
            functions.EPOCH,
        )


def test_runs_from_the_zip_alone(built: bytes, tmp_path: Path) -> None:
    task, runtime = tmp_path / "task", tmp_path / "runtime"
    zipfile.ZipFile(io.BytesIO(built)).extractall(task)
    runtime.mkdir()
    for name in RUNTIME:
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        (runtime / name).symlink_to(Path(spec.origin).parent)
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", RUN_ALONE, str(task), str(runtime)],
        cwd=tmp_path,
        env={"AWS_DEFAULT_REGION": "eu-west-2", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.startswith("GateClosed there is no step 'dance'")


def test_refuses_another_version_than_the_pinned(tmp_path: Path) -> None:
    constraints = (ROOT / "constraints.txt").read_text()
    for name in ("rotation", "certificates"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "constraints.txt").write_text(constraints.replace("scramp==", "scramp==0."))

    with pytest.raises(functions.LibraryOther, match=r"scramp .* is installed, constraints.txt has 0\."):
        functions.build("rotation", tmp_path)


def test_refuses_a_library_with_machine_code(monkeypatch: pytest.MonkeyPatch) -> None:
    function = functions.Function("rotation", frozenset(), ("msgspec",), ())
    monkeypatch.setitem(functions.FUNCTIONS, "binary", function)
    with pytest.raises(functions.LibraryUnfit, match="is machine code"):
        functions.build("binary")


def test_names_a_library_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    function = functions.Function("rotation", frozenset(), ("no-such-library",), ())
    monkeypatch.setitem(functions.FUNCTIONS, "absent", function)
    with pytest.raises(functions.LibraryMissing, match="no-such-library"):
        functions.build("absent")
