"""The builder under a private name: it must leave the developer's cache alone."""

from pathlib import Path

import pytest

from bench import emission
from bench.emission import Builder


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One whose build.py keeps a cache beside itself, as ours does, and a module beside it."""
    made = tmp_path / "repository"
    made.mkdir()
    (made / "beside.py").write_text("WORD = 'found'\n")
    (made / "build.py").write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "import beside\n"
        "assert (Path(__file__).parent / 'rules' / 'kept').exists()\n"
        "cache = Path(__file__).parent / '.cache' / 'lint'\n"
        "cache.mkdir(parents=True, exist_ok=True)\n"
        "(cache / beside.WORD).write_text(' '.join(sys.argv[1:]))\n"
    )
    (made / "rules").mkdir()
    (made / "rules" / "kept").touch()
    (made / ".cache").mkdir()
    (made / ".cache" / "kept").touch()
    monkeypatch.setattr(emission, "ROOT", made)
    return made


def test_a_build_and_its_forgetting_touch_only_the_private_cache(repository: Path, tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir()
    builder = Builder(private)

    builder.build("--no-lint")

    told = (private / ".cache" / "lint" / "found").read_text()
    assert told == f"--env dev --out {private / 'templates'} --no-lint"
    builder.forget()
    assert not (private / ".cache").exists()
    assert [path.name for path in (repository / ".cache").iterdir()] == ["kept"]


def test_there_must_have_been_something_to_forget(repository: Path, tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir()

    with pytest.raises(FileNotFoundError):
        Builder(private).forget()
