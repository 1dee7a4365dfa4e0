"""A plan is sealed with what it was made of, and refused when any of that has moved."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from deployer.errors import (
    ArtefactReplaced,
    Busy,
)
from deployer.plan import Kind
from deployer.rollback_alarms import MissingAlarm
from deployer.seal import Seal, SealBroken, Unsealed
from deployer.told import Told
from parameters.settings import load
from tests.unit.deployer.planning import (
    ALARM,
    IMAGE,
    NAME,
    ROLE,
    bundle,
    holds_everything,
    planner,
    sealed,
    standing,
)


def test_a_plan_of_nothing_moved_holds(aws: Any, templates: Path) -> None:
    told = sealed(aws, templates)
    standing(aws)
    holds_everything(aws, templates)
    root = bundle(templates).root.body.decode()
    aws.says("get_template", {"TemplateBody": root}, StackName=told.stack_id, ChangeSetName=told.id)

    source = planner(aws, templates).verify(told)

    assert source.request.kind is Kind.UPDATE
    assert [alarm.arn for alarm in source.request.watch.alarms] == [ALARM]  # type: ignore[union-attr]


def test_a_plan_with_an_image_of_its_own_is_compared_with_that(aws: Any, templates: Path) -> None:
    another = f"sha256:{'b' * 64}"
    told = sealed(aws, templates, image=another)
    assert told.parameters["ImageDigest"] == another
    standing(aws)
    holds_everything(aws, templates)
    aws.says("get_template", {"TemplateBody": bundle(templates).root.body.decode()})

    planner(aws, templates).verify(told)


def test_a_plan_without_alarms_stays_without(aws: Any, templates: Path) -> None:
    told = sealed(aws, templates, watched=False)
    standing(aws, watched=False)
    holds_everything(aws, templates)
    aws.says("get_template", {"TemplateBody": bundle(templates).root.body.decode()})

    source = planner(aws, templates).verify(told)

    assert source.request.watch is not None
    assert source.request.watch.configuration()["RollbackTriggers"] == []


@pytest.mark.parametrize(
    ("changed", "clause"),
    [
        (
            {"status": "UPDATE_ROLLBACK_COMPLETE"},
            "stack status was UPDATE_COMPLETE, is UPDATE_ROLLBACK_COMPLETE",
        ),
        (
            {"operation": "Console-ExecuteChangeSet-1"},
            "stack operation was millrace-deploy-0, is Console-ExecuteChangeSet-1",
        ),
        ({"operation": None}, "stack operation was millrace-deploy-0, is event-2"),
        ({"parameters": {"ImageDigest": f"sha256:{'b' * 64}"}}, "parameter ImageDigest was #"),
        ({"role": f"{ROLE}-2"}, "role arn was #"),
        ({"outputs": {}}, "rollback alarms was #"),
    ],
)
def test_the_stack_moved_since_the_plan(
    aws: Any, templates: Path, changed: dict[str, Any], clause: str
) -> None:
    told = sealed(aws, templates)
    standing(aws, **changed)

    with pytest.raises(SealBroken) as refusal:
        planner(aws, templates).verify(told)

    assert str(refusal.value).startswith(f"{NAME} no longer fits millrace-dev: ")
    assert clause in str(refusal.value)
    assert str(refusal.value).endswith(". Plan again with `python deploy.py plan dev`; nothing was changed")
    assert refusal.value.exit_code == 1


@pytest.mark.parametrize(
    ("file", "clause"),
    [("inner.yaml", "template Outer/Inner was #"), ("platform.yaml", "template platform.yaml was #")],
)
def test_a_template_moved_since_the_plan(aws: Any, templates: Path, file: str, clause: str) -> None:
    told = sealed(aws, templates)
    standing(aws)
    text = (templates / file).read_text()
    (templates / file).write_text(text.replace("Resources:", "Metadata: {Changed: true}\nResources:"))

    with pytest.raises(SealBroken, match=clause):
        planner(aws, templates).verify(told)


def test_the_code_moved_since_the_plan(aws: Any, templates: Path) -> None:
    told = sealed(aws, templates)
    standing(aws)

    with pytest.raises(SealBroken, match=r"parameter RotationCodeKey was #.*, is #"):
        planner(aws, templates, build=lambda _: b"another").verify(told)


@pytest.mark.parametrize(
    ("field", "value", "clause"),
    [
        (
            "notification_address",
            "new@example.com",
            "parameter NotificationAddress was platform-alerts@example.com, is new@example.com",
        ),
        ("tags", {"Environment": "dev", "Project": "mill"}, "tag ManagedBy was cloudformation, and is gone"),
        ("rollback_minutes", 7, "rollback minutes was 5, is 7"),
        ("account", "444455556666", "account id was 111122223333, is 444455556666"),
        ("region", "eu-west-1", "account region was eu-west-2, is eu-west-1"),
    ],
)
def test_the_parameters_file_moved_since_the_plan(
    aws: Any, templates: Path, field: str, value: object, clause: str
) -> None:
    told = sealed(aws, templates)
    standing(aws)
    environment = msgspec.structs.replace(load("dev"), **{field: value})

    with pytest.raises(SealBroken, match=clause):
        planner(aws, templates, environment).verify(told)


def test_capabilities_moved_since_the_plan(aws: Any, templates: Path) -> None:
    told = sealed(aws, templates)
    standing(aws)
    text = (templates / "inner.yaml").read_text()
    (templates / "inner.yaml").write_text(text.replace("RoleName", "Path"))

    with pytest.raises(
        SealBroken, match="capability list was CAPABILITY_IAM,CAPABILITY_NAMED_IAM, is CAPABILITY_IAM;"
    ):
        planner(aws, templates).verify(told)


def test_a_value_in_the_parameter_store_moved_since_the_plan(aws: Any, templates: Path) -> None:
    text = (templates / "inner.yaml").read_text()
    (templates / "inner.yaml").write_text(
        text.replace("!Sub worker-${AWS::Region}", "'{{resolve:ssm:/plant/size}}'")
    )
    told = sealed(aws, templates, ssm=[1])
    standing(aws, ssm=[2])

    with pytest.raises(
        SealBroken, match="ssm /plant/size was version 1 #4b227777d4dd, is version 2 #4b227777d4dd"
    ):
        planner(aws, templates).verify(told)


def test_an_artefact_that_is_gone_from_the_bucket_is_refused(aws: Any, templates: Path) -> None:
    told = sealed(aws, templates)
    standing(aws)
    first, *others = bundle(templates).artefacts
    aws.refuses("get_object", "NoSuchKey", service="s3")
    for artefact in others:
        aws.has(artefact.body)

    with pytest.raises(SealBroken, match=f"artefact {first.key} was there, and is gone"):
        planner(aws, templates).verify(told)


def test_an_artefact_that_was_replaced_in_the_bucket_is_refused(aws: Any, templates: Path) -> None:
    told = sealed(aws, templates)
    standing(aws)
    aws.has(b"another")

    with pytest.raises(ArtefactReplaced):
        planner(aws, templates).verify(told)


def test_a_stack_that_was_created_since_the_plan_is_refused(aws: Any, templates: Path) -> None:
    aws.no_stack()
    aws.bootstrapped()
    source = planner(aws, templates)._sources.read("millrace-dev", IMAGE)
    told = Told(
        aws.change_set_id(NAME),
        NAME,
        aws.stack_id("millrace-dev"),
        "millrace-dev",
        Seal.of(source.facts, NAME, "millrace-dev").text(),
        {"ImageDigest": IMAGE},
        {},
        (),
    )
    standing(aws, watched=False)

    with pytest.raises(
        SealBroken, match=r"stack id was none, is 1; .*stack status was none, is UPDATE_COMPLETE"
    ):
        planner(aws, templates).verify(told)


def test_an_operation_that_began_since_the_plan_is_refused(aws: Any, templates: Path) -> None:
    told = sealed(aws, templates)
    aws.stack(status="UPDATE_IN_PROGRESS")

    with pytest.raises(Busy, match="another operation is under way"):
        planner(aws, templates).verify(told)


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("parameters", {"ImageDigest": IMAGE}, "whose parameters differ"),
        ("tags", {"Environment": "prod"}, "whose tags differ"),
        ("capabilities", ("CAPABILITY_AUTO_EXPAND",), "whose capabilities differ"),
        ("id", "another", "whose template differs"),
    ],
)
def test_a_seal_that_another_wrote_is_refused(
    aws: Any, templates: Path, field: str, value: Any, why: str
) -> None:
    told = sealed(aws, templates, image=IMAGE)
    standing(aws)
    holds_everything(aws, templates)
    if field == "id":
        aws.says("get_template", {"TemplateBody": "Resources: {Mine: {Type: 'AWS::IAM::User'}}"})

    with pytest.raises(Unsealed, match=f"its seal does not speak of this change set, {why}"):
        planner(aws, templates).verify(replace(told, **{field: value}))


def test_an_alarm_that_went_missing_since_the_plan_is_refused(aws: Any, templates: Path) -> None:
    told = sealed(aws, templates)
    standing(aws, alarms=[])

    with pytest.raises(MissingAlarm, match="the alarm Lag"):
        planner(aws, templates).verify(told)


def test_a_bootstrap_that_moved_names_its_own_command(aws: Any, templates: Path) -> None:
    aws.stack("millrace-dev-bootstrap")
    aws.tells("millrace-dev-bootstrap")
    source = planner(aws, templates)._sources.read("millrace-dev-bootstrap", None)
    sealed_text = Seal.of(source.facts, NAME, "millrace-dev-bootstrap").text()
    told = Told("id", NAME, "s", "millrace-dev-bootstrap", sealed_text, {}, {}, ())
    aws.stack("millrace-dev-bootstrap", status="UPDATE_ROLLBACK_COMPLETE")
    aws.tells("millrace-dev-bootstrap")

    with pytest.raises(SealBroken, match=r"Plan again with `python deploy\.py bootstrap dev`"):
        planner(aws, templates).verify(told)
