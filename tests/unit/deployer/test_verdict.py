"""What a plan does to data; the rules of single properties stand in test_lossy.py."""

from typing import Any

import pytest

from deployer.changes import Action, Change, PropertyChange, Replacement, StackPlan
from deployer.lossy import Danger
from deployer.plan import Kind, Plan
from deployer.verdict import DataVerdict, judged

TABLE = "AWS::DynamoDB::Table"
LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"
NAME = PropertyChange("TableName", "a", "b", recreates=True)
UNKNOWN = PropertyChange("KmsKeyId", "k", LATER, recreates=True, cause="Key", source="ParameterReference")


def verdicts(*changes: Change) -> list[DataVerdict]:
    return [each for one in judged(StackPlan("s", changes)) for each in one.verdicts]


def removed(policy: str | None, kind: str = TABLE) -> Change:
    return Change("T", kind, Action.REMOVE, policy_action=policy)


def replaced(policy: str | None, *properties: PropertyChange, kind: str = TABLE) -> Change:
    return Change("T", kind, Action.MODIFY, Replacement.ALWAYS, policy, properties=properties or (NAME,))


@pytest.mark.parametrize(
    ("change", "danger", "endangers", "reason"),
    [
        (removed(None), Danger.LOST, True, "it is removed with all that it holds"),
        (removed("Delete"), Danger.LOST, True, "it is removed with all that it holds"),
        (removed("Snapshot"), Danger.LOST_WITH_SNAPSHOT, True, "it is removed, and a snapshot stays"),
        (removed("Retain"), Danger.LET_GO, False, "it leaves the stack and stays in the account"),
        (
            removed("Freeze"),
            Danger.MAY_BE_LOST,
            True,
            "it is removed, with a policy that the deployer does not know: Freeze",
        ),
        (
            replaced("ReplaceAndDelete"),
            Danger.LOST,
            True,
            "an empty one takes its place because of TableName, the old one is deleted",
        ),
        (
            replaced("ReplaceAndSnapshot"),
            Danger.LOST_WITH_SNAPSHOT,
            True,
            "an empty one takes its place because of TableName, the old one is deleted and leaves a snapshot",
        ),
        (
            replaced("ReplaceAndRetain"),
            Danger.KEPT_ASIDE,
            True,
            "an empty one takes its place because of TableName, the old one stays outside the stack",
        ),
        (
            Change("T", TABLE, Action.MODIFY, Replacement.CONDITIONAL, properties=(NAME,)),
            Danger.MAY_BE_LOST,
            True,
            "it may be replaced by an empty one because of TableName",
        ),
        (
            replaced("ReplaceAndDelete", UNKNOWN),
            Danger.MAY_BE_LOST,
            False,
            "it is replaced by an empty one because of KmsKeyId if the value turns out to be another",
        ),
        (
            Change("T", TABLE, Action.DYNAMIC),
            Danger.MAY_BE_LOST,
            True,
            "CloudFormation tells the action Dynamic, and not what that does",
        ),
    ],
)
def test_each_fate_of_a_resource_that_holds_data(
    change: Change, danger: Danger, endangers: bool, reason: str
) -> None:
    (verdict,) = verdicts(change)

    assert (verdict.danger, verdict.endangers, verdict.reason) == (danger, endangers, reason)
    assert verdict.remedy
    assert verdict.source.startswith("https://docs.aws.amazon.com/")


@pytest.mark.parametrize(
    ("kind", "beyond"),
    [
        ("AWS::KMS::Key", "after the waiting period all that it encrypts is unreadable"),
        ("AWS::Kinesis::Stream", "records that no consumer has read yet go with it"),
        ("AWS::SQS::Queue", "messages that nobody has received yet go with it"),
        ("AWS::SecretsManager::Secret", "whoever reads it by its ARN fails until he is given the new one"),
        ("AWS::S3::Bucket", "CloudFormation deletes it only when it is empty"),
    ],
)
def test_what_goes_with_it_is_said(kind: str, beyond: str) -> None:
    for change in (removed("Delete", kind), replaced("ReplaceAndDelete", kind=kind)):
        (verdict,) = verdicts(change)
        assert beyond in verdict.reason


@pytest.mark.parametrize(
    "change",
    [
        Change("T", TABLE, Action.ADD),
        Change("T", TABLE, Action.IMPORT),
        Change("T", TABLE, Action.SYNC),
        Change("T", TABLE, Action.MODIFY, properties=(PropertyChange("BillingMode", "a", "b"),)),
        removed("Delete", "AWS::EC2::Subnet"),
        replaced("ReplaceAndDelete", kind="AWS::ECS::TaskDefinition"),
        Change("T", "AWS::IAM::Role", Action.DYNAMIC),
    ],
)
def test_what_does_nothing_to_data_has_no_verdict(change: Change) -> None:
    assert verdicts(change) == []


def test_a_type_that_nobody_listed_is_taken_to_hold_data_by_its_properties_or_policy() -> None:
    (told,) = verdicts(
        Change("T", "AWS::New::Store", Action.REMOVE, before={"Properties": {"StorageEncrypted": True}})
    )
    (by_policy,) = verdicts(removed("Snapshot", "AWS::New::Store"))

    assert told.endangers
    assert told.reason == (
        "it is removed with all that it holds (taken to hold data: it has the property StorageEncrypted)"
    )
    assert "(taken to hold data: its policy is Snapshot)" in by_policy.reason
    assert verdicts(removed("Delete", "AWS::New::Store")) == []


@pytest.mark.parametrize(
    ("attribute", "before", "after", "weaker"),
    [
        ("DeletionPolicy", "Retain", "Delete", True),
        ("DeletionPolicy", "Retain", None, True),
        ("DeletionPolicy", "Retain", "Snapshot", True),
        ("DeletionPolicy", "Snapshot", "Delete", True),
        ("DeletionPolicy", "Retain", "RetainExceptOnCreate", False),
        ("DeletionPolicy", "Delete", "Retain", False),
        ("DeletionPolicy", None, "Delete", False),
        ("UpdateReplacePolicy", "Retain", "Delete", True),
    ],
)
def test_a_deletion_policy_that_keeps_less_is_a_finding_in_itself(
    attribute: str, before: str | None, after: str | None, weaker: bool
) -> None:
    def contexts() -> dict[str, Any]:
        sides = {"before": before, "after": after}
        return {side: {attribute: policy} if policy else {} for side, policy in sides.items()}

    by_detail = Change(
        "R",
        "AWS::IAM::Role",
        Action.MODIFY,
        properties=(PropertyChange(attribute, before, after, attribute=attribute),),
    )
    for change in (by_detail, Change("R", "AWS::IAM::Role", Action.MODIFY, **contexts())):
        found = verdicts(change)
        assert [verdict.danger for verdict in found] == ([Danger.PROTECTION_LOWERED] if weaker else [])
        assert not any(verdict.endangers for verdict in found)


def test_a_protection_that_is_lowered_alone_is_told_and_no_data_at_risk() -> None:
    change = Change(
        "T", TABLE, Action.MODIFY, properties=(PropertyChange("DeletionProtectionEnabled", "true", "false"),)
    )
    plan = Plan("dev", "s", Kind.UPDATE, StackPlan("s", (change,)), "c")

    assert plan.verdict == 2
    assert (
        "PROTECTION LOWERED: T (AWS::DynamoDB::Table): DeletionProtectionEnabled true → false"
        in plan.render(200)
    )


def nested(name: str, *changes: Change, fed_by: tuple[str, ...] = ()) -> StackPlan:
    return StackPlan(name, changes, fed_by=fed_by)


def exit_code(*children: StackPlan) -> int:
    return Plan("dev", "s", Kind.UPDATE, StackPlan("s", children=children), "c").verdict


KEY_REPLACED = Change("Key", "AWS::EC2::VPC", Action.MODIFY, Replacement.ALWAYS)
DOUBTFUL = replaced("ReplaceAndDelete", PropertyChange("Size", "1", "2"), UNKNOWN)


def test_an_unknown_value_is_no_danger_where_nothing_that_it_comes_from_changes() -> None:
    bystander = nested("Other", KEY_REPLACED)

    assert exit_code(nested("Data", DOUBTFUL, fed_by=("Keys",)), bystander, nested("Keys")) == 2
    assert exit_code(nested("Data", DOUBTFUL)) == 2


def test_an_unknown_value_is_a_danger_where_what_it_comes_from_is_replaced() -> None:
    far = nested("Data", DOUBTFUL, fed_by=("Between",))
    between = nested("Between", fed_by=("Keys",))

    assert exit_code(nested("Data", DOUBTFUL, fed_by=("Keys",)), nested("Keys", KEY_REPLACED)) == 3
    assert exit_code(far, between, nested("Keys", KEY_REPLACED)) == 3
    assert exit_code(far, between, nested("Keys")) == 2


def test_an_unknown_value_of_the_same_stack_is_judged_by_the_resource_that_it_names() -> None:
    of_group = PropertyChange(
        "Group", "g", LATER, recreates=True, cause="Group.Arn", source="ResourceAttribute"
    )
    database = replaced("ReplaceAndDelete", of_group)
    other = Change("Other", "AWS::EC2::Subnet", Action.ADD)
    group = Change("Group", "AWS::EC2::Subnet", Action.MODIFY, Replacement.ALWAYS)

    assert exit_code(nested("Data", database, other)) == 2
    assert exit_code(nested("Data", database, group)) == 3


def test_an_unknown_value_is_followed_over_the_resources_between() -> None:
    def wired(logical_id: str, kind: str, cause: str, source: str) -> Change:
        told = PropertyChange("P", "a", LATER, recreates=True, cause=cause, source=source)
        return Change(logical_id, kind, Action.MODIFY, Replacement.ALWAYS, properties=(told,))

    group = wired("Group", "AWS::RDS::DBSubnetGroup", "Subnets", "ParameterReference")
    database = wired("Database", "AWS::RDS::DBInstance", "Group", "ResourceReference")
    data = nested("Data", database, group, fed_by=("Network",))

    assert exit_code(data, nested("Network", KEY_REPLACED)) == 3
    assert exit_code(data, nested("Network")) == 2


def test_an_unknown_value_that_the_parent_hands_over_is_followed_too() -> None:
    def code(*fed_by: str) -> int:
        stacks = StackPlan("s", (KEY_REPLACED,), (nested("Data", DOUBTFUL, fed_by=fed_by),))
        return Plan("dev", "s", Kind.UPDATE, stacks, "c").verdict

    assert code("Key") == 3
    assert code("Other") == code() == 2


def test_verdicts_say_where_the_resource_is() -> None:
    stacks = StackPlan("s", children=(nested("Outer", removed(None)),))

    ((verdict,),) = (one.verdicts for one in judged(stacks))

    assert (verdict.path, verdict.name) == (("Outer",), "Outer/T")
