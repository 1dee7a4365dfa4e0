"""Who waits for the turn, how long, and what ends the waiting."""

import threading
from typing import Any

import pytest

from processor import turn as module
from processor.storage.database import SessionOld, Stopping
from processor.turn import Turn, TurnLost


class FakeSession:
    """Gives each look's answer in turn, the last one for ever. It is its own connection and cursor."""

    old = False

    def __init__(self, *answers: bool) -> None:
        self.answers = list(answers)
        self.connection = self
        self.asked: list[object] = []

    def execute(self, statement: bytes, given: object) -> "FakeSession":
        self.asked.append(given)
        return self

    def fetchone(self) -> tuple[bool]:
        return (self.answers.pop(0) if len(self.answers) > 1 else self.answers[0],)


@pytest.fixture
def turn(monkeypatch: pytest.MonkeyPatch) -> Turn:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.05)
    made = Turn("readings", threading.Event())
    looks = iter(range(1000))
    # Who would wait for ever is stopped, and fails its test.
    made.beat = lambda: made._stopping.set() if next(looks, None) is None else None
    return made


def take(turn: Turn, *answers: bool) -> None:
    session: Any = FakeSession(*answers)
    turn.take(session)


def test_a_free_turn_is_taken_at_once(turn: Turn) -> None:
    take(turn, True)
    assert turn.state == "reader"


def test_a_standby_waits_with_a_sign_of_life_at_each_look(turn: Turn) -> None:
    states: list[str] = []
    turn.beat = lambda: states.append(turn.state)
    take(turn, False, False, False, True)
    assert states == ["standby"] * 3
    assert turn.state == "reader"


def test_a_standby_waits_beyond_the_patience_of_a_former_reader(turn: Turn) -> None:
    looks = iter(range(200))
    turn.beat = lambda: None if next(looks, None) is not None else turn._stopping.set()
    with pytest.raises(Stopping):
        take(turn, False)


def test_a_stop_ends_the_waiting(turn: Turn) -> None:
    turn._stopping.set()
    with pytest.raises(Stopping):
        take(turn, False)


def test_a_reader_gets_its_turn_back_from_its_own_lost_session(turn: Turn) -> None:
    take(turn, True)
    take(turn, False, False, True)
    assert turn.state == "reader"


def test_a_reader_whose_turn_another_one_has_leaves(turn: Turn) -> None:
    take(turn, True)
    with pytest.raises(TurnLost, match="another processor has begun"):
        take(turn, False)


def test_a_reader_that_is_waiting_is_still_one_after_a_second_outage(turn: Turn) -> None:
    take(turn, True)
    turn.state = "standby"  # as a first, broken waiting leaves it
    with pytest.raises(TurnLost):
        take(turn, False)


def test_a_standby_whose_session_is_old_waits_on_with_another(turn: Turn) -> None:
    session: Any = FakeSession(False)
    session.old = True
    with pytest.raises(SessionOld):
        turn.take(session)
    assert turn.state == "standby"


class Tables:
    """What they lack at each look; nothing in the end."""

    def __init__(self, *looks: str | None) -> None:
        self.looks = list(looks)

    def __call__(self, session: object) -> str | None:
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]


def test_who_waits_for_the_tables_stands_by_and_takes_the_turn_from_nobody(
    turn: Turn, caplog: pytest.LogCaptureFixture
) -> None:
    # Given tables that are older than the code for three looks
    turn._lacking = Tables("the tables lack 0001", "the tables lack 0001", "the tables lack 0002", None)
    session: Any = FakeSession(True)
    seen: list[tuple[str, str | None, int]] = []
    turn.beat = lambda: seen.append((turn.state, turn.lacks, len(session.asked)))

    # When it asks for its turn, then it has not asked for the lock before they were there
    turn.take(session)
    assert seen == [
        ("standby", "the tables lack 0001", 0),
        ("standby", "the tables lack 0001", 0),
        ("standby", "the tables lack 0002", 0),
    ]
    assert (turn.state, turn.lacks, len(session.asked)) == ("reader", None, 1)

    # And it has said so once
    assert [vars(line)["cause"] for line in caplog.records] == ["the tables lack 0001"]


def test_a_former_readers_patience_begins_when_the_tables_are_there(turn: Turn) -> None:
    take(turn, True)
    turn._lacking = Tables(*["the tables lack 0001"] * 99, None)
    take(turn, False, True)
    assert turn.state == "reader"


def test_a_stop_ends_the_waiting_for_the_tables(turn: Turn) -> None:
    turn._lacking = Tables("the tables lack 0001")
    turn._stopping.set()
    with pytest.raises(Stopping):
        take(turn, True)
    assert turn.state == "standby"
