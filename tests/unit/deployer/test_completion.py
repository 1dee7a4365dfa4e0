"""The completion protocol of each shell, through deploy.py as a shell starts it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deployer import commands
from deployer.paths import ROOT

DEPLOY = ROOT / "deploy.py"


def started(arguments: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def completes(shell: str, words: str, number: str) -> list[str]:
    ran = started(
        [sys.executable, str(DEPLOY)],
        _DEPLOY_PY_COMPLETE=f"{shell}_complete",
        COMP_WORDS=words,
        COMP_CWORD=number,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout.splitlines()


def test_bash_completes_commands_environments_and_options() -> None:
    assert completes("bash", "deploy.py dr", "1") == ["plain,drift"]
    assert completes("bash", "./deploy.py plan ", "2") == ["plain,dev", "plain,prod"]
    assert "plain,--accept-drift" in completes("bash", "deploy.py plan dev --acc", "3")


def test_zsh_completes_with_what_each_means() -> None:
    assert completes("zsh", "deploy.py dr", "1") == [
        "plain",
        "drift",
        "Compare what stands with the templates.",
    ]
    assert completes("zsh", "deploy.py plan p", "2") == ["plain", "prod", "_"]


def test_fish_completes_the_word_that_it_hands_over() -> None:
    assert completes("fish", "deploy.py dr", "dr") == ["plain,drift\tCompare what stands with the templates."]
    assert completes("fish", "deploy.py plan ", "") == ["plain,dev", "plain,prod"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_program_is_called_as_it_was_typed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["completion", shell]) == 0

    script = capsys.readouterr().out
    assert script.count("$program)") == 1
    assert "local program=" in script or "set -l program " in script


def test_a_real_bash_completes_after_a_path() -> None:
    script = f"""
        eval "$({sys.executable} {DEPLOY} completion bash)"
        complete -p deploy.py
        COMP_WORDS=({DEPLOY} outputs d) COMP_CWORD=2
        _deploypy_completion {DEPLOY}
        echo "${{COMPREPLY[@]}}"
    """
    # As in an activated environment, the shebang finds this Python.
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    ran = started(["bash", "--norc", "-c", script], PATH=path)

    assert ran.stderr == ""
    assert ran.stdout.splitlines() == ["complete -o nosort -F _deploypy_completion deploy.py", "dev"]


@pytest.mark.parametrize(
    ("completing", "said"),
    [({}, "deploy.py: {} lacks click: run `.venv/bin/python deploy.py`"), ({"_DEPLOY_PY_COMPLETE": "x"}, "")],
)
def test_a_python_without_the_libraries_is_one_line(completing: dict[str, str], said: str) -> None:
    ran = started([sys.executable, "-S", str(DEPLOY), "plan", "dev"], **completing)  # no site-packages

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith(said.format(sys.executable))
    assert ran.stderr.count("\n") == bool(said)


def test_deploy_py_can_be_started_by_its_name() -> None:
    assert os.access(DEPLOY, os.X_OK)
    assert DEPLOY.read_text(encoding="utf-8").startswith("#!/usr/bin/env python3\n")
