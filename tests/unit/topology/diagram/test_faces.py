"""What stands in a box."""

import pytest

from topology.diagram.faces import words


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("DeadLetters", "Dead letters"),
        ("Latest", "Latest"),
        ("KMSKey", "KMS key"),
        ("Alarm001", "Alarm 001"),
        ("ReadOnlyAPI", "Read only API"),
    ],
)
def test_a_logical_id_is_said_in_words(name: str, said: str) -> None:
    assert words(name) == said
