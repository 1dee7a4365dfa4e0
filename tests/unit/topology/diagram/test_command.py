"""python -m topology diagram"""

import shutil
from pathlib import Path

import pytest

from topology.__main__ import main
from topology.diagram import PICTURE

TEMPLATES = Path(__file__).parents[4] / "templates"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(TEMPLATES, tmp_path / "templates")
    (tmp_path / "docs").mkdir()
    return tmp_path


def test_it_draws_once_and_says_where(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(root), "diagram"]) == 0
    assert capsys.readouterr().out == f"{PICTURE}\n"
    assert main(["--root", str(root), "diagram"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["--root", str(root), "diagram", "--check"]) == 0


def test_check_names_a_stale_picture_and_leaves_it(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # given a picture, and a database that has changed since
    main(["--root", str(root), "diagram"])
    before = (root / PICTURE).read_bytes()
    template = root / "templates" / "prod" / "database.yaml"
    template.write_text(template.read_text(encoding="utf-8").replace("db.m7g.large", "db.m7g.xlarge"))
    capsys.readouterr()

    assert main(["--root", str(root), "diagram", "--check"]) == 1

    said = capsys.readouterr().out
    assert said == f"{PICTURE} is stale: run `python -m topology diagram` and commit it\n"
    assert (root / PICTURE).read_bytes() == before


def test_a_missing_environment_is_refused_in_one_line(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(root / "templates" / "prod")

    with pytest.raises(SystemExit) as refused:
        main(["--root", str(root), "diagram"])

    assert refused.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("topology: templates/prod: is what docs/architecture.svg shows, and is missing")
