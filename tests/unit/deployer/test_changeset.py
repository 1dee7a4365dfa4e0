from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployer.changes import Action, Counts
from deployer.changeset import ChangeSets
from deployer.errors import ChangeSetFailed, NeverSettled, PlanOutdated
from deployer.plan import Kind
from deployer.request import Request
from deployer.rollback_alarms import Watch
from deployer.told import Told

EMPTY = (
    "The submitted information didn't contain changes. Submit different information to create a change set."
)


@pytest.fixture
def change_sets(aws: Any) -> ChangeSets:
    return ChangeSets(aws.cloudformation, aws.clock, poll=1.0)


@pytest.mark.parametrize(
    ("kind", "extra"), [(Kind.CREATE, {"OnStackFailure": "ROLLBACK"}), (Kind.UPDATE, {})]
)
def test_a_change_set_is_asked_for_with_its_nested_ones_and_a_client_token_that_makes_a_retry_safe(
    aws: Any, change_sets: ChangeSets, kind: Kind, extra: dict[str, str]
) -> None:
    aws.says(
        "create_change_set",
        {"Id": aws.change_set_id("t"), "StackId": "s"},
        StackName="millrace-dev",
        ChangeSetName="t",
        ClientToken="t",
        ChangeSetType=kind.value,
        IncludeNestedStacks=True,
        TemplateURL="https://x",
        Parameters=[],
        Capabilities=["CAPABILITY_IAM"],
        Tags=[{"Key": "Project", "Value": "millrace"}],
        **extra,
    )

    made = change_sets.create(
        Request(
            "millrace-dev",
            kind,
            "t",
            template_url="https://x",
            capabilities=("CAPABILITY_IAM",),
            tags={"Project": "millrace"},
        )
    )

    assert made == aws.change_set_id("t")


def test_the_tree_is_read_to_its_leaves(aws: Any, change_sets: ChangeSets) -> None:
    aws.change_set("millrace-dev", [aws.change("Own"), aws.nested("Outer")])
    aws.change_set("Outer", [aws.nested("Inner", "Add"), aws.change("Old", action="Remove")])
    aws.change_set("Inner", [aws.change("New"), aws.change("Newer")])

    reading = change_sets.read(aws.change_set_id("plan-millrace-dev"))

    assert not reading.empty
    assert [(path, change.logical_id) for path, change in reading.stacks.walk()] == [
        ((), "Own"),
        (("Outer",), "Old"),
        (("Outer", "Inner"), "New"),
        (("Outer", "Inner"), "Newer"),
    ]
    assert reading.stacks.counts == Counts(add=3, modify=0, remove=1)


def test_a_child_is_waited_for_after_its_root_has_settled(aws: Any, change_sets: ChangeSets) -> None:
    root = aws.described("millrace-dev", [], status="CREATE_IN_PROGRESS")
    aws.says("describe_change_set", root)
    aws.change_set("millrace-dev", [aws.nested("Outer")])
    aws.says("describe_change_set", aws.described("Outer", [], status="CREATE_PENDING"))
    aws.says("describe_change_set", aws.described("Outer", [], status="CREATE_IN_PROGRESS"))
    aws.change_set("Outer", [aws.change("New")])

    reading = change_sets.read(aws.change_set_id("plan-millrace-dev"))

    assert reading.stacks.counts.add == 1
    assert aws.clock.now() == 3.0


def test_pages_are_read_to_the_last_in_both_descriptions(aws: Any, change_sets: ChangeSets) -> None:
    first = aws.described("millrace-dev", [aws.change("A")], token="more")
    second = aws.described("millrace-dev", [aws.change("B")])
    aws.says("describe_change_set", first)
    for values in (False, True):
        name = first["ChangeSetId"]
        aws.says("describe_change_set", first, ChangeSetName=name, IncludePropertyValues=values)
        aws.says(
            "describe_change_set", second, ChangeSetName=name, IncludePropertyValues=values, NextToken="more"
        )

    reading = change_sets.read("x")

    assert [change.logical_id for change in reading.stacks.changes] == ["A", "B"]


def test_what_one_description_leaves_out_the_other_has(aws: Any, change_sets: ChangeSets) -> None:
    modify = {"action": "Modify", "Replacement": "False"}
    plain = [
        aws.change("Lost", **modify, Details=[aws.detail("DelaySeconds")]),
        aws.change("Both", **modify, Details=[aws.detail("DelaySeconds"), aws.detail("KmsMasterKeyId")]),
    ]
    valued = [
        aws.change("Both", **modify, Details=[aws.detail("DelaySeconds", "1", "2")]),
        aws.change("Only", action="Remove"),
    ]
    aws.change_set("millrace-dev", plain, valued=valued)

    lost, both, only = change_sets.read("x").stacks.changes

    assert [change.path for change in lost.properties] == ["DelaySeconds"]
    assert [(p.path, p.before, p.after) for p in both.properties] == [
        ("DelaySeconds", "1", "2"),
        ("KmsMasterKeyId", None, None),
    ]
    assert (only.logical_id, only.action) == ("Only", Action.REMOVE)


def test_what_would_recreate_a_resource_is_read(aws: Any, change_sets: ChangeSets) -> None:
    name = aws.detail("QueueName", "a", "b")
    name["Target"]["RequiresRecreation"] = "Always"
    aws.change_set(
        "millrace-dev",
        [aws.change("Q", action="Modify", Details=[name, aws.detail("DelaySeconds", "1", "2")])],
    )

    (change,) = change_sets.read("x").stacks.changes

    assert [(p.path, p.recreates) for p in change.properties] == [
        ("QueueName", True),
        ("DelaySeconds", False),
    ]


def test_values_by_path_stand_for_the_property_that_is_told_without(
    aws: Any, change_sets: ChangeSets
) -> None:
    plain = [aws.change("Q", action="Modify", Details=[aws.detail("RedrivePolicy")])]
    valued = [
        aws.change("Q", action="Modify", Details=[aws.detail("RedrivePolicy/maxReceiveCount", "1", "2")])
    ]
    aws.change_set("millrace-dev", plain, valued=valued)

    (change,) = change_sets.read("x").stacks.changes

    assert [p.path for p in change.properties] == ["RedrivePolicy/maxReceiveCount"]


@pytest.mark.parametrize("reason", [EMPTY, "No updates are to be performed."])
def test_both_ways_of_saying_no_changes_are_empty(aws: Any, change_sets: ChangeSets, reason: str) -> None:
    aws.change_set("millrace-dev", [], status="FAILED", reason=reason)

    assert change_sets.read("x").empty


def test_a_child_without_changes_is_no_failure(aws: Any, change_sets: ChangeSets) -> None:
    aws.change_set("millrace-dev", [aws.nested("Outer"), aws.nested("Other")])
    aws.change_set("Outer", [], status="FAILED", reason=EMPTY)
    aws.change_set("Other", [aws.change("New")])

    reading = change_sets.read("x")

    assert not reading.empty
    assert reading.stacks.counts == Counts(add=1)


def test_a_root_that_failed_over_unchanged_children_is_empty(aws: Any, change_sets: ChangeSets) -> None:
    child = aws.change_set_id("plan-Outer")
    reason = f"Nested change set {child} was not successfully created: Currently in FAILED."
    aws.change_set("millrace-dev", [], status="FAILED", reason=reason)
    aws.says("describe_change_set", aws.described("Outer", [], status="CREATE_IN_PROGRESS"))
    described = aws.described("Outer", [], status="FAILED", reason="No updates are to be performed.")
    aws.says("describe_change_set", described)
    aws.says("describe_change_set", described)
    aws.says("describe_change_set", described)

    assert change_sets.read("x").empty


def test_a_failed_grandchild_is_the_cause(aws: Any, change_sets: ChangeSets) -> None:
    def of(child: str) -> str:
        return (
            f"Nested change set {aws.change_set_id(child)} was not successfully created: Currently in FAILED."
        )

    aws.change_set("millrace-dev", [aws.nested("Outer")], status="FAILED", reason=of("plan-Outer"))
    aws.change_set("Outer", [aws.nested("Inner")], status="FAILED", reason=of("plan-Inner"))
    aws.change_set("Inner", [], status="FAILED", reason="Parameters: [Size] must have values")
    finding = {
        "LogicalResourceId": "Queue",
        "ValidationPath": "/Resources/Queue/Properties/Dealy",
        "ValidationStatusReason": "unsupported property",
    }
    told = {"OperationEvents": [finding]}
    for name in ("plan-Inner", "plan-millrace-dev"):
        aws.says(
            "describe_events", told, ChangeSetName=aws.change_set_id(name), Filters={"FailedEvents": True}
        )

    with pytest.raises(ChangeSetFailed) as failure:
        change_sets.read("x")

    assert str(failure.value) == (
        "the change set for millrace-dev could not be made: Inner: Parameters: [Size] must have values; "
        "Queue /Resources/Queue/Properties/Dealy unsupported property. Mend it, then `python build.py` and "
        "`python deploy.py plan` again; nothing was changed"
    )


def test_an_endpoint_without_events_does_not_hide_the_reason(aws: Any, change_sets: ChangeSets) -> None:
    aws.change_set("millrace-dev", [], status="FAILED", reason="Template error")
    aws.refuses("describe_events", "InvalidAction")

    with pytest.raises(ChangeSetFailed, match=r"could not be made: Template error\. Mend it"):
        change_sets.read("x")


def test_a_change_set_that_is_gone_asks_for_a_new_plan(aws: Any, change_sets: ChangeSets) -> None:
    aws.refuses("describe_change_set", "ChangeSetNotFound")

    with pytest.raises(PlanOutdated, match="plan again"):
        change_sets.read("x", "millrace-dev")


def test_a_change_set_that_never_settles_is_given_up(aws: Any) -> None:
    patient = ChangeSets(aws.cloudformation, aws.clock, poll=600.0)
    for _ in range(3):
        aws.says("describe_change_set", aws.described("millrace-dev", [], status="CREATE_PENDING"))

    with pytest.raises(NeverSettled, match=r"did not settle within 30 minutes.*plan` again"):
        patient.read("x")


@pytest.mark.parametrize(("kind", "extra"), [(Kind.CREATE, {}), (Kind.UPDATE, {"DisableRollback": False})])
def test_failure_is_always_explicit(
    aws: Any, change_sets: ChangeSets, kind: Kind, extra: dict[str, bool]
) -> None:
    aws.says(
        "execute_change_set",
        {},
        ChangeSetName="c",
        ClientRequestToken="t",
        RetainExceptOnCreate=True,
        **extra,
    )

    change_sets.execute("c", kind, "t", "millrace-dev")


@pytest.mark.parametrize("code", ["InvalidChangeSetStatus", "ChangeSetNotFound"])
def test_a_stack_that_moved_since_the_plan_is_refused(aws: Any, change_sets: ChangeSets, code: str) -> None:
    aws.refuses("execute_change_set", code, "OBSOLETE")

    with pytest.raises(PlanOutdated, match=r"millrace-dev has moved since the plan was made \(OBSOLETE\)"):
        change_sets.execute("c", Kind.UPDATE, "t", "millrace-dev")


@pytest.mark.parametrize(
    "execution", ["EXECUTE_COMPLETE", "EXECUTE_IN_PROGRESS", "EXECUTE_FAILED", "OBSOLETE"]
)
def test_a_change_set_is_executed_once(aws: Any, change_sets: ChangeSets, execution: str) -> None:
    aws.says("describe_change_set", aws.described("millrace-dev", [], execution=execution))

    with pytest.raises(PlanOutdated, match=f"its change set is {execution}"):
        change_sets.read("x")


def test_the_stack_of_a_change_set_can_be_gone_as_well(aws: Any, change_sets: ChangeSets) -> None:
    aws.refuses("describe_change_set", "ValidationError", "Stack [millrace-dev] does not exist")

    with pytest.raises(PlanOutdated, match="plan again"):
        change_sets.read("x", "millrace-dev")


def test_a_listed_one_is_not_deleted_while_it_is_being_made(aws: Any, change_sets: ChangeSets) -> None:
    left = {"ChangeSetId": aws.change_set_id("old"), "Status": "CREATE_PENDING"}
    aws.says("describe_change_set", aws.described("millrace-dev", [], status="CREATE_IN_PROGRESS"))
    aws.says("describe_change_set", aws.described("millrace-dev", []))
    aws.says("delete_change_set", {}, ChangeSetName=aws.change_set_id("old"))
    aws.refuses("describe_change_set", "ChangeSetNotFound")

    change_sets.remove(left)  # type: ignore[arg-type]

    assert aws.clock.now() == 1.0


def test_a_listed_one_that_somebody_else_removed_is_gone(aws: Any, change_sets: ChangeSets) -> None:
    aws.refuses("describe_change_set", "ChangeSetNotFound")

    change_sets.remove({"ChangeSetId": aws.change_set_id("old"), "Status": "CREATE_PENDING"})


def test_what_goes_with_a_nested_stack_is_told_resource_by_resource(
    aws: Any, change_sets: ChangeSets
) -> None:
    gone = aws.change("Outer", "AWS::CloudFormation::Stack", "Remove", PhysicalResourceId="outer")
    aws.change_set("millrace-dev", [gone])
    standing = [
        {
            "LogicalResourceId": logical_id,
            "PhysicalResourceId": f"id of {logical_id}",
            "ResourceType": kind,
            "ResourceStatus": "CREATE_COMPLETE",
            "LastUpdatedTimestamp": 0,
        }
        for logical_id, kind in (("Inner", "AWS::CloudFormation::Stack"), ("Queue", "AWS::SQS::Queue"))
    ]
    outer = "Resources: {Inner: {Type: 'AWS::CloudFormation::Stack'}, Queue: {Type: 'AWS::SQS::Queue'}}"
    aws.says("list_stack_resources", {"StackResourceSummaries": standing}, StackName="outer")
    aws.says("get_template", {"TemplateBody": outer}, StackName="outer")
    table = {**standing[1], "LogicalResourceId": "Table", "ResourceType": "AWS::DynamoDB::Table"}
    inner = "Resources: {Table: {Type: 'AWS::DynamoDB::Table', DeletionPolicy: Retain}}"
    aws.says("list_stack_resources", {"StackResourceSummaries": [table]}, StackName="id of Inner")
    aws.says("get_template", {"TemplateBody": inner}, StackName="id of Inner")

    stacks = change_sets.read("x").stacks

    assert [(path, change.logical_id, change.policy_action) for path, change in stacks.walk()] == [
        (("Outer",), "Queue", "Delete"),
        (("Outer", "Inner"), "Table", "Retain"),
    ]
    assert stacks.counts == Counts(remove=2)


def test_deletion_is_waited_for(aws: Any, change_sets: ChangeSets) -> None:
    aws.says("delete_change_set", {}, ChangeSetName="c")
    aws.says("describe_change_set", aws.described("millrace-dev", [], status="DELETE_IN_PROGRESS"))
    aws.refuses("describe_change_set", "ChangeSetNotFound")

    change_sets.delete("c")

    assert aws.clock.now() == 1.0


def test_deletion_waits_for_nested_ones_that_are_still_being_made(aws: Any, change_sets: ChangeSets) -> None:
    aws.refuses("delete_change_set", "InvalidChangeSetStatus", "CREATE_IN_PROGRESS")
    aws.says("delete_change_set", {}, ChangeSetName="c")
    aws.refuses("describe_change_set", "ChangeSetNotFound")

    change_sets.delete("c")

    assert aws.clock.now() == 1.0


def test_deletion_that_stays_refused_is_given_up(aws: Any) -> None:
    patient = ChangeSets(aws.cloudformation, aws.clock, poll=200.0)
    for _ in range(3):
        aws.refuses("delete_change_set", "InvalidChangeSetStatus", "it is being executed")

    with pytest.raises(ClientError, match="it is being executed"):
        patient.delete("c")


def test_of_a_stack_that_is_gone_no_change_set_is_listed(aws: Any, change_sets: ChangeSets) -> None:
    aws.refuses("list_change_sets", "ValidationError", "Stack [millrace-dev] does not exist")

    assert change_sets.listed("millrace-dev") == []


def test_a_change_set_says_what_it_was_asked_for(aws: Any, change_sets: ChangeSets) -> None:
    parameters = [
        {"ParameterKey": "Kept", "UsePreviousValue": True},
        {"ParameterKey": "Resolved", "ParameterValue": "old", "UsePreviousValue": True},
        {"ParameterKey": "Given", "ParameterValue": "new"},
    ]
    answer = aws.described(
        "millrace-dev",
        [],
        name="millrace-deploy-1",
        Description="sealed",
        Parameters=parameters,
        Tags=[{"Key": "Project", "Value": "millrace"}],
        Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_IAM"],
    )
    aws.says("describe_change_set", answer, ChangeSetName="millrace-deploy-1", StackName="millrace-dev")

    assert change_sets.tell("millrace-deploy-1", "millrace-dev") == Told(
        id=aws.change_set_id("millrace-deploy-1"),
        name="millrace-deploy-1",
        stack_id=aws.stack_id("millrace-dev"),
        stack_name="millrace-dev",
        description="sealed",
        parameters={"Given": "new"},
        tags={"Project": "millrace"},
        capabilities=("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"),
    )


def test_role_alarms_and_seal_are_asked_for_when_there_are_any(aws: Any, change_sets: ChangeSets) -> None:
    aws.says(
        "create_change_set",
        {"Id": aws.change_set_id("t"), "StackId": "s"},
        StackName="millrace-dev",
        ChangeSetName="t",
        ClientToken="t",
        ChangeSetType="UPDATE",
        IncludeNestedStacks=True,
        TemplateBody="x",
        Parameters=[],
        Capabilities=[],
        Tags=[],
        RoleARN="arn:aws:iam::111122223333:role/execution",
        RollbackConfiguration={"RollbackTriggers": [], "MonitoringTimeInMinutes": 0},
        Description="sealed",
    )

    change_sets.create(
        Request(
            "millrace-dev",
            Kind.UPDATE,
            "t",
            template_body="x",
            role_arn="arn:aws:iam::111122223333:role/execution",
            watch=Watch(minutes=5),
            description="sealed",
        )
    )
