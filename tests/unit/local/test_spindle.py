"""docs/watching.md: its recording, its picture and its commands are those of the repository."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from local import spindle
from processor.__main__ import main
from processor.alarms import handling_request, request

PAGE = Path(__file__).parents[3] / "docs" / "watching.md"
TASK = re.compile(r"^```json\n(.*?)^```", re.MULTILINE | re.DOTALL)
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("spindle") / "spindle.csv"
    with pytest.MonkeyPatch.context() as patch, file.open("w") as output:
        patch.setattr("sys.stdout", output)
        spindle.main()
    return file


def commands() -> list[list[str]]:
    """Of the page, as a shell takes them apart."""
    text = "".join(CONSOLE.findall(PAGE.read_text(encoding="utf-8"))).replace("\\\n", " ")
    lines = [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ python -m")]
    return [shlex.split(line, comments=True)[3:] for line in lines] + [
        json.loads(f"{{{block}}}")["command"] for block in TASK.findall(PAGE.read_text(encoding="utf-8"))
    ]


def test_the_page_shows_what_its_command_says_and_draws(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "watching.png"
    asked = ["rules", "try", "--file", str(recording), "--definition", '{"kind": "deviation"}']

    assert main([*asked, "--plot", str(picture)]) == 0

    told = capsys.readouterr().out.replace(str(picture), picture.name)
    assert f"--plot watching.png\n{told}```" in PAGE.read_text(encoding="utf-8")
    drawn, shown = imread(picture), imread(PAGE.with_name("watching.png"))
    assert drawn.shape == shown.shape
    # Another processor may round the edge of a letter otherwise: `make pictures` draws it anew.
    assert (np.abs(drawn - shown).max(axis=-1) > 0.1).mean() < 0.001


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_each_command_of_the_page_is_one(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    room, *arguments = command
    assert {"rules": request, "alarms": handling_request}[room].from_arguments(arguments)
