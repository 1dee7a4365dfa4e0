"""References that lead nowhere."""

from typing import Any

import pytest

from stacks.dangling import between, within

CHILD: dict[str, Any] = {
    "Parameters": {"KeyArn": {"Type": "String"}, "Size": {"Type": "String", "Default": "1"}},
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    "Outputs": {"TopicArn": {"Value": {"Ref": "Topic"}}},
}


def template(properties: object, **attributes: object) -> dict[str, Any]:
    topic = {"Type": "AWS::SNS::Topic", "Properties": properties, **attributes}
    return {
        "Parameters": {"Given": {"Type": "String"}},
        "Mappings": {"Sizes": {"dev": {"Cpu": 1}}},
        "Conditions": {"Large": {"Fn::Equals": ["a", "b"]}},
        "Resources": {"Topic": topic, "Queue": {"Type": "AWS::SQS::Queue"}},
    }


@pytest.mark.parametrize(
    "value",
    [
        {"Ref": "Given"},
        {"Ref": "AWS::Region"},
        {"Ref": "Queue"},
        {"Fn::GetAtt": ["Queue", "Arn"]},
        {"Fn::GetAtt": "Queue.Arn"},
        {"Fn::Sub": "${Given} ${Queue.Arn} ${AWS::Region} ${!Nothing}"},
        {"Fn::Sub": ["${Own}", {"Own": {"Ref": "Given"}}]},
        {"Fn::If": ["Large", 1, {"Ref": "AWS::NoValue"}]},
        {"Fn::FindInMap": ["Sizes", "dev", "Cpu"]},
        {"Fn::FindInMap": ["Sizes", {"Ref": "Given"}, "Cpu"]},
        {"Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}},
    ],
)
def test_what_leads_somewhere_passes(value: object) -> None:
    assert list(within(template({"DisplayName": value}))) == []


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"Ref": "Gone"}, "Ref names Gone"),
        ({"Ref": "AWS::Account"}, "Ref names AWS::Account"),
        ({"Fn::GetAtt": ["Gone", "Arn"]}, "Fn::GetAtt names Gone"),
        ({"Fn::GetAtt": ["Given", "Arn"]}, "Fn::GetAtt names Given"),
        ({"Fn::Sub": "${Given} ${Gone}"}, "Fn::Sub names Gone"),
        ({"Fn::Sub": "${Given.Arn}"}, "Fn::Sub names Given"),
        ({"Fn::Sub": ["${Own}", {"Own": {"Ref": "Gone"}}]}, "Ref names Gone"),
        ({"Fn::If": ["Small", 1, 2]}, "Fn::If names Small"),
        ({"Fn::FindInMap": ["Weights", "dev", "Cpu"]}, "Fn::FindInMap names Weights"),
        ({"Fn::FindInMap": ["Sizes", "prod", "Cpu"]}, "Fn::FindInMap names Sizes.prod"),
    ],
)
def test_what_leads_nowhere_is_named_with_its_place(value: object, says: str) -> None:
    (line,) = within(template({"DisplayName": [value]}))
    assert line.startswith("Resources.Topic.Properties.DisplayName[0]")
    assert line.endswith(f"{says}, which the template does not have")


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"DependsOn": "Gone"}, "DependsOn names Gone"),
        ({"DependsOn": ["Queue", "Given"]}, "DependsOn names Given"),
        ({"DependsOn": "Topic"}, "DependsOn names Topic"),
        ({"Condition": "Small"}, "Condition names Small"),
    ],
)
def test_a_resource_s_own_attributes_lead_somewhere_too(attributes: dict[str, object], says: str) -> None:
    (line,) = within(template({}, **attributes))
    assert line == f"Resources.Topic: {says}, which the template does not have"


def root(given: dict[str, object], reads: object = "nothing", file: str = "child.yaml") -> dict[str, Any]:
    nested = {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"TemplateURL": file, "Parameters": given},
    }
    return {"Resources": {"Child": nested}, "Outputs": {"Topic": {"Value": reads}}}


@pytest.mark.parametrize(
    "reads", [{"Fn::GetAtt": ["Child", "Outputs.TopicArn"]}, {"Fn::Sub": "${Child.Outputs.TopicArn}"}]
)
def test_a_wire_that_ends_passes(reads: object) -> None:
    assert list(between(root({"KeyArn": "arn"}, reads), {"child.yaml": CHILD})) == []


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (root({}), "Child is not given KeyArn, which child.yaml asks for"),
        (root({"KeyArn": 1, "Extra": 2}), "Child is given Extra, which child.yaml does not ask for"),
        (root({"KeyArn": 1}, file="gone.yaml"), "Child.TemplateURL is gone.yaml; there are: child.yaml"),
        (
            root({"KeyArn": 1}, {"Fn::GetAtt": ["Child", "Outputs.Gone"]}),
            "Outputs.Topic.Value reads Child.Outputs.Gone, which Child does not put out",
        ),
        (
            root({"KeyArn": 1}, {"Fn::Sub": "a${Child.Outputs.Gone}"}),
            "Outputs.Topic.Value reads Child.Outputs.Gone, which Child does not put out",
        ),
    ],
)
def test_a_wire_that_ends_nowhere_is_named(made: dict[str, Any], says: str) -> None:
    assert list(between(made, {"child.yaml": CHILD})) == [says]
