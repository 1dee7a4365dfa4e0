"""What a rotation does not do, whoever asks: another cluster, another user, a role of somebody else's."""

import json

import pytest

from rotation.credentials import MIGRATORS, USERS
from rotation.errors import RolesForeign, TargetRefused
from rotation.steps import STEPS
from tests.integration.rotations import Plant


@pytest.fixture
def no_login(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        pytest.fail("somebody was logged in")

    monkeypatch.setattr("rotation.steps.session", refuse)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("changes", [{"host": "127.0.0.1"}, {"port": 5433}, {"dbname": "postgres"}])
def test_another_target_is_refused_before_any_login(
    plant: Plant, changes: dict[str, object], step: str, no_login: None
) -> None:
    plant.put_pending("v1", **changes)
    with pytest.raises(TargetRefused):
        plant.take(step, "v1")
    assert plant.manager.labels["AWSCURRENT"] == "initial"


@pytest.mark.parametrize("step", STEPS)
def test_a_secret_of_another_cluster_is_refused_before_any_login(
    plant: Plant, step: str, no_login: None
) -> None:
    # given a secret whose versions agree with each other, and name another instance of the same region
    plant.put_pending("v1", host="theirs.abc.eu-west-2.rds.amazonaws.com")
    current = json.loads(plant.manager.values["initial"] or "")
    current["host"] = "theirs.abc.eu-west-2.rds.amazonaws.com"
    plant.manager.values["initial"] = json.dumps(current)
    with pytest.raises(TargetRefused, match=r"AWSCURRENT's host is 'theirs\.abc.*'localhost' alone"):
        plant.take(step, "v1")
    assert plant.manager.labels["AWSCURRENT"] == "initial"
    assert plant.roles() == set()


@pytest.mark.parametrize("step", ["createSecret", "setSecret", "finishSecret"])
@pytest.mark.parametrize("username", [USERS[1], MIGRATORS[0]])
def test_a_user_that_is_not_the_alternate_is_refused(plant: Plant, step: str, username: str) -> None:
    plant.rotate("v1")
    plant.put_pending("v2", username=username, password="cHoSeN")
    with pytest.raises(TargetRefused, match="only 'millrace_app' may follow"):
        plant.take(step, "v2")
    assert plant.manager.labels["AWSCURRENT"] == "v1"
    plant.connect(plant.value("AWSCURRENT")).close()


def test_a_version_that_was_planted_does_not_stand_in_the_way(plant: Plant) -> None:
    plant.rotate("v1")
    plant.put_pending("planted", host="elsewhere")
    with pytest.raises(TargetRefused):
        plant.take("createSecret", "planted")
    plant.rotate("v2")  # which Secrets Manager refuses while another version is labelled AWSPENDING
    plant.check_settled("v2")


def test_a_rehearsal_may_test_a_copy_of_current(plant: Plant) -> None:
    plant.rotate("v1")
    plant.manager.begin("rehearsal")
    plant.manager.values["rehearsal"] = plant.manager.values["v1"]
    plant.take("testSecret", "rehearsal")


def test_a_role_that_somebody_else_made_is_not_taken_over(plant: Plant) -> None:
    with plant.superuser() as connection:
        connection.execute("CREATE ROLE millrace_owner")
    plant.manager.begin("v1")
    plant.take("createSecret", "v1")
    with pytest.raises(RolesForeign, match="millrace_owner exists, and the master may not manage it"):
        plant.take("setSecret", "v1")
    assert plant.roles() == {"millrace_owner"}


def test_a_schema_that_somebody_else_made_is_not_taken_over(plant: Plant) -> None:
    with plant.superuser() as connection:
        connection.execute("CREATE SCHEMA millrace")
    plant.manager.begin("v1")
    plant.take("createSecret", "v1")
    with pytest.raises(RolesForeign, match=r"the schema millrace belongs to postgres: .* ALTER SCHEMA"):
        plant.take("setSecret", "v1")
    assert plant.roles() == set()
