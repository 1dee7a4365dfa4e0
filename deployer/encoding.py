"""Text for a terminal that has no more than ASCII: one with LC_ALL=C, a Windows console, a serial line.

Python writes UTF-8 under LC_ALL=C, whatever the terminal makes of it: https://peps.python.org/pep-0540/.
"""

import codecs
import io
import os
from typing import TextIO

HANDLER = "deployer-ascii"
# Rails, dashes and dots keep their columns, so that what was drawn stays as wide.
ASCII = {
    **dict(zip("├└│─…·—–’≤≥", "|`|-~.--'<>", strict=True)),
    "→": "->",
    "±": "+-",
}


def adapt(stream: TextIO) -> None:
    """From here on the stream writes what its encoding and its locale have, and ASCII for the rest."""
    if isinstance(stream, io.TextIOWrapper):
        ascii_only = stream.isatty() and _is_c_locale()
        stream.reconfigure(encoding="ascii" if ascii_only else None, errors=HANDLER)


def encodes(stream: TextIO) -> bool:
    """Whether rails and arrows reach whoever reads it."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        "├→".encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _is_c_locale() -> bool:
    """By the first that is set; with none of them, the terminal is trusted."""
    chosen = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_CTYPE", "LANG"))), "")
    return chosen in {"C", "POSIX"}


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(ASCII.get(each, "?") for each in error.object[error.start : error.end]), error.end


codecs.register_error(HANDLER, _in_ascii)
