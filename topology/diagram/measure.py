"""How wide a text is, wherever it is drawn.

The picture names common fonts and must fit whichever is there, so this is the widest of them: DejaVu Sans,
advance widths in hundredths of the size, rounded up.
"""

TOGETHER = "\u00a0"  # a space at which no line is broken

_HUNDREDTHS = {
    "il'": 28,
    "jI": 30,
    f".,:; |/\\{TOGETHER}": 34,
    "ft-()[]": 40,
    'r"': 46,
    "sczJ": 56,
    "kvxy": 60,
    "abdeghnopqu0123456789EFLPSTY": 64,
    "ABCKRVXZ": 70,
    "DGHNOQU": 79,
    "w×+=→": 84,
    "mMW%@": 100,
}
_WIDE = {letter: wide for letters, wide in _HUNDREDTHS.items() for letter in letters}
OTHER = 84
BOLD = 1.14


def width(text: str, size: float, *, bold: bool = False) -> float:
    hundredths = sum(_WIDE.get(letter, OTHER) for letter in text)
    return hundredths / 100 * size * (BOLD if bold else 1)


def wrapped(text: str, size: float, room: float) -> list[str]:
    """The text in lines that fit, broken at plain spaces; a word that is too long has a line of its own."""
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width(longer, size) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
