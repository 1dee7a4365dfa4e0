"""The gate and the labels, against Secrets Manager in memory."""

import json

import pytest
from botocore.exceptions import ClientError

from rotation.credentials import parse
from rotation.errors import GateClosed, SecretInvalid
from rotation.memory import SecretsManagerInMemory
from rotation.versions import Versions, read_master

VALUE = json.dumps(
    {"host": "h", "port": 5432, "dbname": "millrace", "username": "millrace_app", "password": "one"}
)


@pytest.fixture
def manager() -> SecretsManagerInMemory:
    made = SecretsManagerInMemory("app", VALUE, {"master": '{"username": "m", "password": "p"}'})
    made.begin("new")
    return made


@pytest.fixture
def versions(manager: SecretsManagerInMemory) -> Versions:
    return Versions(manager, "app", "new", None)


def test_the_gate_opens_for_the_rotation_under_way(versions: Versions) -> None:
    assert versions.open_gate() is True


def test_the_gate_says_that_it_is_done(manager: SecretsManagerInMemory) -> None:
    assert Versions(manager, "app", "initial", None).open_gate() is False


def test_the_gate_is_closed_without_rotation(manager: SecretsManagerInMemory, versions: Versions) -> None:
    manager.rotation_enabled = False
    with pytest.raises(GateClosed, match="not enabled"):
        versions.open_gate()


def test_the_gate_is_closed_for_an_unknown_version(manager: SecretsManagerInMemory) -> None:
    with pytest.raises(GateClosed, match="no version other is labelled"):
        Versions(manager, "app", "other", None).open_gate()


def test_the_gate_is_closed_for_a_version_that_lost_its_label(
    manager: SecretsManagerInMemory, versions: Versions
) -> None:
    manager.labels["AWSPREVIOUS"] = "new"
    del manager.labels["AWSPENDING"]
    with pytest.raises(
        GateClosed, match=r"no version new .*aws secretsmanager rotate-secret --secret-id app"
    ):
        versions.open_gate()


def test_an_empty_version_has_no_value_until_it_is_filled(versions: Versions) -> None:
    assert versions.pending() is None
    value = parse(VALUE, "AWSCURRENT").successor()
    versions.fill(value)
    assert versions.pending() == value
    versions.fill(value)


def test_a_value_that_another_call_filled_in_just_before_stays(versions: Versions) -> None:
    theirs = parse(VALUE, "AWSCURRENT").successor()
    versions.fill(theirs)
    versions.fill(theirs.successor())
    assert versions.pending() == theirs


def test_what_else_goes_wrong_while_filling_is_told(manager: SecretsManagerInMemory) -> None:
    with pytest.raises(ClientError, match="find the specified secret"):
        Versions(manager, "another", "new", None).fill(parse(VALUE, "AWSCURRENT"))


def test_a_binary_value_is_refused_as_no_json() -> None:
    class Binary(SecretsManagerInMemory):
        def get_secret_value(self, **request: str) -> dict[str, object]:
            answer = super().get_secret_value(**request)
            return {"VersionId": answer["VersionId"], "SecretBinary": b"x"}

    with pytest.raises(SecretInvalid, match="AWSCURRENT is not a JSON object"):
        Versions(Binary("app", VALUE, {}), "app", "new", None).current()


def test_what_was_current_before_is_read_if_there_was_any(
    manager: SecretsManagerInMemory, versions: Versions
) -> None:
    assert versions.previous() is None
    versions.fill(parse(VALUE, "AWSCURRENT").successor())
    versions.promote(over="initial")
    assert versions.previous() == parse(VALUE, "AWSPREVIOUS")
    assert versions.current().version == "new"


def test_promotion_keeps_the_former_as_previous(manager: SecretsManagerInMemory, versions: Versions) -> None:
    versions.fill(parse(VALUE, "AWSCURRENT").successor())
    versions.promote(over="initial")
    assert manager.labels == {"AWSCURRENT": "new", "AWSPREVIOUS": "initial", "AWSPENDING": "new"}
    for _ in range(2):
        versions.drop_pending()
        assert manager.labels == {"AWSCURRENT": "new", "AWSPREVIOUS": "initial"}


def test_a_label_of_a_newer_rotation_stays(manager: SecretsManagerInMemory, versions: Versions) -> None:
    versions.fill(parse(VALUE, "AWSCURRENT").successor())
    versions.promote(over="initial")
    manager.begin("newer")
    versions.drop_pending()
    assert manager.labels["AWSPENDING"] == "newer"


def test_promotion_over_a_version_that_is_not_current_any_more_is_refused(
    manager: SecretsManagerInMemory, versions: Versions
) -> None:
    versions.fill(parse(VALUE, "AWSCURRENT").successor())
    manager.labels["AWSCURRENT"] = "newer"
    with pytest.raises(ClientError, match="AWSCURRENT is on newer"):
        versions.promote(over="initial")
    assert manager.labels["AWSCURRENT"] == "newer"


def test_strays_are_left_alone_once_the_label_is_another_rotation_s(
    manager: SecretsManagerInMemory, versions: Versions
) -> None:
    manager.labels["AWSPENDING"] = "newer"
    with pytest.raises(GateClosed, match="version new has lost AWSPENDING, which newer has now"):
        versions.drop_strays()
    assert manager.labels["AWSPENDING"] == "newer"


def test_a_rotation_is_refused_while_another_has_its_label(manager: SecretsManagerInMemory) -> None:
    with pytest.raises(ClientError, match="previous rotation isn't complete"):
        manager.begin("newer")


@pytest.mark.parametrize("value", [None, VALUE], ids=["empty", "filled"])
def test_strays_are_dropped(value: str | None) -> None:
    class Lenient(SecretsManagerInMemory):
        """A service that lets two versions have the label, as an emulator may."""

        def describe_secret(self, *, SecretId: str) -> dict[str, object]:
            described = super().describe_secret(SecretId=SecretId)
            described["VersionIdsToStages"].update({"stray": ["AWSPENDING"]} if self.has_stray else {})
            return described

        def update_secret_version_stage(self, **request: str) -> dict[str, object]:
            if request.get("RemoveFromVersionId") == "stray":
                self.has_stray = False
                return {}
            return super().update_secret_version_stage(**request)

        has_stray = True

    manager = Lenient("app", VALUE, {})
    manager.values["stray"] = value
    manager.begin("new")
    versions = Versions(manager, "app", "new", None)

    assert versions.drop_strays() == ["stray"]
    assert versions.drop_strays() == []
    assert manager.labels["AWSPENDING"] == "new"


def test_the_rotation_token_goes_with_the_value(manager: SecretsManagerInMemory) -> None:
    seen = {}

    class Watched(SecretsManagerInMemory):
        def put_secret_value(self, **request: object) -> dict[str, object]:
            seen.update(request)
            return super().put_secret_value(**request)

    watched = Watched("app", VALUE, {})
    watched.begin("new")
    Versions(watched, "app", "new", "proof").fill(parse(VALUE, "AWSCURRENT").successor())
    assert seen["RotationToken"] == "proof"


def test_the_master_is_read_from_its_own_secret(manager: SecretsManagerInMemory) -> None:
    assert read_master(manager, "master") == ("m", "p")
    with pytest.raises(SecretInvalid):
        read_master(SecretsManagerInMemory("app", VALUE, {"master": "p"}), "master")
