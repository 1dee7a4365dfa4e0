import json
from typing import Any

import pytest

from deployer import stack_policy
from deployer.acceptance import Path
from deployer.stack_policy import ALLOW, Deployed
from deployer.templates import Tree


def tree(**types: str) -> Tree:
    return {"Resources": {name: {"Type": kind} for name, kind in types.items()}}


STREAM = "AWS::Kinesis::Stream"
ROLE = "AWS::IAM::Role"
NESTED = "AWS::CloudFormation::Stack"
STANDING = Deployed(
    (),
    "root",
    tree(Stream=NESTED, Keys=NESTED, Ingest=NESTED),
    (
        Deployed(("Stream",), "stream", tree(Readings=STREAM, Role=ROLE)),
        Deployed(("Keys",), "keys", tree(Role=ROLE)),
        Deployed(
            ("Ingest",),
            "ingest",
            tree(Inner=NESTED),
            (Deployed(("Ingest", "Inner"), "inner", tree(Letters="AWS::SQS::Queue", Old=STREAM)),),
        ),
    ),
)


def deny(actions: list[str], *names: str) -> dict[str, Any]:
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": actions,
        "Resource": [f"LogicalResourceId/{name}" for name in names],
    }


def replacing(*names: str) -> dict[str, Any]:
    return deny(["Update:Replace", "Update:Delete"], *names)


def removing(*names: str) -> dict[str, Any]:
    return deny(["Update:Delete"], *names)


def statements(released: set[Path], planned: dict[Path, Tree]) -> dict[str, list[dict[str, Any]]]:
    found = stack_policy.policies(STANDING, planned, released)
    return {stack: policy["Statement"] for stack, policy in found}


def test_each_stack_protects_what_holds_data_and_the_nested_stacks_that_hold_it() -> None:
    assert statements(set(), {}) == {
        "root": [removing("Ingest", "Stream"), ALLOW],
        "stream": [replacing("Readings"), ALLOW],
        "keys": [ALLOW],
        "ingest": [removing("Inner"), ALLOW],
        "inner": [replacing("Letters", "Old"), ALLOW],
    }


def test_what_was_accepted_is_free_and_so_is_a_nested_stack_that_holds_nothing_else() -> None:
    found = statements({("Stream", "Readings"), ("Ingest", "Inner", "Old")}, {})

    assert found["root"] == [removing("Ingest"), ALLOW]
    assert found["stream"] == [ALLOW]
    assert found["ingest"] == [removing("Inner"), ALLOW]
    assert found["inner"] == [replacing("Letters"), ALLOW]


def test_what_the_operation_adds_is_protected_from_its_beginning() -> None:
    planned: dict[Path, Tree] = {
        ("Keys",): tree(Data="AWS::KMS::Key", Role=ROLE),
        ("New",): tree(Queue="AWS::SQS::Queue"),
    }

    assert statements(set(), planned)["keys"] == [replacing("Data"), ALLOW]


def test_two_stacks_with_a_resource_of_one_name_are_told_apart() -> None:
    nested = Deployed(("Child",), "child", tree(Readings=STREAM))
    root = Deployed((), "root", tree(Readings=STREAM, Child=NESTED), (nested,))

    found = dict(stack_policy.policies(root, {}, {("Child", "Readings")}))

    assert found["root"]["Statement"] == [replacing("Readings"), ALLOW]
    assert found["child"]["Statement"] == [ALLOW]


@pytest.mark.parametrize(
    ("present", "wanted"),
    [
        (None, tree(Readings=STREAM)),
        ([ALLOW], tree(Readings=STREAM)),
        ([replacing("Other"), ALLOW], tree(Readings=STREAM)),
        ([replacing("Readings"), ALLOW], tree(Role=ROLE)),
    ],
)
def test_a_policy_that_differs_is_set(aws: Any, present: list[Any] | None, wanted: Tree) -> None:
    root = Deployed((), "root", wanted)
    ((_, policy),) = stack_policy.policies(root, {})
    body = {} if present is None else {"StackPolicyBody": json.dumps({"Statement": present})}
    aws.says("get_stack_policy", body, StackName="root")
    aws.says("set_stack_policy", {}, StackName="root", StackPolicyBody=json.dumps(policy))

    stack_policy.put(aws.cloudformation, root, {})


@pytest.mark.parametrize(
    ("present", "there"),
    [
        (None, tree(Role=ROLE)),
        (
            json.dumps({"Statement": [replacing("Readings"), ALLOW]}, indent=4, sort_keys=True),
            tree(Readings=STREAM),
        ),
    ],
)
def test_a_policy_that_says_the_same_is_left(aws: Any, present: str | None, there: Tree) -> None:
    aws.says("get_stack_policy", {} if present is None else {"StackPolicyBody": present})

    stack_policy.put(aws.cloudformation, Deployed((), "root", there), {})


def test_what_stands_is_read_through_all_nested_stacks(aws: Any) -> None:
    def listed(name: str, kind: str, physical: str, status: str) -> dict[str, Any]:
        return {
            "LogicalResourceId": name,
            "PhysicalResourceId": physical,
            "ResourceType": kind,
            "ResourceStatus": status,
            "LastUpdatedTimestamp": 0,
        }

    summaries = [
        listed("Stream", NESTED, "stream", "UPDATE_COMPLETE"),
        listed("Gone", NESTED, "gone", "DELETE_COMPLETE"),
        listed("Role", ROLE, "role", "CREATE_COMPLETE"),
    ]
    aws.says("list_stack_resources", {"StackResourceSummaries": summaries}, StackName="root")
    aws.says("get_template", {"TemplateBody": json.dumps(tree(Stream=NESTED))}, StackName="root")
    aws.says("list_stack_resources", {"StackResourceSummaries": []}, StackName="stream")
    aws.says("get_template", {"TemplateBody": json.dumps(tree(Readings=STREAM))}, StackName="stream")

    assert stack_policy.deployed(aws.cloudformation, "root") == Deployed(
        (), "root", tree(Stream=NESTED), (Deployed(("Stream",), "stream", tree(Readings=STREAM)),)
    )
