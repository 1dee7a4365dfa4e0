"""What no template of ours may do."""

import pytest
from troposphere import Cidr, Equals, GetAtt, Parameter, Ref, Select, Split, kinesis, sns

from parameters.settings import load
from stacks.contract import ContractError, check
from stacks.wiring import StackTemplate


@pytest.fixture
def template() -> StackTemplate:
    made = StackTemplate("any", __name__, load("dev"))
    made.add_parameter(Parameter("Given", Type="String"))
    return made


def topic(value: object) -> sns.Topic:
    return sns.Topic("Topic", DisplayName=value)


def test_a_plain_template_passes(template: StackTemplate) -> None:
    template.add_resource(topic(Ref("Given")))
    assert check(template, "", child=True) == []


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (Select(0, Ref("Given")), "Fn::Select"),
        (Select(0, Split(",", Ref("Given"))), "Fn::Select"),
        (Split(",", Ref("Given")), "Fn::Split"),
        (Cidr(Ref("Given"), 2, 8), "Fn::Cidr"),
    ],
)
def test_a_child_works_nothing_out_from_its_inputs(
    template: StackTemplate, function: object, name: str
) -> None:
    template.add_resource(topic(function))
    with pytest.raises(ContractError, match=f"any: uses {name}, .* pass each value as its own input"):
        check(template, "", child=True)


def test_the_root_may(template: StackTemplate) -> None:
    template.add_resource(topic(Select(0, Ref("Given"))))
    assert check(template, "", child=False) == []


def test_a_child_decides_nothing_by_its_inputs(template: StackTemplate) -> None:
    template.add_condition("Large", Equals(Ref("Given"), "large"))
    with pytest.raises(ContractError, match="condition Large depends on the input Given"):
        check(template, "", child=True)


def test_no_macro_runs(template: StackTemplate) -> None:
    template.set_transform("AWS::LanguageExtensions")
    with pytest.raises(ContractError, match="uses a Transform"):
        check(template, "", child=False)


@pytest.mark.parametrize("name", ["MasterPassword", "DbSecret", "ApiToken", "Credentials"])
def test_no_parameter_carries_a_secret_by_name(template: StackTemplate, name: str) -> None:
    template.add_parameter(Parameter(name, Type="String"))
    with pytest.raises(ContractError, match=f"parameter {name} carries a secret"):
        check(template, "", child=False)


def test_no_parameter_carries_a_secret_by_no_echo(template: StackTemplate) -> None:
    template.add_parameter(Parameter("Innocent", Type="String", NoEcho=True))
    with pytest.raises(ContractError, match="parameter Innocent carries a secret"):
        check(template, "", child=False)


def test_where_a_secret_lies_is_no_secret(template: StackTemplate) -> None:
    template.add_parameter(Parameter("MasterSecretArn", Type="String"))
    assert check(template, "", child=True) == []


def test_an_input_is_a_string(template: StackTemplate) -> None:
    template.add_parameter(Parameter("Subnets", Type="List<AWS::EC2::Subnet::Id>"))
    with pytest.raises(ContractError, match="parameter Subnets is a List<AWS::EC2::Subnet::Id>"):
        check(template, "", child=True)


def test_a_policy_is_a_literal(template: StackTemplate) -> None:
    template.add_resource(kinesis.Stream("Stream", DeletionPolicy=Ref("Given")))
    with pytest.raises(ContractError, match=r"Stream\.DeletionPolicy is a function"):
        check(template, "", child=True)


def test_a_template_near_a_quota_is_warned_of_and_one_over_it_refused(template: StackTemplate) -> None:
    text = "x" * 800_000
    assert check(template, text, child=True) == [
        "any: 800000 bytes of CloudFormation's 1000000; split it soon"
    ]
    with pytest.raises(ContractError, match="1000001 bytes exceed CloudFormation's 1000000"):
        check(template, "x" * 1_000_001, child=True)


def test_dynamic_references_are_counted(template: StackTemplate) -> None:
    template.add_resource(topic(GetAtt("Other", "Name")))
    references = "{{resolve:ssm:/a}}"
    assert check(template, references * 47, child=True) == []
    assert len(check(template, references * 48, child=True)) == 1
    with pytest.raises(ContractError, match="61 dynamic references"):
        check(template, references * 61, child=True)
