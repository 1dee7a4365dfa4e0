"""The commands of deploy.py: arguments in, text and an exit code out."""

import errno
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

import click

from deployer.commands.apply import apply, bootstrap
from deployer.commands.attach import attach
from deployer.commands.cancel import cancel
from deployer.commands.completion import PROGRAM, completion
from deployer.commands.destroy import destroy
from deployer.commands.diagnose import diagnose
from deployer.commands.drift import drift_of
from deployer.commands.image import image
from deployer.commands.invocation import write_end
from deployer.commands.looking import outputs, status
from deployer.commands.plan import plan
from deployer.commands.recover import recover
from deployer.commands.showing import say
from deployer.commands.up import up
from deployer.encoding import adapt
from deployer.errors import DeployerError, Unread, Unwritten, UsageError
from parameters.settings import ParameterError


class Commands(click.Group):
    """In the order in which a newcomer needs them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_end(formatter, ("up dev", "plan dev", "apply dev", "plan --help"))


@click.group(cls=Commands, no_args_is_help=False)
def deploy() -> None:
    """Plan, apply and look after a deployment, through change sets only."""


for each in (
    *(up, bootstrap, image, plan, apply, status, outputs, drift_of),
    *(diagnose, attach, cancel, recover, destroy, completion),
):
    deploy.add_command(each)


# Of write(2), where a full disk, a quota or a limit ends what is printed.
NO_ROOM = frozenset({errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (invocation.EXIT_CODES)."""
    given = sys.argv[1:] if arguments is None else arguments
    adapt(sys.stdout)
    adapt(sys.stderr)
    try:
        if None in (sys.stdout, sys.stderr):  # by `>&-`
            raise Unwritten(why="stdout or stderr is closed")
        code: int = deploy.main(list(given), PROGRAM, standalone_mode=False)
        sys.stdout.flush()  # a closed pipe shows itself here at the latest, and not at exit
        return code
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else PROGRAM
        why = " ".join(error.format_message().rstrip(".").split())  # a list of choices has a line for each
        return _refuse(f"{why}; see `python {path} --help`", error.exit_code)
    except ParameterError as error:
        return _refuse(error, UsageError.exit_code)
    except DeployerError as error:
        return _refuse(error, error.exit_code)
    except BrokenPipeError:
        return _refuse(Unread(), Unread.exit_code)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        return _refuse(Unwritten(why=error.strerror), Unwritten.exit_code)


def _refuse(why: object, code: int) -> int:
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except OSError:  # https://docs.python.org/3/library/signal.html#note-on-sigpipe
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    with suppress(OSError):
        say(f"{PROGRAM}: {why}", sys.stderr)
    return code
