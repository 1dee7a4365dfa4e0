"""`python -m local`: the whole platform on one machine. --help says what can be asked of it."""

import sys
import time

from deployer.errors import DeployerError
from local.arguments import parse
from local.aws import EmbeddedAwsError
from local.errors import LocalError
from local.interrupt import Interrupted, interruptible
from local.run import run
from local.screen import Screen
from parameters.settings import ParameterError

WRONG_INPUT = 2


def main(arguments: list[str]) -> int:
    """One run; its exit code (--help lists them)."""
    began = time.monotonic()
    screen = Screen(sys.stderr)
    try:
        options = parse(arguments)
        with interruptible():
            report = run(options, screen, began, print)
    except Interrupted as interrupted:
        screen.say(f"millrace: stopped by {interrupted}; everything is shut down")
        return interrupted.exit_code
    except (LocalError, DeployerError, EmbeddedAwsError, ParameterError) as error:
        code = WRONG_INPUT if isinstance(error, ParameterError) else getattr(error, "exit_code", 1)
        # What the user can mend is one line; what failed by itself keeps the lines of its log.
        why = " ".join(str(error).split()) if code == WRONG_INPUT else str(error)
        where = "".join(f"{note}: " for note in getattr(error, "__notes__", ()) if code != WRONG_INPUT)
        screen.say(f"millrace: {where}{why}")
        return code
    return 0 if report.clean else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
