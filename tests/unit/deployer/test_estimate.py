from typing import Any

import pytest

from deployer.estimate import History, duration, left


def test_the_median_of_what_completed_per_action(aws: Any) -> None:
    history = History()
    for start, took in ((0, 10), (100, 14), (200, 90)):
        history.learn(
            ("Outer",),
            [
                aws.event("Outer", "Queue", "UPDATE_IN_PROGRESS", start),
                aws.event("Outer", "Queue", "UPDATE_IN_PROGRESS", start + 1),
                aws.event("Outer", "Queue", "UPDATE_COMPLETE", start + took),
            ],
        )

    assert history.expected(("Outer", "Queue"), "UPDATE") == 14
    assert history.expected(("Outer", "Queue"), "CREATE") is None
    assert history.expected(("Queue",), "UPDATE") is None


def test_what_failed_or_was_cut_off_teaches_nothing(aws: Any) -> None:
    history = History()
    history.learn(
        (),
        [
            aws.event("millrace-dev", "Cut", "CREATE_COMPLETE", 0),
            aws.event("millrace-dev", "Queue", "CREATE_IN_PROGRESS", 0),
            aws.event("millrace-dev", "Queue", "CREATE_FAILED", 5),
            aws.event("millrace-dev", "Queue", "DELETE_IN_PROGRESS", 6),
            aws.event("millrace-dev", "Queue", "DELETE_COMPLETE", 8),
        ],
    )

    assert history.expected(("Cut",), "CREATE") is None
    assert history.expected(("Queue",), "CREATE") is None
    assert history.expected(("Queue",), "DELETE") == 2


def test_a_nested_stack_is_expected_by_what_is_in_it_only(aws: Any) -> None:
    history = History()
    history.learn(
        (),
        [
            aws.about("Outer", "UPDATE_IN_PROGRESS", 0, parent="millrace-dev"),
            aws.about("Outer", "UPDATE_COMPLETE", 600, parent="millrace-dev"),
        ],
    )

    assert history.expected(("Outer",), "UPDATE") is None


@pytest.mark.parametrize(
    ("seconds", "said"), [(-1, "0s"), (8.4, "8s"), (59.6, "1m00s"), (270, "4m30s"), (3725, "1h02m")]
)
def test_a_duration(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(1, "about 10 s left"), (38, "about 40 s left"), (56, "about 1 min left"), (239, "about 4 min left")],
)
def test_what_is_left(seconds: float, said: str) -> None:
    assert left(seconds) == said
