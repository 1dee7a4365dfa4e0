"""A command of deploy.py: the environment that it works on, its options, its help with an example."""

import functools
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError
from click.shell_completion import CompletionItem

from deployer import account, credentials, region
from deployer.deployment import Deployment
from deployer.errors import Interrupted, Unread
from deployer.paths import TEMPLATES
from parameters.settings import Environment, environments, load

EXIT_CODES = (
    ("0", "done, or nothing to do"),
    ("1", "AWS or a stack refused, or the deployment failed; stderr has the first cause"),
    (
        "2",
        "plan: there are changes; drift: something drifted (stdout tells them). Any command: wrong usage, "
        "environment, account, region or credentials, or nobody to approve (one line on stderr; on stdout at "
        "most what was to be approved, and nothing of plan and drift)",
    ),
    ("3", "plan: there are changes that destroy or replace data"),
    ("130", "interrupted: what runs in AWS goes on, and `attach` follows it again"),
)


PROFILE = click.option("--profile", metavar="NAME", help="the AWS profile to use instead of AWS_PROFILE")
REGION = click.option(
    "--region",
    "where",
    metavar="REGION",
    help="the environment's own, where the shell's variables say another; no other is taken",
)


class EnvironmentName(click.ParamType[str]):
    """One of parameters/*.yaml; what is none is refused by `load`, which says which there are."""

    name = "environment"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [CompletionItem(name) for name in environments() if name.startswith(incomplete)]


class Command(click.Command):
    """Its help ends with examples and what the exit codes mean."""

    def __init__(self, *arguments: Any, examples: Sequence[str] = (), **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_end(formatter, self.examples)


def write_end(formatter: click.HelpFormatter, examples: Sequence[str]) -> None:
    with formatter.section("Examples"):
        for example in examples:
            formatter.write(f"  $ python deploy.py {example}\n")
    with formatter.section("Exit codes"):
        formatter.write_dl(EXIT_CODES)


def command(name: str, *examples: str) -> Callable[[Callable[..., int]], click.Command]:
    """Makes a function(deployment, **options) -> exit code a command; its docstring is the help."""

    def decorate(function: Callable[..., int]) -> click.Command:
        @functools.wraps(function)
        def run(environment: str, profile: str | None, where: str | None, **options: Any) -> int:
            settings = load(environment)
            try:
                _agree_where(settings, profile, where)
                session = credentials.session(profile, settings.region)
                deployment = Deployment(settings, session, templates=TEMPLATES / settings.name)
                return function(deployment, **options)
            except (BotoCoreError, ClientError) as error:
                raise account.explained(error, settings.account) from error
            except KeyboardInterrupt:
                raise Interrupted from None
            except BrokenPipeError:
                raise Unread from None

        for option in (REGION, PROFILE):
            run = option(run)
        run = click.argument("environment", metavar="ENV", type=EnvironmentName())(run)
        return click.command(name, cls=Command, examples=examples)(run)

    return decorate


def _agree_where(settings: Environment, profile: str | None, option: str | None) -> None:
    """Raises WrongRegion."""
    said = region.check(settings, option, os.environ)
    if not said and (note := region.note(settings, profile)):
        print(f"note: {note}", file=sys.stderr, flush=True)


def image_of(option: str | None) -> str | None:
    """An empty variable is none; an empty option is a mistake, and not the deployed image."""
    return option if option is not None else os.environ.get("IMAGE_DIGEST") or None
