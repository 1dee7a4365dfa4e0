"""Every command, its help and the pages that show it: what they show parses, and means one thing."""

import re
import shlex
from collections import defaultdict

import click
import pytest

from deployer import commands
from deployer.commands.invocation import EXIT_CODES, Command
from deployer.paths import ROOT

COMMANDS = commands.deploy.commands
PAGE = ROOT / "docs" / "deploying.md"
SHOWN = re.compile(r"^\$ \.venv/bin/python deploy\.py (.*)$", re.MULTILINE)


def parse(example: str) -> None:
    """By the real parser. Raises click.UsageError."""
    words = shlex.split(re.split(r" [|>] | #", example)[0])
    COMMANDS[words[0]].make_context(words[0], words[1:])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_an_example_of_itself_that_parses(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = COMMANDS[name]
    assert isinstance(command, Command)
    assert command.examples

    for example in command.examples:
        assert example.split()[0] == name
        parse(example)

    commands.main([name, "--help"])
    shown = capsys.readouterr().out
    assert all(f"$ python deploy.py {example}" in shown for example in command.examples)
    assert "Exit codes:" in shown


def test_an_example_that_does_not_parse_is_seen() -> None:
    with pytest.raises(click.UsageError, match="No such option"):
        parse("plan dev --no-such-option")


def test_an_option_means_the_same_everywhere() -> None:
    meanings = defaultdict(set)
    for name, command in COMMANDS.items():
        for option in command.params:
            if isinstance(option, click.Option):
                meanings[option.opts[0]].add((option.is_flag, option.metavar, option.multiple))
                assert option.help, f"{name} {option.opts[0]}"
    assert {name: several for name, several in meanings.items() if len(several) > 1} == {}
    assert {"--yes", "--json", "--profile"} <= set(meanings)


def test_an_option_that_may_be_repeated_says_so_and_no_other_does() -> None:
    for name, command in COMMANDS.items():
        for option in command.params:
            if isinstance(option, click.Option):
                said = "may be repeated" in (option.help or "")
                assert said is option.multiple, f"{name} {option.opts[0]}"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_first_line_fits_the_list_of_commands(name: str) -> None:
    assert not COMMANDS[name].get_short_help_str(62).endswith("...")  # what 80 columns leave


def test_the_page_shows_every_command_with_an_example_that_parses() -> None:
    shown = SHOWN.findall(PAGE.read_text(encoding="utf-8"))

    for example in shown:
        parse(example)
    assert {example.split()[0] for example in shown} == set(COMMANDS)


def test_the_page_has_every_exit_code() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert [code for code, _ in EXIT_CODES if f"| {code} |" not in text] == []


def test_the_readme_shows_commands_that_parse() -> None:
    shown = SHOWN.findall((ROOT / "README.md").read_text(encoding="utf-8"))

    assert shown
    for example in shown:
        parse(example)
