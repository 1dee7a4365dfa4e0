"""A plan is sealed with what it was made of, and refused when any of that has moved."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from deployer.artefacts import Bundle, collect
from deployer.changes import Counts
from deployer.changeset import ChangeSets
from deployer.errors import (
    ArtefactReplaced,
    BadImage,
    BadPlan,
    Busy,
    ChangeSetFailed,
    PlanOutdated,
    WrongAccount,
)
from deployer.plan import Kind
from deployer.planner import Planner
from deployer.rollback_alarms import MissingAlarm
from deployer.seal import Seal, SealBroken, Unsealed
from deployer.sources import Sources
from deployer.target import Target
from deployer.told import Told
from parameters.settings import Environment, load

IMAGE = f"sha256:{'a' * 64}"
NAME = "millrace-deploy-1"
TAGS = [{"Key": key, "Value": value} for key, value in load("dev").tags.items()]
ALARM = "arn:aws:cloudwatch:eu-west-2:111122223333:alarm:Lag"
ROLE = "arn:aws:iam::111122223333:role/millrace-dev-bootstrap-Execution"
EMPTY = "didn't contain changes"


def code(_: str) -> bytes:
    return b"code of rotation"


def bundle(directory: Path) -> Bundle:
    return collect(directory, "artefacts", "eu-west-2", code)


def planner(
    aws: Any,
    directory: Path,
    environment: Environment | None = None,
    build: Callable[[str], bytes] = code,
) -> Planner:
    tokens = iter(f"millrace-deploy-{number}" for number in range(1, 100))
    target = Target(environment or load("dev"), aws.session, 1.0, aws.clock, lambda: next(tokens))
    change_sets = ChangeSets(aws.cloudformation, aws.clock, 1.0)
    return Planner(target, Sources(target, directory, build), change_sets)


def event(aws: Any, stack: str, token: str | None, *, of: str = "") -> dict[str, Any]:
    told: dict[str, Any] = aws.event(
        stack, of or stack, "UPDATE_COMPLETE", 0, physical=of or aws.stack_id(stack)
    )
    return told | ({"ClientRequestToken": token} if token else {})


def standing(aws: Any, **changed: Any) -> None:
    """What is read of AWS for an update, with what `changed` of it."""
    stack = {
        "parameters": {"ImageDigest": IMAGE},
        "outputs": {"RollbackAlarms": ALARM},
        "status": "UPDATE_COMPLETE",
        "Tags": TAGS,
    }
    for name in stack.keys() & changed.keys():
        stack[name] = changed[name]
    aws.stack(**stack)
    events = [event(aws, "millrace-dev", changed.get("operation", "millrace-deploy-0"))]
    aws.tells("millrace-dev", *events)
    first = {"ArtefactBucket": "artefacts", "ExecutionRoleArn": changed.get("role", ROLE)}
    aws.stack("millrace-dev-bootstrap", "CREATE_COMPLETE", outputs=first)
    if "RollbackAlarms" in stack["outputs"] and changed.get("watched", True):
        alarms = [
            {"AlarmName": "Lag", "AlarmArn": arn, "StateValue": "OK"}
            for arn in changed.get("alarms", [ALARM])
        ]
        aws.answers("cloudwatch", "describe_alarms", {"MetricAlarms": alarms})
    for version in changed.get("ssm", []):
        stored = {"Name": "/plant/size", "Version": version, "Type": "String", "Value": "4"}
        aws.answers("ssm", "get_parameters", {"Parameters": [stored]})


def holds_everything(aws: Any, directory: Path) -> None:
    for artefact in bundle(directory).artefacts:
        aws.has(artefact.body, artefact.key)


def sealed(aws: Any, directory: Path, **changed: Any) -> Told:
    """A change set as it says of itself, sealed while the world was as `changed` says."""
    standing(aws, **changed)
    made = planner(aws, directory)
    source = made._sources.read("millrace-dev", changed.get("image"), watched=changed.get("watched", True))
    given = {name: value for name, value in source.request.parameters.items() if value is not None}
    return Told(
        id=aws.change_set_id(NAME),
        name=NAME,
        stack_id=aws.stack_id("millrace-dev"),
        stack_name="millrace-dev",
        description=Seal.of(source.facts, NAME, "millrace-dev").text(),
        parameters=given,
        tags=dict(source.request.tags),
        capabilities=source.request.capabilities,
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


def test_a_plan_is_made_with_its_seal_its_role_and_its_alarms(aws: Any, templates: Path) -> None:
    told = sealed(aws, templates)
    aws.account()
    standing(aws)
    holds_everything(aws, templates)
    code_key = bundle(templates).rotation_code.key
    given = {
        "NotificationAddress": "platform-alerts@example.com",
        "ArtefactBucket": "artefacts",
        "RotationCodeKey": code_key,
    }
    parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]
    trigger = {"Arn": ALARM, "Type": "AWS::CloudWatch::Alarm"}
    aws.says(
        "create_change_set",
        {"Id": aws.change_set_id(NAME), "StackId": aws.stack_id("millrace-dev")},
        StackName="millrace-dev",
        ChangeSetName=NAME,
        ClientToken=NAME,
        ChangeSetType="UPDATE",
        IncludeNestedStacks=True,
        TemplateURL=f"https://s3.eu-west-2.amazonaws.com/artefacts/{bundle(templates).root.key}",
        Parameters=[{"ParameterKey": "ImageDigest", "UsePreviousValue": True}, *parameters],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
        Tags=TAGS,
        RoleARN=ROLE,
        RollbackConfiguration={"RollbackTriggers": [trigger], "MonitoringTimeInMinutes": 5},
        Description=told.description,
    )
    aws.change_set("millrace-dev", [aws.change("Queue")], name=NAME)
    aws.says("list_change_sets", {"Summaries": []})

    plan = planner(aws, templates).plan("millrace-dev")

    assert (plan.kind, plan.token, plan.counts) == (Kind.UPDATE, NAME, Counts(add=1))


def test_wrong_account_is_refused_before_anything_is_uploaded(aws: Any, templates: Path) -> None:
    aws.account("444455556666")

    with pytest.raises(WrongAccount, match=r"444455556666 .*nothing was changed"):
        planner(aws, templates).plan("millrace-dev", IMAGE)


def test_a_digest_that_is_none_is_refused(aws: Any, templates: Path) -> None:
    with pytest.raises(BadImage, match="'latest'; it must be a digest"):
        planner(aws, templates).plan("millrace-dev", "latest")


def creates(aws: Any, directory: Path, *, status: str | None = None) -> None:
    """A first plan, up to its change set."""
    aws.account()
    aws.stack(status=status) if status else aws.no_stack()
    aws.bootstrapped()
    holds_everything(aws, directory)
    aws.says("create_change_set", {"Id": aws.change_set_id(NAME), "StackId": aws.stack_id("millrace-dev")})


def test_change_set_empty_leaves_nothing_and_is_nothing_to_do(aws: Any, templates: Path) -> None:
    aws.account()
    standing(aws)
    holds_everything(aws, templates)
    aws.says("create_change_set", {"Id": aws.change_set_id(NAME), "StackId": aws.stack_id("millrace-dev")})
    aws.change_set("millrace-dev", [], name=NAME, status="FAILED", reason=EMPTY)
    aws.says("list_change_sets", {"Summaries": []})
    aws.says("delete_change_set", {}, ChangeSetName=aws.change_set_id(NAME))
    aws.refuses("describe_change_set", "ChangeSetNotFound")

    assert planner(aws, templates).plan("millrace-dev").is_empty


def test_zero_resource_changes_but_outputs_or_tags_differ_is_kept_to_be_executed(
    aws: Any, templates: Path
) -> None:
    aws.account()
    standing(aws)
    holds_everything(aws, templates)
    aws.says("create_change_set", {"Id": aws.change_set_id(NAME), "StackId": aws.stack_id("millrace-dev")})
    aws.change_set("millrace-dev", [], name=NAME)
    aws.says("list_change_sets", {"Summaries": []})

    plan = planner(aws, templates).plan("millrace-dev")

    assert (plan.counts, plan.is_empty, plan.change_set_id) == (Counts(), False, aws.change_set_id(NAME))


@pytest.mark.parametrize("status", [None, "REVIEW_IN_PROGRESS"])
def test_no_stack_or_review_in_progress_is_created_and_old_leftovers_go(
    aws: Any, templates: Path, status: str | None
) -> None:
    creates(aws, templates, status=status)
    aws.change_set("millrace-dev", [aws.change("Queue")], name=NAME)
    made = {
        "ChangeSetName": NAME,
        "ChangeSetId": aws.change_set_id(NAME),
        "CreationTime": datetime(2026, 1, 10, tzinfo=UTC),
    }
    old = {
        **made,
        "ChangeSetName": "millrace-deploy-old",
        "ChangeSetId": "old",
        "CreationTime": datetime(2026, 1, 8, tzinfo=UTC),
    }
    reviewed = {**old, "ChangeSetId": "reviewed", "CreationTime": datetime(2026, 1, 9, 12, tzinfo=UTC)}
    aws.says("list_change_sets", {"Summaries": [old, reviewed, made]})
    aws.says("delete_change_set", {}, ChangeSetName="old")

    assert planner(aws, templates).plan("millrace-dev", IMAGE).kind is Kind.CREATE


@pytest.mark.parametrize("others", [[], ["millrace-deploy-2"], ["somebody-elses"]])
def test_a_failed_first_plan_leaves_neither_change_set_nor_stack_unless_others_need_it(
    aws: Any, templates: Path, others: list[str]
) -> None:
    creates(aws, templates)
    aws.change_set("millrace-dev", [], name=NAME, status="FAILED", reason="Template error")
    aws.says("describe_events", {"OperationEvents": []})
    aws.says("delete_change_set", {}, ChangeSetName=aws.change_set_id(NAME))
    aws.refuses("describe_change_set", "ChangeSetNotFound")
    aws.stack(status="REVIEW_IN_PROGRESS")
    aws.says("list_change_sets", {"Summaries": [{"ChangeSetName": name} for name in others]})
    if not others:
        aws.says(
            "delete_stack", {}, StackName=aws.stack_id("millrace-dev"), ClientRequestToken="millrace-deploy-2"
        )

    with pytest.raises(ChangeSetFailed, match="Template error"):
        planner(aws, templates).plan("millrace-dev", IMAGE)


@pytest.mark.parametrize("name", ["", "x", "somebody-elses", "millrace-deploy-", "millrace-deploy-a b"])
def test_a_plan_of_another_name_is_refused_before_anything_is_asked(aws: Any, name: str) -> None:
    with pytest.raises(BadPlan, match=r"it must be a name that .* printed: millrace-deploy-"):
        planner(aws, Path("nowhere")).read(name)


def test_a_plan_that_is_gone_is_outdated(aws: Any, templates: Path) -> None:
    aws.account()
    aws.refuses("describe_change_set", "ChangeSetNotFound")

    with pytest.raises(PlanOutdated, match="plan again"):
        planner(aws, templates).read(NAME)


def test_a_plan_is_read_again_by_its_name_with_what_is_to_be_known(aws: Any, templates: Path) -> None:
    told = sealed(aws, templates)
    aws.account()
    tags = [{"Key": key, "Value": value} for key, value in told.tags.items()]
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in told.parameters.items()]
    aws.change_set(
        "millrace-dev",
        [aws.change("Queue")],
        name=NAME,
        Description=told.description,
        Tags=tags,
        Parameters=given,
        Capabilities=list(told.capabilities),
    )
    standing(aws)
    holds_everything(aws, templates)
    aws.says("get_template", {"TemplateBody": bundle(templates).root.body.decode()})

    plan = planner(aws, templates).read(NAME)

    assert (plan.token, plan.kind, plan.counts, plan.notes) == (NAME, Kind.UPDATE, Counts(add=1), ())


@pytest.mark.parametrize(("tags", "empty"), [(TAGS, True), (TAGS[:1], False)])
def test_a_preview_of_nothing_but_noise_is_empty(
    aws: Any, templates: Path, tags: list[dict[str, str]], empty: bool
) -> None:
    aws.account()
    standing(aws, Tags=tags)
    holds_everything(aws, templates)
    aws.says("create_change_set", {"Id": aws.change_set_id(NAME), "StackId": aws.stack_id("millrace-dev")})
    aws.change_set("millrace-dev", [aws.nested("Outer")], name=NAME)
    later = aws.detail("KmsMasterKeyId", "key", "{{changeSet:KNOWN_AFTER_APPLY}}")
    aws.change_set("Outer", [aws.change("Queue", action="Modify", Replacement="True", Details=[later])])
    aws.says("list_change_sets", {"Summaries": []})
    root = {"TemplateBody": (templates / "platform.yaml").read_text()}
    aws.says("get_template", root)
    aws.says("get_template", root)
    if empty:
        aws.says("delete_change_set", {}, ChangeSetName=aws.change_set_id(NAME))
        aws.refuses("describe_change_set", "ChangeSetNotFound")

    plan = planner(aws, templates).plan("millrace-dev")

    assert plan.is_empty is empty
    assert plan.counts == (Counts() if empty else Counts(unresolved=1))


def test_what_cannot_be_removed_does_not_hide_why_the_change_set_failed(aws: Any, templates: Path) -> None:
    aws.account()
    aws.stack("millrace-dev-bootstrap")
    aws.tells("millrace-dev-bootstrap")
    aws.says("create_change_set", {"Id": aws.change_set_id(NAME), "StackId": "s"})
    aws.change_set("millrace-dev-bootstrap", [], name=NAME, status="FAILED", reason="Template error")
    aws.says("describe_events", {"OperationEvents": []})
    aws.refuses("delete_change_set", "AccessDenied", "not you")

    with pytest.raises(ChangeSetFailed, match="Template error"):
        planner(aws, templates).plan("millrace-dev-bootstrap")


def test_the_last_operation_is_what_the_stack_said_of_itself(aws: Any, templates: Path) -> None:
    aws.stack(parameters={"ImageDigest": IMAGE})
    aws.tells(
        "millrace-dev",
        event(aws, "millrace-dev", "by-hand"),
        event(aws, "millrace-dev", "a-resource", of="Queue"),
    )
    aws.bootstrapped()

    source = planner(aws, templates)._sources.read("millrace-dev", None)

    assert source.situation.facts == {"id": "1", "status": "UPDATE_COMPLETE", "operation": "by-hand"}


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
