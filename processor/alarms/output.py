"""Lines on standard output, whoever reads them."""

import io
import os
import sys
from collections.abc import Iterable


def show(lines: Iterable[str]) -> None:
    """Print them. A reader that has had enough of them, as `head` has, ends it quietly.

    What the output's encoding does not have is escaped.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        for line in lines:
            print(line)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes once more when it ends, and would complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
