"""What the commands of alarms take alike: how a mistake is said, names and paths."""

import argparse
from typing import NoReturn

from processor.alarms.pattern import PatternError, expression

PYTHON = "python -m processor"


class Parser(argparse.ArgumentParser):
    """Of `python -m processor COMMAND`, and of its parts."""

    def error(self, message: str) -> NoReturn:
        """One line, without the usage above it, in which nobody would find it."""
        command = self.prog.removeprefix(f"{PYTHON} ").split()[0]
        self.exit(2, f"{command}: {message} (`{self.prog} --help` shows what there is)\n")


def name(text: str) -> str:
    """Raises ArgumentTypeError."""
    if not 1 <= len(text) <= 64 or not text.isprintable() or text != text.strip():
        raise argparse.ArgumentTypeError(f"{text!r} must be 1 to 64 printable characters")
    return text


def path(text: str) -> str:
    """A pattern of seven levels. Raises ArgumentTypeError."""
    try:
        expression(text)
    except PatternError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text
