"""The commands of deploy.py: arguments in, text and an exit code out."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn, TextIO

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.text import Text

from deployer import account, outputs, progress
from deployer.deployment import Deployment
from deployer.errors import (
    ApprovalNeeded,
    DeployerError,
    LetRun,
    MissingStack,
    NotApproved,
    UsageError,
)
from deployer.plan import Plan
from parameters.settings import Environment, ParameterError, environments, load

TEMPLATES = Path(__file__).parents[1] / "templates"
WIDTH = 160  # of plain text, where no terminal tells its own
UNTOUCHED = "no change of a stack was begun"

EXIT_CODES = """\
exit codes:
  0  done, or nothing to do
  1  AWS or a stack refused, or the deployment failed; stderr has the first cause
  2  plan: there are changes (printed on stdout)
     any command: wrong usage, environment, account or credentials (one line on stderr, nothing on stdout)
  3  plan: there are changes that remove or replace resources that hold data
  130  interrupted: what runs in AWS goes on
"""


class Parser(argparse.ArgumentParser):
    """Answers wrong usage in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(UsageError.exit_code, f"deploy.py: {message}; see `python {self.prog} --help`\n")


def parser() -> argparse.ArgumentParser:
    described = Parser(
        prog="deploy.py",
        description="Plan, apply and look after a deployment, through change sets only.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = described.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(
            name, help=text, description=text, epilog=EXIT_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        made.add_argument("environment", metavar="ENV", help=f"one of: {', '.join(environments())}")
        made.add_argument("--profile", help="the AWS profile to use instead of AWS_PROFILE")
        return made

    image = "the image to run, sha256:… (default: $IMAGE_DIGEST, else the one that is deployed)"
    yes = "approved: do not ask; needed where there is no terminal"
    command("bootstrap", "make the artefact bucket and the image repository").add_argument(
        "--yes", action="store_true", help=yes + ", if anything is modified or removed"
    )
    command("plan", "show what would change, and keep the change set").add_argument("--image", help=image)
    apply = command("apply", "plan, ask, execute that very change set, and follow it")
    what = apply.add_mutually_exclusive_group()
    what.add_argument("--image", help=image)
    what.add_argument("--plan", metavar="NAME", help="execute a change set that `plan` made and named")
    apply.add_argument("--yes", action="store_true", help=yes)
    command("outputs", "print the outputs, also by their old names").add_argument(
        "--format", type=outputs.Format, choices=list(outputs.Format), default=outputs.Format.ENV
    )
    command("status", "show the stacks as a tree")
    command("destroy", "list what is kept and lost, ask, delete the platform's stacks").add_argument(
        "--yes", action="store_true", help=yes
    )
    return described


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (`EXIT_CODES`)."""
    options = parser().parse_args(arguments)
    try:
        environment = load(options.environment)
        code = _run(options, environment)
        sys.stdout.flush()  # a closed pipe shows itself here at the latest, and not at exit
        return code
    except ParameterError as error:
        return _refuse(error, UsageError.exit_code)
    except DeployerError as error:
        return _refuse(error, error.exit_code)
    except KeyboardInterrupt:
        return _refuse(f"interrupted; {UNTOUCHED}", LetRun.exit_code)
    except BrokenPipeError:
        return _refuse(f"nobody reads the output; {UNTOUCHED}", DeployerError.exit_code)


def _run(options: argparse.Namespace, environment: Environment) -> int:
    try:
        session = boto3.Session(profile_name=options.profile, region_name=environment.region)
        deployment = Deployment(environment, session, templates=TEMPLATES / environment.name)
        return COMMANDS[options.command](deployment, options)
    except (BotoCoreError, ClientError) as error:
        raise account.explained(error, environment.account) from error


def _refuse(why: object, code: int) -> int:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:  # https://docs.python.org/3/library/signal.html#note-on-sigpipe
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    with suppress(BrokenPipeError):
        print(f"deploy.py: {why}", file=sys.stderr, flush=True)
    return code


def bootstrap(deployment: Deployment, options: argparse.Namespace) -> int:
    plan = deployment.plan_bootstrap()
    show(plan, sys.stdout)
    if not plan.is_empty and not plan.only_adds and not options.yes:
        with _discarding(deployment, plan):
            _approve()
    return _execute(deployment, plan)


def plan(deployment: Deployment, options: argparse.Namespace) -> int:
    made = deployment.plan(image_digest=_image(options))
    show(made, sys.stdout)
    if not made.is_empty:
        print(f"apply it with: python deploy.py apply {made.environment} --plan {made.token}")
    return made.verdict


def apply(deployment: Deployment, options: argparse.Namespace) -> int:
    if not options.yes:
        _need_terminal()
    if options.plan is not None:
        made = deployment.read_plan(options.plan)
    else:
        made = deployment.plan(image_digest=_image(options))
    show(made, sys.stdout)
    if not made.is_empty and not options.yes:
        if options.plan is not None:  # it was there before, and stays
            _approve()
        else:
            with _discarding(deployment, made):
                _approve()
    return _execute(deployment, made)


def print_outputs(deployment: Deployment, options: argparse.Namespace) -> int:
    print(outputs.render(deployment.outputs(), options.format))
    return 0


def status(deployment: Deployment, _: argparse.Namespace) -> int:
    bootstrapped = deployment.bootstrap_status()
    try:
        platform = deployment.status().render(_width(sys.stdout))
    except MissingStack:
        if bootstrapped is None:
            raise
        platform = f"{deployment.stack_name}  there is none yet"
    if bootstrapped is not None:
        print(bootstrapped.render(_width(sys.stdout)))
    print(platform)
    return 0


def destroy(deployment: Deployment, options: argparse.Namespace) -> int:
    removal = deployment.removal()
    if removal is None:
        print(f"{deployment.stack_name}: nothing to do")
        return 0
    print(removal.render(_width(sys.stdout)))
    if not options.yes:
        _need_terminal()
        print(f"Type {deployment.stack_name} to delete it: ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip() != deployment.stack_name:
            raise NotApproved
    with _letting_run(options.environment), progress.screen(sys.stderr) as listener:
        deployment.destroy(listener)
    print(f"{deployment.stack_name}: deleted; {deployment.bootstrap_name} and its artefacts stay")
    return 0


COMMANDS = {
    "bootstrap": bootstrap,
    "plan": plan,
    "apply": apply,
    "outputs": print_outputs,
    "status": status,
    "destroy": destroy,
}


def show(made: Plan, stream: TextIO) -> None:
    """The plan, coloured by what each line does on a terminal."""
    text = made.render(_width(stream))
    if not stream.isatty():
        print(text, file=stream, flush=True)
        return
    console = Console(file=stream, highlight=False)
    for line in text.splitlines():
        console.print(Text(line, style=_style(line), no_wrap=True))


def _style(line: str) -> str:
    if line.startswith("DATA AT RISK"):
        return "bold red"
    first = line.lstrip("│├└─ ")[:1]
    return {"+": "green", "~": "yellow", "-": "red", "±": "bold red", "?": "dim"}.get(first, "")


def _execute(deployment: Deployment, made: Plan) -> int:
    with _letting_run(made.environment), progress.screen(sys.stderr) as listener:
        deployment.apply(made, listener)
    if not made.is_empty:
        print(f"{made.stack_name}: done")
    return 0


@contextmanager
def _letting_run(environment: str) -> Iterator[None]:
    """Who stops looking learns that AWS does not stop."""
    try:
        yield
    except KeyboardInterrupt:
        raise LetRun(why="interrupted", environment=environment) from None
    except BrokenPipeError:
        raise LetRun(why="nobody reads the output", environment=environment) from None


@contextmanager
def _discarding(deployment: Deployment, made: Plan) -> Iterator[None]:
    """Without approval, what this command made goes again."""
    try:
        yield
    except (DeployerError, KeyboardInterrupt):
        deployment.discard(made)
        raise


def _approve() -> None:
    _need_terminal()
    print("Apply? Only `yes` does: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() != "yes":
        raise NotApproved


def _need_terminal() -> None:
    """Never a prompt where nobody can answer."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ApprovalNeeded


def _image(options: argparse.Namespace) -> str | None:
    image: str | None = options.image
    # An empty variable is none; an empty option is a mistake, and not the deployed image.
    return image if image is not None else os.environ.get("IMAGE_DIGEST") or None


def _width(stream: TextIO) -> int:
    return Console(file=stream).width if stream.isatty() else WIDTH
