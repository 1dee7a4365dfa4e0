"""Sentences as lines: no word is lost, a command stays whole, and the next line stands below the first."""

import re
import textwrap

# Where a word that is wider than the screen, as an ARN can be, may go on in the next line.
BREAK = "\u200b"
BREAKABLE = re.compile(r"(?<=/)|(?<=[^:]:)(?=[^:])")
BREAKS = re.compile(rf"(\s+|(?<={BREAK}))")
# What is copied in one piece: the spaces of a command are none to wrap at.
COMMAND = re.compile(r"`[^`\n]*`")
BLANK = "\ue000"


def wrapped(text: str, width: int, further: int = 2) -> list[str]:
    """Lines of at most `width` columns, the later ones indented by `further` more; [] of an empty text.

    Wider are only a command and a word that cannot be broken. A word that has to be is broken at a slash or a
    colon.
    """
    indent = " " * min(len(text) - len(text.lstrip()) + further, max(width // 3, 0))
    longest = max(width - len(indent), 1)
    whole = COMMAND.sub(lambda found: found[0].replace(" ", BLANK), text)
    words = re.sub(rf"\S{{{longest + 1},}}", lambda found: _broken(found[0]), whole)
    wrapper = textwrap.TextWrapper(
        width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
    )
    wrapper.wordsep_simple_re = BREAKS
    return [line.replace(BREAK, "").replace(BLANK, " ") for line in wrapper.wrap(words)]


def paragraphs(text: str, width: int) -> str:
    """Each line of the text wrapped by itself."""
    return "\n".join("\n".join(wrapped(line, width)) for line in text.split("\n"))


def _broken(word: str) -> str:
    """A page's address and a command are whole or worth nothing."""
    return word if "://" in word or BLANK in word else BREAKABLE.sub(BREAK, word)
