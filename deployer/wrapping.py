"""Sentences as lines: no word is lost or broken, a command stays whole, and what goes on is indented."""

import re
import textwrap

# What is copied in one piece: the spaces of a command are none to wrap at.
COMMAND = re.compile(r"`[^`\n]*`")
BLANK = "\ue000"


def wrapped(text: str, width: int, further: int = 2) -> list[str]:
    """Lines of at most `width` columns, the later ones indented by `further` more; [] of an empty text.

    Wider are only a command and a word that is too long, as an ARN can be: a terminal goes on in its next row
    by itself, and what is copied from there is whole.
    """
    told = text.lstrip(" ")
    indent = " " * (len(text) - len(told))
    lines = textwrap.wrap(
        COMMAND.sub(lambda found: found[0].replace(" ", BLANK), told),
        width,
        initial_indent=indent,
        subsequent_indent=indent + " " * further,
        break_on_hyphens=False,
        break_long_words=False,
    )
    return [line.replace(BLANK, " ") for line in lines]


def paragraphs(text: str, width: int) -> str:
    """Each line of the text wrapped by itself."""
    return "\n".join("\n".join(wrapped(line, width)) for line in text.split("\n"))
