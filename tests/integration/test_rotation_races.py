"""Two calls of the function at once: a step twice, or a late one that wakes when another rotation has begun.

The late call stands still at each of its points in turn while the other runs. Whatever comes of it, what the
application reads logs in afterwards, and the next rotation ends as it should.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest
from botocore.exceptions import ClientError

from rotation.database import LIMITS
from rotation.errors import DatabaseUnreachable, GateClosed, RotationError
from rotation.steps import STEPS
from tests.integration.rotations import Plant

# Where it matters that another call comes between: once the gate was found open, before the lock and under
# it, once a label or a value was written, and once what was done under the lock is committed.
POINTS = ("Describe", "Put", "Update", "BEGIN", "COMMIT")
Watch = Callable[[Callable[[str], None]], None]


class Late:
    """Makes the thread that is called `late` stand still at its nth point."""

    def __init__(self, point: int) -> None:
        self._left = point
        self.stands = threading.Event()
        self.goes_on = threading.Event()

    def pass_by(self, what: str) -> None:
        if not threading.current_thread().name.startswith("late") or not what.lstrip().startswith(POINTS):
            return
        self._left -= 1
        if self._left == 0:
            self.stands.set()
            assert self.goes_on.wait(30)


class Race:
    """Late calls on one plant: rotation after rotation, each of them with a name of its own."""

    def __init__(self, plant: Plant, watch: Watch) -> None:
        self.plant = plant
        self.late = Late(0)
        self._names = iter(range(1000))
        watch(self.pass_by)
        plant.manager.tell = self.pass_by

    def pass_by(self, what: str) -> None:
        self.late.pass_by(what)

    def name(self) -> str:
        return f"v{next(self._names)}"

    @contextmanager
    def standing(self, step: str, version: str, point: int) -> Iterator[bool]:
        """The step stands still at that point meanwhile; False if it has fewer points and is over."""
        self.late = Late(point)
        with ThreadPoolExecutor(1, thread_name_prefix="late") as threads:
            call: Future[None] = threads.submit(self.plant.take, step, version)
            call.add_done_callback(lambda _: self.late.stands.set())
            assert self.late.stands.wait(30)
            try:
                yield not call.done()
            finally:
                self.late.goes_on.set()
                refused = call.exception(30)
        assert isinstance(refused, RotationError | ClientError | None), refused

    def begin(self, until: str) -> str:
        """A new rotation, done up to and without that step."""
        version = self.name()
        self.plant.manager.begin(version)
        for step in STEPS:
            if step == until:
                break
            self.plant.take(step, version)
        return version

    def check_logins(self) -> None:
        """What the application reads logs in, now, before anybody has mended anything; what it read before,
        too, unless a rotation is under way that gives that user a new password.
        """
        self.plant.connect(self.plant.value("AWSCURRENT")).close()
        if "AWSPENDING" not in self.plant.manager.labels:
            self.plant.connect(self.plant.value("AWSPREVIOUS")).close()

    def go_on(self) -> None:
        """What Secrets Manager does next: it tries again what is pending."""
        labels = self.plant.manager.labels
        pending = labels.get("AWSPENDING")
        if pending is not None and pending != labels["AWSCURRENT"]:
            self.plant.manager.begin(pending)
            with suppress(RotationError):
                self.plant.steps(pending)
        self.plant.check_settled()


@pytest.fixture
def race(plant: Plant, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> Race:
    monkeypatch.setitem(LIMITS, "lock_timeout", "50")  # milliseconds: who holds the lock stands still
    return Race(plant, watch)


@pytest.mark.parametrize(
    ("step", "first"),
    [("createSecret", False), ("setSecret", True), ("setSecret", False), ("finishSecret", False)],
)
def test_a_step_may_be_asked_for_twice_at_once(race: Race, step: str, first: bool) -> None:
    if not first:
        race.plant.rotate(race.name())
    point, stood = 0, True
    while stood:
        point += 1
        if first:
            race.plant.forget()
            race.plant.manager.tell = race.pass_by
        version = race.begin(step)
        with race.standing(step, version, point) as stood, suppress(DatabaseUnreachable):
            race.plant.take(step, version)  # waits for the lock in vain where the other one holds it
        if not first:
            race.check_logins()
        race.plant.manager.begin(version)
        race.plant.steps(version)
        race.plant.check_settled(version)
    assert point > 3


@pytest.mark.parametrize(
    ("step", "newer"),
    [
        ("createSecret", ["the end"]),
        ("setSecret", ["testSecret"]),
        ("setSecret", ["the end", "the end"]),  # the second gives the late one's user its password again
        ("finishSecret", ["testSecret"]),
        ("finishSecret", ["the end"]),
    ],
)
def test_a_late_step_does_not_undo_a_newer_rotation(race: Race, step: str, newer: list[str]) -> None:
    race.plant.rotate(race.name())
    point, stood = 0, True
    while stood:
        point += 1
        version = race.begin(step)
        with race.standing(step, version, point) as stood, suppress(DatabaseUnreachable):
            # An operator gives the rotation up, as docs/rotation.md says, and begins another one.
            race.plant.manager.cancel()
            if race.plant.manager.labels.get("AWSPENDING") == version:
                del race.plant.manager.labels["AWSPENDING"]
            for until in newer:
                race.begin(until)
        race.check_logins()
        race.go_on()
    assert point > 3
    race.plant.rotate(race.name())
    race.plant.check_settled()


def test_a_rotation_that_was_cancelled_stops_at_its_next_step_and_is_taken_up_again(plant: Plant) -> None:
    plant.rotate("v0")
    plant.manager.begin("v1")
    plant.take("createSecret", "v1")
    plant.manager.cancel()
    for step in STEPS:
        with pytest.raises(GateClosed, match=r"rotation is not enabled.*aws secretsmanager rotate-secret"):
            plant.take(step, "v1")
    plant.manager.begin("v1")  # RotateSecret: "will be reattempted"
    plant.steps("v1")
    plant.check_settled("v1")


@pytest.mark.parametrize("step", STEPS)
def test_a_label_that_was_taken_away_by_hand_stops_the_step(plant: Plant, step: str) -> None:
    plant.rotate("v0")
    plant.manager.begin("v1")
    del plant.manager.labels["AWSPENDING"]
    with pytest.raises(GateClosed, match="no version v1 is labelled AWSPENDING"):
        plant.take(step, "v1")
    plant.rotate("v2")
    plant.check_settled("v2")


def test_the_version_of_before_labelled_pending_by_hand_becomes_current_again(plant: Plant) -> None:
    plant.rotate("v1")
    plant.rotate("v2")
    plant.manager.begin("v1")
    plant.steps("v1")
    plant.check_settled("v1")
    plant.rotate("v3")
    plant.check_settled("v3")


def test_a_late_repetition_leaves_a_newer_rotation_alone(plant: Plant) -> None:
    plant.rotate("v1")
    plant.manager.begin("v2")
    plant.take("createSecret", "v2")
    plant.take("finishSecret", "v1")
    plant.steps("v2")
    plant.check_settled("v2")
