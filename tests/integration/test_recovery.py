"""Every stuck state of the embedded AWS, from the failure to where the stack takes changes again."""

import shutil
from pathlib import Path

import pytest

from deployer import diagnosis, recovering, recovery
from deployer.deployment import Deployment
from deployer.errors import ChangeSetFailed, DeploymentFailed, Stuck
from deployer.events import Silence
from local.aws import EmbeddedAws
from local.aws.faults import Fault
from tests.integration.deployments import TAGS, TEMPLATES, Deploys

NESTING = """\
Resources:
  {name}:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: {file}
      Tags:
"""
INNER = """\
Resources:
  First:
    Type: AWS::SNS::Topic
    Properties:
      DisplayName: {name}
  Second:
    Type: AWS::SNS::Topic
    DependsOn: First
    Properties:
      DisplayName: {name}
"""


@pytest.fixture
def emitted(tmp_path: Path) -> Path:
    """Three levels: Outer nests Inner, which has two topics."""
    directory = tmp_path / "templates"
    directory.mkdir()
    shutil.copy(TEMPLATES / "bootstrap.yaml", directory)
    (directory / "platform.yaml").write_text(NESTING.format(name="Outer", file="outer.yaml") + TAGS)
    (directory / "outer.yaml").write_text(NESTING.format(name="Inner", file="inner.yaml") + TAGS)
    (directory / "inner.yaml").write_text(INNER.format(name="a"))
    return directory


@pytest.fixture
def deployment(deploys: Deploys, emitted: Path) -> Deployment:
    made = deploys(emitted)
    made.bootstrap(Silence())
    return made


def test_update_rollback_failed_is_recovered_by_skipping_what_blocks(
    own_aws: EmbeddedAws, emitted: Path, deployment: Deployment
) -> None:
    deployment.apply(deployment.plan(), Silence())
    (emitted / "inner.yaml").write_text(INNER.format(name="b"))
    plan = deployment.plan()
    own_aws.inject(
        Fault(logical_id="Second", action="update", message="no such name"),
        Fault(logical_id="First", action="revert", message="it is gone"),
    )
    with pytest.raises(DeploymentFailed, match="Outer/Inner/Second"):
        deployment.apply(plan, Silence())
    with pytest.raises(Stuck, match=r"deploy\.py recover dev"):
        deployment.plan()

    told = diagnosis.diagnose(deployment.target, emitted)
    assert told.cause is not None
    assert (told.cause.path, told.cause.reason) == ("Outer/Inner/Second", "no such name")
    assert [failing.path for failing in told.going_back] == ["Outer/Inner/First"]

    found = recovery.look(deployment.target, deployment.stack_name)
    assert [remnant.path for remnant in found.blocking] == ["Outer/Inner/First"]
    with pytest.raises(DeploymentFailed, match="it is gone"):
        recovering.perform(deployment.target, found, recovery.Choice(), Silence())
    choice = recovery.choose(found, ["Outer/Inner/First"], [], force=False)
    recovering.perform(deployment.target, found, choice, Silence())
    assert recovery.look(deployment.target, deployment.stack_name).status == "UPDATE_ROLLBACK_COMPLETE"
    after = diagnosis.diagnose(deployment.target, emitted)
    assert (after.cause, after.operation) == (told.cause, told.operation)


@pytest.mark.parametrize("how", ["retain", "force"])
def test_delete_failed_is_recovered_by_keeping_what_cannot_be_deleted(
    own_aws: EmbeddedAws, emitted: Path, deployment: Deployment, how: str
) -> None:
    deployment.apply(deployment.plan(), Silence())
    own_aws.inject(Fault(logical_id="First", action="delete", message="not empty"))
    with pytest.raises(DeploymentFailed, match=r"Outer/Inner/First .* not empty"):
        deployment.destroy(Silence())

    found = recovery.look(deployment.target, deployment.stack_name)
    assert found.status == "DELETE_FAILED"
    assert "Outer/Inner/First" in [remnant.path for remnant in found.blocking]
    retain = ["Outer/Inner/First"] if how == "retain" else []
    choice = recovery.choose(found, [], retain, force=how == "force")
    kept = recovering.perform(deployment.target, found, choice, Silence())

    assert "Outer/Inner/First" in [remnant.path for remnant in kept]


def test_a_failed_creation_is_deleted_and_made_again(own_aws: EmbeddedAws, deployment: Deployment) -> None:
    plan = deployment.plan()
    own_aws.inject(Fault(logical_id="Second", action="create", message="no quota"))
    with pytest.raises(
        DeploymentFailed, match=r"ROLLBACK_COMPLETE; first cause: Outer/Inner/Second .* no quota"
    ):
        deployment.apply(plan, Silence())
    own_aws.inject()

    found = recovery.look(deployment.target, deployment.stack_name)
    recovering.perform(deployment.target, found, recovery.Choice(), Silence())
    deployment.apply(deployment.plan(), Silence())

    assert deployment.status().status == "CREATE_COMPLETE"


def test_a_change_set_failed_by_validation_names_the_template_path_and_line(
    emitted: Path, deployment: Deployment
) -> None:
    (emitted / "inner.yaml").write_text(INNER.format(name="a").replace("DisplayName", "DisplayNmae", 1))

    finding = r"First /Resources/First/Properties.*inner\.yaml:\d, run `make build`"
    with pytest.raises(ChangeSetFailed, match=finding):
        deployment.plan()
