"""The function dies after each of its effects, in the database and in Secrets Manager, and is tried again.

Effects inside the one transaction leave nothing, which is shown of each; those that last are died after in
every rotation, of either pair of users, and gone on from in every way.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from rotation import roles
from rotation.credentials import MIGRATORS, USERS
from rotation.database import LIMITS, session
from rotation.steps import STEPS
from tests.integration.rotations import Died, Plant

CHANGES = ("CREATE", "ALTER", "GRANT", "REVOKE", "COPY", "DO")
LASTS = ("COMMIT", "PutSecretValue", "UpdateSecretVersionStage")
Watch = Callable[[Callable[[str], None]], None]
# What a database has before the first rotation, and after one that died.
STATE = """
SELECT (SELECT count(*) FROM pg_roles WHERE rolname ~ '^millrace_' AND rolname <> 'millrace_master'),
    (SELECT count(*) FROM pg_namespace WHERE nspname = 'millrace'),
    (SELECT datacl::text FROM pg_database WHERE datname = current_database()),
    (SELECT nspacl::text FROM pg_namespace WHERE nspname = 'public'),
    (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')
"""


@dataclass
class Fuse:
    """Lets so many of these effects happen, then the function dies. `burnt` is what it died after."""

    effects: tuple[str, ...]
    left: int = 0
    burnt: list[str] = field(default_factory=list)

    def burn(self, what: str) -> None:
        if what.lstrip().startswith(self.effects):
            self.left -= 1
            if self.left == 0:
                self.burnt.append(what)
                raise Died


def test_a_death_in_the_first_rotation_s_transaction_leaves_nothing(plant: Plant, watch: Watch) -> None:
    fuse = Fuse(CHANGES)
    watch(fuse.burn)
    plant.manager.begin("v1")
    plant.take("createSecret", "v1")
    with plant.superuser() as connection:
        before = connection.execute(STATE).fetchone()
        died = True
        while died:
            fuse.left = len(fuse.burnt) + 1
            try:
                plant.take("setSecret", "v1")
                died = False
            except Died:
                assert connection.execute(STATE).fetchone() == before, fuse.burnt[-1]
    kinds = {statement.split()[0] for statement in fuse.burnt}
    assert kinds == set(CHANGES), "each was deadly"
    assert len(fuse.burnt) > 25
    for step in ("testSecret", "finishSecret"):
        plant.take(step, "v1")
    plant.check_settled("v1")


@pytest.mark.parametrize(
    ("pair", "resume"),
    [
        (USERS, "with the step"),
        (USERS, "anew"),
        (MIGRATORS, "from the start"),
    ],
)
def test_three_rotations_may_die_after_any_effect_that_lasts(
    plant: Plant, release: Plant, watch: Watch, resume: str, pair: tuple[str, str]
) -> None:
    # The first makes the users, the second gives the first one a new password, the third the second.
    ours, fuse = plant if pair == USERS else release, Fuse(LASTS)
    watch(fuse.burn)
    effects, died = 0, True
    while died:
        effects += 1
        ours.forget()
        ours.manager.tell = fuse.burn
        for turn in ("first", "second", "third"):
            died = rotate_with_a_death(ours, fuse, turn, effects, resume)
            assert ours.manager.labels["AWSCURRENT"] in (turn, f"{turn}-anew")
            ours.check_settled()
    assert ours.roles() == {*pair, "millrace_owner", "millrace_writer", "millrace_reader"}
    died_after = [what.partition("Secret")[0] for what in fuse.burnt[::3]]
    assert died_after == ["Put", "COMMIT", "Update", "COMMIT", "Update"]


def rotate_with_a_death(plant: Plant, fuse: Fuse, version: str, effects: int, resume: str) -> bool:
    """Rotate; die after so many effects and go on. False if there were not that many."""
    plant.manager.begin(version)
    fuse.left = effects
    for step in STEPS:
        try:
            plant.take(step, version)
        except Died:
            if resume == "with the step":
                plant.take(step, version)
            elif resume == "from the start":
                plant.steps(version)
                return True
            else:  # an operator gives that rotation up, and the next one comes
                plant.manager.cancel()
                plant.manager.labels.pop("AWSPENDING", None)
                plant.rotate(f"{version}-anew")
                return True
    return fuse.left <= 0


def test_a_session_of_a_function_that_was_frozen_lets_go_of_the_lock(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a function that stands still with the lock, and whose connection nobody closes
    plant.rotate("v1")
    monkeypatch.setitem(LIMITS, "idle_in_transaction_session_timeout", "200")
    with session(plant.value("AWSCURRENT"), str(plant.authority.ca_file)) as frozen:
        frozen.query("BEGIN")
        roles.lock(frozen)
        # then the next one waits for the server to end it, and goes on
        plant.rotate("v2")
    plant.check_settled("v2")
