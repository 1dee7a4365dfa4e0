"""Crossing the seam: names, values, tags, and what is refused."""

from dataclasses import dataclass
from typing import Any

import pytest
from troposphere import GetAtt, Ref, Sub, Tags, budgets, kinesis, sns, ssm

from parameters.settings import Environment, load
from stacks.wiring import (
    KeyArn,
    Root,
    StackTemplate,
    StreamName,
    SubnetId,
    TopicArn,
    WiringError,
)


@dataclass(frozen=True)
class Inputs:
    data_key_arn: KeyArn
    app_subnets: tuple[SubnetId, ...]


@dataclass(frozen=True)
class Outputs:
    topic_arn: TopicArn
    names: tuple[StreamName, ...]


def build(template: StackTemplate, inputs: Inputs, settings: int) -> Outputs:
    template.add_resource(
        sns.Topic(
            "Topic",
            KmsMasterKeyId=inputs.data_key_arn,
            DisplayName=Sub("${AppSubnets1} ${!kept} ${AWS::Region}"),
            TopicName=inputs.app_subnets[1],
        )
    )
    return Outputs(
        topic_arn=TopicArn(Ref("Topic")),
        names=tuple(StreamName(GetAtt("Topic", "TopicName")) for _ in range(settings)),
    )


@pytest.fixture
def environment() -> Environment:
    return load("dev")


@pytest.fixture
def root(environment: Environment) -> Root:
    return Root(StackTemplate("platform", __name__, environment), environment)


def subnets(count: int) -> tuple[SubnetId, ...]:
    return tuple(SubnetId(GetAtt("Network", f"Outputs.AppSubnets{number}")) for number in range(1, count + 1))


def given(count: int = 2) -> Inputs:
    return Inputs(data_key_arn=KeyArn(GetAtt("Keys", "Outputs.DataKeyArn")), app_subnets=subnets(count))


def child(root: Root) -> StackTemplate:
    (only,) = root.children.values()
    return only


def test_an_input_becomes_a_string_parameter_and_the_root_gives_its_value(root: Root) -> None:
    root.nest(build, given(), 1)

    assert {name: made.to_dict() for name, made in child(root).parameters.items()} == {
        "DataKeyArn": {"Type": "String"},
        "AppSubnets1": {"Type": "String"},
        "AppSubnets2": {"Type": "String"},
    }
    (stack,) = root.template.to_dict()["Resources"].values()
    assert stack["Properties"]["Parameters"] == {
        "DataKeyArn": {"Fn::GetAtt": ["Keys", "Outputs.DataKeyArn"]},
        "AppSubnets1": {"Fn::GetAtt": ["Network", "Outputs.AppSubnets1"]},
        "AppSubnets2": {"Fn::GetAtt": ["Network", "Outputs.AppSubnets2"]},
    }


def test_an_output_comes_back_as_the_root_sees_it(root: Root) -> None:
    outputs = root.nest(build, given(), 2)

    (title,) = root.children
    assert outputs.topic_arn.to_dict() == {"Fn::GetAtt": [title, "Outputs.TopicArn"]}
    assert [name.to_dict() for name in outputs.names] == [
        {"Fn::GetAtt": [title, "Outputs.Names1"]},
        {"Fn::GetAtt": [title, "Outputs.Names2"]},
    ]
    assert set(child(root).outputs) == {"TopicArn", "Names1", "Names2"}


def test_a_stack_is_named_after_its_module_and_lies_beside_the_root(root: Root) -> None:
    root.nest(build, given(), 1)

    (title,) = root.children
    assert title == build.__module__.rpartition(".")[2].title().replace("_", "")
    assert root.template.to_dict()["Resources"][title]["Properties"]["TemplateURL"] == child(root).file_name


def test_an_input_that_the_child_ignores_is_refused(root: Root) -> None:
    with pytest.raises(WiringError, match=r"never uses its inputs AppSubnets3;"):
        root.nest(build, given(count=3), 1)


def test_a_module_is_nested_once(root: Root) -> None:
    root.nest(build, given(), 1)
    with pytest.raises(WiringError, match="nested twice"):
        root.nest(build, given(), 1)


@pytest.mark.parametrize("value", ["arn:aws:kms:eu-west-2:111122223333:key/1", None, 5432])
def test_only_functions_cross(root: Root, value: Any) -> None:
    with pytest.raises(WiringError, match=f"data_key_arn is {value!r}"):
        root.nest(build, Inputs(data_key_arn=value, app_subnets=subnets(2)), 1)


def test_tags_take_the_shape_of_each_type_and_a_resource_s_own_win(environment: Environment) -> None:
    template = StackTemplate("any", __name__, environment)
    template.add_resource(kinesis.Stream("Bare"))
    template.add_resource(sns.Topic("Named", Tags=Tags(Name="ours", Project="other")))
    template.add_resource(ssm.Parameter("Mapped", Type="String", Value="x", Tags={"Project": "other"}))
    data = budgets.BudgetData(BudgetType="COST", TimeUnit="MONTHLY")
    template.add_resource(budgets.Budget("Spelt", Budget=data))
    template.add_resource(sns.SubscriptionResource("Untaggable", Protocol="email", TopicArn="t"))

    template.tag_resources()

    tags = {
        title: {k: v for k, v in made.get("Properties", {}).items() if k.endswith("Tags")}
        for title, made in template.to_dict()["Resources"].items()
    }
    of_dev = [
        {"Key": "Environment", "Value": "dev"},
        {"Key": "ManagedBy", "Value": "cloudformation"},
        {"Key": "Project", "Value": "millrace"},
    ]
    assert tags["Bare"] == {"Tags": of_dev}
    assert {tag["Key"]: tag["Value"] for tag in tags["Named"]["Tags"]} == {
        "Name": "ours",
        "Project": "other",
        "Environment": "dev",
        "ManagedBy": "cloudformation",
    }
    assert tags["Mapped"] == {
        "Tags": {"Project": "other", "Environment": "dev", "ManagedBy": "cloudformation"}
    }
    assert sorted(tags["Spelt"]["ResourceTags"], key=lambda tag: str(tag["Key"])) == of_dev
    assert tags["Untaggable"] == {}


def test_what_holds_data_goes_with_dev_and_stays_with_prod() -> None:
    dev, prod = (StackTemplate("any", __name__, load(name)).retention for name in ("dev", "prod"))
    assert dev == {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete"}
    assert prod == {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
