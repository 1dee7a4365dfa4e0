"""DescribeChangeSet's answers as values; the answers are constructed from the model."""

import json
from typing import Any

from deployer import described
from deployer.changes import Action, Change, PropertyChange, Replacement


def raw(**more: Any) -> Any:
    return {"LogicalResourceId": "R", "ResourceType": "AWS::SQS::Queue", "Action": "Modify", **more}


def detail(target: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Target": {"Attribute": "Properties", **target}, "Evaluation": "Static", **more}


def test_a_replacement_is_told_with_its_cause() -> None:
    forced = detail(
        {"Name": "KmsKeyId", "Path": "/Properties/KmsKeyId", "RequiresRecreation": "Always"},
        ChangeSource="ResourceAttribute",
        CausingEntity="Key.Arn",
    )

    change = described.change(raw(Replacement="True", PolicyAction="ReplaceAndRetain", Details=[forced]))

    assert change == Change(
        "R",
        "AWS::SQS::Queue",
        Action.MODIFY,
        Replacement.ALWAYS,
        "ReplaceAndRetain",
        properties=(PropertyChange("KmsKeyId", recreates=True, cause="Key.Arn", source="ResourceAttribute"),),
    )


def test_a_property_that_may_force_a_replacement_is_told_as_such() -> None:
    for word in ("Conditionally", "Perhaps"):
        (told,) = described.change(
            raw(Details=[detail({"Name": "A", "RequiresRecreation": word})])
        ).properties
        assert (told.recreates, told.may_recreate) == (False, True)


def test_attributes_beside_the_properties_are_told_as_such() -> None:
    targets: list[dict[str, Any]] = [
        {
            "Attribute": "DeletionPolicy",
            "Path": "/DeletionPolicy",
            "BeforeValue": "Retain",
            "AfterValue": "Delete",
        },
        {"Attribute": "UpdateReplacePolicy", "Path": "/UpdateReplacePolicy", "AfterValue": "Retain"},
        {"Attribute": "Metadata", "Path": "/Metadata"},
        {"Attribute": "Tags", "Path": "/Tags/0/Value", "BeforeValue": "a", "AfterValue": "b"},
    ]

    change = described.change(raw(Details=[detail(target) for target in targets]))

    assert [(told.attribute, told.path, told.before, told.after) for told in change.properties] == [
        ("DeletionPolicy", "DeletionPolicy", "Retain", "Delete"),
        ("UpdateReplacePolicy", "UpdateReplacePolicy", None, "Retain"),
        ("Metadata", "Metadata", None, None),
        ("Tags", "Tags/0/Value", "a", "b"),
    ]


def test_a_scope_without_a_detail_is_not_left_out() -> None:
    change = described.change(raw(Scope=["Tags", "Properties"], Details=[detail({"Name": "DelaySeconds"})]))

    assert [(told.attribute, told.path) for told in change.properties] == [
        ("Properties", "DelaySeconds"),
        ("Tags", "Tags"),
    ]


def test_the_whole_resource_is_read_and_one_that_was_cut_is_none() -> None:
    whole = {"Properties": {"DelaySeconds": "1"}, "DeletionPolicy": "Retain"}

    change = described.change(raw(BeforeContext=json.dumps(whole), AfterContext='{"Properties": {"Del'))

    assert change.before == whole
    assert change.after is None
    assert change.properties_before == {"DelaySeconds": "1"}


def test_an_added_resource_keeps_what_only_the_answer_with_values_has() -> None:
    context = {"Properties": {"DelaySeconds": "1"}}

    merged = described.merged(raw(Action="Add"), raw(Action="Add", AfterContext=json.dumps(context)))

    assert described.change(merged).after == context


def test_a_resource_that_the_answer_with_values_dropped_stays() -> None:
    plain = raw(Details=[detail({"Name": "DelaySeconds"})])

    assert [told.path for told in described.change(described.merged(plain, None)).properties] == [
        "DelaySeconds"
    ]


def test_secret_values_are_masked_before_anything_can_show_them() -> None:
    context = {"Properties": {"MasterUserPassword": "hunter2", "Size": "1"}}
    target = {
        "Name": "MasterUserPassword",
        "Path": "/Properties/MasterUserPassword",
        "BeforeValue": "****",
        "AfterValue": "hunter2",
    }
    environment = {
        "Name": "Environment",
        "Path": "/Properties/Environment",
        "AfterValue": json.dumps({"Variables": {"DB_PASSWORD": "hunter2"}}),
    }

    change = described.change(
        raw(Details=[detail(target), detail(environment)], AfterContext=json.dumps(context))
    )

    assert "hunter2" not in repr((change.properties, change.before, change.after))
    password, variables = change.properties
    assert (password.before, password.after) == ("****", "****")
    assert variables.after == '{"Variables": {"DB_PASSWORD": "****"}}'


def test_hooks_are_counted() -> None:
    told: Any = {"Type": "Resource", "HookInvocationCount": 2, "ResourceChange": raw()}

    assert described.change(described.with_hooks(told)).hooks == 2
    assert described.change(described.with_hooks({"ResourceChange": raw()})).hooks == 0


def test_words_of_tomorrow_are_kept_as_they_are_told() -> None:
    change = described.change(raw(Action="Transmute", Replacement="Sometimes", PolicyAction="Freeze"))

    assert (change.action, change.replacement, change.policy_action) == ("Transmute", "Sometimes", "Freeze")
    assert not change.action.is_known
    assert change.action not in set(Action)
    assert change.unresolved
