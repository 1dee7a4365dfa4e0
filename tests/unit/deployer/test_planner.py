"""A change set is made for a plan, found again, and withdrawn where nobody needs it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deployer.changes import Counts
from deployer.errors import BadImage, BadPlan, ChangeSetFailed, PlanOutdated, WrongAccount
from deployer.plan import Kind
from tests.unit.deployer.planning import (
    ALARM,
    IMAGE,
    NAME,
    ROLE,
    TAGS,
    bundle,
    event,
    holds_everything,
    planner,
    sealed,
    standing,
)

EMPTY = "didn't contain changes"


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
