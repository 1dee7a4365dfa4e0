"""Widths that hold for every common sans-serif."""

import string

from hypothesis import given
from hypothesis import strategies as st

from topology.diagram.measure import TOGETHER, width, wrapped

TEXTS = st.text(alphabet=string.ascii_letters + " ", max_size=60)


def test_a_wide_letter_is_wider_than_a_narrow_one_and_bold_wider_than_plain() -> None:
    assert width("mmm", 12) > width("iii", 12)
    assert width("alarms", 12, bold=True) > width("alarms", 12)


@given(TEXTS, st.floats(min_value=20, max_value=200))
def test_a_wrapped_text_has_all_its_words_and_only_a_single_word_is_too_long(text: str, room: float) -> None:
    lines = wrapped(text, 12, room)

    assert " ".join(lines) == text
    assert all(width(line, 12) <= room or " " not in line for line in lines)


def test_a_line_is_not_broken_where_words_belong_together() -> None:
    assert wrapped(f"cache.m7g.large{TOGETHER}×{TOGETHER}3 and more", 12, 40)[0].endswith("3")
