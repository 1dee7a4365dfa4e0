from collections.abc import Iterator

import pytest

from deployer.cutting import operations

UPDATE = ["UPDATE_IN_PROGRESS", "Queue", "UPDATE_COMPLETE"]


def own(event: str) -> str:
    """Statuses are the root's; a name stands for an event of a resource."""
    return event if "_" in event else ""


@pytest.mark.parametrize(
    "told",
    [
        [UPDATE, UPDATE],
        # Deleted while it is being made.
        [["CREATE_IN_PROGRESS", "Queue"], ["DELETE_IN_PROGRESS", "DELETE_FAILED"]],
        [
            ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "Queue", "UPDATE_ROLLBACK_FAILED", "Late"],
            ["UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"],
        ],
        [["Queue", "UPDATE_COMPLETE"], UPDATE],  # as far back as the pages go
        [["Queue"]],
    ],
)
def test_an_operation_begins_where_its_root_begins_to_move(told: list[list[str]]) -> None:
    newest_first = [event for events in told for event in events][::-1]

    assert [events[::-1] for events in operations(newest_first, own)][::-1] == told


def test_no_more_is_read_than_the_operation_that_is_asked_for() -> None:
    def read() -> Iterator[str]:
        yield from UPDATE[::-1]
        pytest.fail("read on")

    assert next(operations(read(), own)) == UPDATE[::-1]
