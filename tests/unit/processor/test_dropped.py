"""What is done again where a partition was dropped, and what is let out."""

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from psycopg import errors

from processor.storage import dropped
from processor.storage.database import Database, Session
from processor.storage.dropped import run_beside_retention


class Violation(errors.CheckViolation):
    """As the server tells it; `constraint` None: no partition was found."""

    def __init__(self, constraint: str | None = None) -> None:
        super().__init__("…")
        self.constraint = constraint

    @property
    def diag(self) -> Any:
        return SimpleNamespace(constraint_name=self.constraint)


class Direct(Database):
    """Runs the work without a server."""

    def __init__(self) -> None:
        secret: Any = None
        super().__init__(secret, "ca.pem", threading.Event())

    def _connect(self) -> Any:
        return SimpleNamespace(close=lambda: None)


def failing(*errors: Exception) -> tuple[Callable[[Session], str], list[Session]]:
    """Work that fails so, and the sessions that it was given."""
    left, sessions = list(errors), list[Session]()

    def work(session: Session) -> str:
        sessions.append(session)
        if left:
            raise left.pop(0)
        return "done"

    return work, sessions


def test_work_whose_partitions_go_one_after_another_is_done_on_new_sessions() -> None:
    work, sessions = failing(Violation(), Violation(), Violation())
    assert run_beside_retention(Direct(), work) == "done"
    assert len(set(map(id, sessions))) == 4


def test_a_row_that_a_rule_of_the_table_refuses_is_let_out_at_once() -> None:
    work, sessions = failing(Violation("reading_quality_check"))
    with pytest.raises(errors.CheckViolation):
        run_beside_retention(Direct(), work)
    assert len(sessions) == 1


def test_it_is_not_tried_for_ever() -> None:
    work, sessions = failing(*(Violation() for _ in range(99)))
    with pytest.raises(errors.CheckViolation):
        run_beside_retention(Direct(), work)
    assert len(sessions) == dropped.ATTEMPTS
