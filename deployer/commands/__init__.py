"""The commands of deploy.py: arguments in, text and an exit code out."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

import click
from click.shell_completion import shell_complete

from deployer.commands.apply import apply, bootstrap
from deployer.commands.destroy import destroy
from deployer.commands.invocation import write_end
from deployer.commands.looking import outputs, status
from deployer.commands.plan import plan
from deployer.errors import DeployerError, LetRun, UsageError
from parameters.settings import ParameterError

PROGRAM = "deploy.py"
COMPLETE = "_DEPLOY_PY_COMPLETE"  # set by the script that a shell loads for completion
UNTOUCHED = "no change of a stack was begun"


class Commands(click.Group):
    """In the order in which a newcomer needs them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_end(formatter, ("plan dev", "apply dev", "plan --help"))


@click.group(cls=Commands, no_args_is_help=False)
def deploy() -> None:
    """Plan, apply and look after a deployment, through change sets only."""


for each in (bootstrap, plan, apply, status, outputs, destroy):
    deploy.add_command(each)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (invocation.EXIT_CODES)."""
    if instruction := os.environ.get(COMPLETE):
        return shell_complete(deploy, {}, PROGRAM, COMPLETE, instruction)
    try:
        # Not by deploy.main: it has answers of its own to Ctrl-C and closed pipes.
        with deploy.make_context(PROGRAM, list(sys.argv[1:] if arguments is None else arguments)) as context:
            code: int = deploy.invoke(context)
        sys.stdout.flush()  # a closed pipe shows itself here at the latest, and not at exit
        return code
    except click.exceptions.Exit as leaving:  # --help
        return leaving.exit_code
    except (click.UsageError, ParameterError, DeployerError) as error:
        return _refuse(_sentence(error), getattr(error, "exit_code", UsageError.exit_code))
    except (KeyboardInterrupt, click.Abort):
        return _refuse(f"interrupted; {UNTOUCHED}", LetRun.exit_code)
    except BrokenPipeError:
        return _refuse(f"nobody reads the output; {UNTOUCHED}", DeployerError.exit_code)


def _sentence(error: Exception) -> str:
    if not isinstance(error, click.UsageError):
        return str(error)
    path = error.ctx.command_path if error.ctx else PROGRAM
    return f"{error.format_message().rstrip('.')}; see `python {path} --help`"


def _refuse(why: str, code: int) -> int:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:  # https://docs.python.org/3/library/signal.html#note-on-sigpipe
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    with suppress(BrokenPipeError):
        print(f"{PROGRAM}: {why}", file=sys.stderr, flush=True)
    return code
