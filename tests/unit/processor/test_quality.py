import pytest

from processor.quality import BAD, GOOD, NO_STATUS, UNCERTAIN, Quality, read_quality


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (None, (GOOD, NO_STATUS)),
        (192, (GOOD, NO_STATUS)),
        (64, (UNCERTAIN, NO_STATUS)),
        (0, (BAD, NO_STATUS)),
        ("GOOD", (GOOD, NO_STATUS)),
        (" uncertain ", (UNCERTAIN, NO_STATUS)),
        ("Bad", (BAD, NO_STATUS)),
        (216, (GOOD, 216)),  # OPC DA: good, local override
        (4, (BAD, 4)),  # OPC DA: configuration error
        (0x80, (BAD, 0x80)),  # OPC DA: the class that is not used
        (0x00A60000, (GOOD, 0x00A60000)),  # OPC UA: GoodOverload's neighbour, severity 00
        (0x40920000, (UNCERTAIN, 0x40920000)),  # OPC UA: UncertainSubNormal's neighbour
        (0x80050000, (BAD, 0x80050000)),  # OPC UA: Bad_CommunicationError
        (0xFFFFFFFF, (BAD, 0xFFFFFFFF)),
    ],
)
def test_class_and_raw_code_are_kept(raw: int | str | None, expected: tuple[int, int]) -> None:
    assert read_quality(raw) == Quality(*expected)


@pytest.mark.parametrize("raw", [-1, 2**32, "fine", ""])
def test_what_cannot_be_read_is_none(raw: int | str) -> None:
    assert read_quality(raw) is None
