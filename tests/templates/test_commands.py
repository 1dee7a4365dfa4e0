"""Every `aws …` command that the pages tell people to give, held against AWS's service models.

A page for a bad day must not have a misspelt option. Names only: what an account answers, no test can know.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from botocore.model import ListShape, OperationModel, Shape, StructureShape

from parameters.settings import load

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
GLOBAL = {"region", "query", "output", "profile"}
# What the command line adds to the services' own operations, and its options.
# https://docs.aws.amazon.com/cli/latest/reference/rds/generate-db-auth-token.html
# https://docs.aws.amazon.com/cli/latest/reference/ecr/get-login-password.html
# https://docs.aws.amazon.com/cli/latest/reference/sso/login.html
OWN = {
    ("rds", "generate-db-auth-token"): {"hostname", "port", "username"},
    ("ecr", "get-login-password"): set[str](),
    ("sso", "login"): set[str](),
}
# Where it calls a member otherwise, since --endpoint is near its own --endpoint-url.
# https://docs.aws.amazon.com/cli/latest/reference/sns/subscribe.html
RENAMED = {("sns", "subscribe", "endpoint"): "notification-endpoint"}
SESSION = botocore.session.get_session()


@dataclass(frozen=True)
class Command:
    """One command; `whole` if somebody is to copy it, and not just a mention in a sentence."""

    page: str
    text: str
    whole: bool

    def __str__(self) -> str:
        return f"{self.page}: {self.text}"


class WrongCommand(ValueError):
    """What of a command AWS does not know."""


def commands(page: str, text: str) -> Iterator[Command]:
    blocks = re.findall(r"^ *```console\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    for block in blocks:
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            # also within $(…), up to its end or a pipe
            for found in re.findall(r"(?:^ *\$ |\$\()(aws (?:'[^']*'|[^|)'])+)", line):
                yield Command(page, found.strip(), whole=True)
    rest = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    for found in re.findall(r"`(aws [a-z0-9-]+ [a-z][^`]*)`", rest):
        yield Command(page, found, whole=False)


def check(command: Command) -> None:
    """Raise WrongCommand that names what is wrong."""
    _, service, operation, *words = shlex.split(re.sub(r"<[^>]+>", "PLACEHOLDER", command.text))
    if operation == "wait":
        operation, words = waited_for(service, words[0]), words[1:]
    given = options(words)
    if (service, operation) in OWN:
        if unknown := given.keys() - OWN[service, operation] - GLOBAL:
            raise WrongCommand(f"{service} {operation} has no --{unknown.pop()}")
        return
    model = operation_model(service, operation)
    members = dict(model.input_shape.members) if model.input_shape else {}
    named = {
        RENAMED.get((service, operation, spelt := xform_name(name, "-")), spelt): (name, shape)
        for name, shape in members.items()
    }
    known = set(GLOBAL)
    for option, values in given.items():
        name = option.removeprefix("no-") if option not in named else option
        if name in GLOBAL:
            continue
        if name not in named:
            raise WrongCommand(f"{service} {operation} has no --{option}")
        known.add(named[name][0])
        check_values(option, named[name][1], values, negated=name != option)
    required = set(model.input_shape.required_members) if model.input_shape else set()
    if command.whole and (missing := required - known):
        raise WrongCommand(f"{service} {operation} needs {missing}")


def options(words: list[str]) -> dict[str, list[str]]:
    given: dict[str, list[str]] = {}
    for word in words:
        if word.startswith("--"):
            given[word.removeprefix("--")] = values = []
        elif given:
            values.append(word)
        else:
            raise WrongCommand(f"{word!r} stands before any option")
    return given


def operation_model(service: str, operation: str) -> OperationModel:
    try:
        model = SESSION.get_service_model(service)
    except UnknownServiceError:
        raise WrongCommand(f"there is no service {service}") from None
    for name in model.operation_names:
        if xform_name(name, "-") == operation:
            return model.operation_model(name)
    raise WrongCommand(f"{service} has no {operation}")


def waited_for(service: str, waiter: str) -> str:
    """The operation that a waiter repeats."""
    config = SESSION.get_waiter_model(service)
    for name in config.waiter_names:
        if xform_name(name, "-") == waiter:
            return xform_name(config.get_waiter(name).operation, "-")
    raise WrongCommand(f"{service} has no waiter {waiter}")


def check_values(option: str, shape: Shape, values: list[str], *, negated: bool) -> None:
    if shape.type_name == "boolean":
        if values:
            raise WrongCommand(f"--{option} takes no value")
        return
    if negated:
        raise WrongCommand(f"--{option}: only a switch can be negated")
    if not values or (len(values) > 1 and shape.type_name != "list"):
        raise WrongCommand(f"--{option} takes one value")
    for value in values:
        allowed = getattr(shape, "enum", None)
        if allowed and value not in allowed:
            raise WrongCommand(f"--{option} {value}: allowed are {allowed}")
        check_fields(option, shape.member if isinstance(shape, ListShape) else shape, value)


def check_fields(option: str, shape: Shape, value: str) -> None:
    """A structure in the command line's short form, name=value,…"""
    if not isinstance(shape, StructureShape):
        return
    fields = dict(part.split("=", 1) for part in value.split(","))
    if unknown := fields.keys() - shape.members.keys():
        raise WrongCommand(f"--{option} has no {unknown.pop()}")
    for name, said in fields.items():
        allowed = getattr(shape.members[name], "enum", None)
        if allowed and said not in allowed:
            raise WrongCommand(f"--{option} {name}={said}: allowed are {allowed}")


ALL = [
    command
    for path in PAGES
    for command in commands(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("command", ALL, ids=str)
def test_a_command_is_one_that_aws_knows(command: Command) -> None:
    check(command)


def test_no_command_of_the_page_for_bad_days_is_overlooked() -> None:
    text = (ROOT / "docs" / "incidents.md").read_text(encoding="utf-8")

    assert len(re.findall(r"^ *\$ aws ", text, re.MULTILINE)) > 30
    assert len([found for found in ALL if found.page == "docs/incidents.md" and found.whole]) == len(
        re.findall(r"^ *\$ ", text, re.MULTILINE)
    )


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("aws iott list-things", "there is no service iott"),
        ("aws iot list-thingz", "iot has no list-thingz"),
        ("aws iot delete-thing --name m17", "has no --name"),
        ("aws iot delete-thing", "needs {'thingName'}"),
        ("aws iot update-certificate --certificate-id 1 --new-status revoked", "allowed are"),
        ("aws iot list-certificates --ascending-order yes", "takes no value"),
        ("aws iot delete-thing --no-thing-name", "only a switch"),
        ("aws iot delete-thing m17", "stands before any option"),
        ("aws kms enable-key --key-id a b", "takes one value"),
        ("aws rds wait db-instance-there --db-instance-identifier a", "has no waiter"),
        ("aws rds generate-db-auth-token --host a", "has no --host"),
        ("aws cloudtrail lookup-events --lookup-attributes Name=a", "has no Name"),
        ("aws cloudtrail lookup-events --lookup-attributes AttributeKey=a", "allowed are"),
    ],
)
def test_what_aws_does_not_know_is_found(text: str, wrong: str) -> None:
    (found,) = commands("a page", f"```console\n$ {text}\n```\n")

    with pytest.raises(WrongCommand, match=re.escape(wrong)):
        check(found)


def test_commands_are_found_wherever_they_stand() -> None:
    block = """```console
   $ A="$(aws x y --b 'c)')"
   $ aws p \\
       q | r
   ```
"""
    text = f"Say `aws kms enable-key`.\n   {block}"

    assert [(found.text, found.whole) for found in commands("a page", text)] == [
        ("aws x y --b 'c)'", True),
        ("aws p q", True),
        ("aws kms enable-key", False),
    ]


def test_the_figures_of_a_restore_are_the_parameters() -> None:
    text = (ROOT / "docs" / "incidents.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)\.(\w+)` \| (\d+) \| (\d+) \|", text, re.MULTILINE)

    assert len(rows) == 3
    for section, name, dev, prod in rows:
        said = {"dev": int(dev), "prod": int(prod)}
        assert {env: getattr(getattr(load(env), section), name) for env in said} == said
