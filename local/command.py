"""One run from its command line to its exit code: errors become a line, results go to standard output."""

import io
import os
import sys
import time

import psycopg
from botocore.exceptions import BotoCoreError, ClientError

from deployer.errors import DeployerError
from local.arguments import parse
from local.aws import EmbeddedAwsError
from local.errors import LocalError
from local.interrupt import Interrupted, interruptible
from local.run import run
from local.screen import Screen
from parameters.settings import ParameterError

FAILED, WRONG_INPUT = 1, 2
KNOWN = (LocalError, DeployerError, EmbeddedAwsError, ParameterError)
# What a server that was killed, a full disk or too few file descriptors look like from here.
BENEATH = (OSError, psycopg.Error, BotoCoreError, ClientError)


def main(arguments: list[str]) -> int:
    """One run; its exit code (--help lists them)."""
    began = time.monotonic()
    screen = Screen(sys.stderr or io.StringIO())  # None: `2>&-`
    try:
        options = parse(arguments)
        with interruptible():
            report = run(options, screen, began, publish)
    except Interrupted as interrupted:
        screen.say(f"millrace: stopped by {interrupted}; everything is shut down")
        return interrupted.exit_code
    except (*KNOWN, *BENEATH) as error:
        code = _exit_code(error)
        # What the user can mend is one line; what failed by itself keeps the lines of its log.
        why = " ".join(str(error).split()) if code == WRONG_INPUT else str(error)
        where = "".join(f"{note}: " for note in getattr(error, "__notes__", ()) if code != WRONG_INPUT)
        screen.say(f"millrace: {where}{why}")
        return code
    return 0 if report.clean else FAILED


def publish(line: str) -> None:
    """Print it now. A reader that has left (`| head`) costs neither the JSON file nor the exit code."""
    try:
        print(line, flush=True)
    except OSError as error:
        # Else Python tries again at its end: https://docs.python.org/3/library/signal.html#note-on-sigpipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise


def _exit_code(error: Exception) -> int:
    if isinstance(error, ParameterError):
        return WRONG_INPUT
    code: int = getattr(error, "exit_code", FAILED)
    return code
