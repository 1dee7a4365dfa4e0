"""`plan --json`: the whole plan, valid against its schema."""

import json
from typing import Any

import jsonschema

from deployer import documents, plan_document
from deployer.changes import Action, Change, PropertyChange, Replacement, StackPlan
from deployer.plan import Kind, Plan


def document(plan: Plan) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(documents.text(plan_document.of(plan)))
    jsonschema.validate(found, json.loads(documents.schema("plan")))
    return found


def test_the_document_holds_all_that_the_screen_shows() -> None:
    table = Change(
        "Table",
        "AWS::DynamoDB::Table",
        Action.MODIFY,
        Replacement.ALWAYS,
        "ReplaceAndDelete",
        "old",
        (
            PropertyChange(
                "TableName", "old", "new", recreates=True, cause="Name", source="ParameterReference"
            ),
        ),
        hooks=1,
    )
    container = Change("Inner", "AWS::CloudFormation::Stack", Action.MODIFY)
    stacks = StackPlan(
        "s",
        children=(StackPlan("Inner", (table,), (), container, "i", "ic"),),
        stack_id="s",
        change_set_id="c",
    )

    found = document(Plan("dev", "s", Kind.UPDATE, stacks, "c", "s", "millrace-deploy-1", ("a note",)))

    inner = found["stacks"].pop("stacks")[0]
    (verdict,) = found.pop("verdicts")
    totals = {"add": 0, "modify": 1, "replace": 1, "remove": 0, "unresolved": 0}
    assert found == {
        "environment": "dev",
        "stack_name": "s",
        "kind": "UPDATE",
        "plan": "millrace-deploy-1",
        "change_set_id": "c",
        "stack_id": "s",
        "exit_code": 3,
        "notes": ["a note"],
        "totals": totals,
        "stacks": {
            "name": "s",
            "action": None,
            "stack_id": "s",
            "change_set_id": "c",
            "totals": totals,
            "changes": [],
        },
        "access": [],
        "security_groups": [],
    }
    assert inner == {
        "name": "Inner",
        "action": "Modify",
        "stack_id": "i",
        "change_set_id": "ic",
        "totals": totals,
        "changes": [
            {
                "logical_id": "Table",
                "type": "AWS::DynamoDB::Table",
                "action": "Modify",
                "replacement": "True",
                "replaced": True,
                "unresolved": False,
                "policy_action": "ReplaceAndDelete",
                "physical_id": "old",
                "hooks": 1,
                "properties": [
                    {
                        "path": "TableName",
                        "attribute": "Properties",
                        "before": "old",
                        "after": "new",
                        "unresolved": False,
                        "replacement": "Always",
                        "cause": "Name",
                        "source": "ParameterReference",
                    }
                ],
            }
        ],
        "stacks": [],
    }
    assert (verdict["resource"], verdict["danger"], verdict["endangers"]) == ("Inner/Table", "lost", True)


def test_access_and_security_groups_are_sections_of_their_own() -> None:
    statement = {"Effect": "Allow", "Action": "*", "Resource": "r"}
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0", "GroupId": "sg-1"}
    changes = (
        Change(
            "P",
            "AWS::IAM::ManagedPolicy",
            Action.ADD,
            after={"Properties": {"PolicyDocument": {"Statement": [statement]}}},
        ),
        Change("R", "AWS::EC2::SecurityGroupIngress", Action.ADD, after={"Properties": rule}),
    )

    found = document(Plan("dev", "s", Kind.CREATE, StackPlan("s", changes), "c"))

    assert found["access"] == [
        {
            "resource": "P",
            "type": "AWS::IAM::ManagedPolicy",
            "sign": "+",
            "text": "Allow * on r [policy]",
            "broadens": "every action of every service",
        }
    ]
    assert found["security_groups"] == [
        {
            "resource": "R",
            "type": "AWS::EC2::SecurityGroupIngress",
            "sign": "+",
            "text": "in of sg-1 tcp 22 from 0.0.0.0/0",
            "broadens": "from everywhere",
        }
    ]


def test_an_empty_plan_has_no_name_that_could_be_applied() -> None:
    found = document(Plan("dev", "s", Kind.UPDATE, StackPlan("s"), token="millrace-deploy-1"))

    assert (found["plan"], found["change_set_id"], found["exit_code"]) == (None, None, 0)


def test_words_of_tomorrow_are_valid_too() -> None:
    change = Change("A", "AWS::S3::Bucket", Action("Transmute"), Replacement("Sometimes"), "Freeze")

    (told,) = document(Plan("dev", "s", Kind.UPDATE, StackPlan("s", (change,)), "c"))["stacks"]["changes"]

    assert (told["action"], told["replacement"], told["policy_action"]) == (
        "Transmute",
        "Sometimes",
        "Freeze",
    )
