"""What no template of ours may do."""

import pytest
from troposphere import (
    Cidr,
    Equals,
    FindInMap,
    GetAtt,
    ImportValue,
    Parameter,
    Ref,
    Select,
    Split,
    kinesis,
    sns,
)
from troposphere.cloudformation import Stack

from parameters.settings import load
from stacks.contract import ContractError, check, check_together
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
    check(template, "", child=True)


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
    with pytest.raises(ContractError, match=f"any: .*: {name} on Given fails .* as its own input"):
        check(template, "", child=True)


def test_what_is_known_when_it_is_built_may_be_worked_out(template: StackTemplate) -> None:
    template.add_resource(topic(Select(0, ["a", "b"])))
    check(template, "", child=True)


def test_the_root_may(template: StackTemplate) -> None:
    template.add_resource(topic(Select(0, Ref("Given"))))
    check(template, "", child=False)


def test_the_root_works_nothing_out_from_what_it_nests(template: StackTemplate) -> None:
    template.add_resource(Stack("Child", TemplateURL="child.yaml"))
    template.add_resource(topic(Select(0, GetAtt("Child", "Outputs.Subnets"))))
    with pytest.raises(ContractError, match=r"Fn::Select on Child fails .* pass each value as its own input"):
        check(template, "", child=False)


def test_a_child_decides_nothing_by_its_inputs(template: StackTemplate) -> None:
    template.add_condition("Large", Equals(Ref("Given"), "large"))
    with pytest.raises(ContractError, match="condition Large depends on the input Given"):
        check(template, "", child=True)


def test_nor_does_a_rule(template: StackTemplate) -> None:
    template.add_rule("Sizes", {"Assertions": [{"Assert": {"Fn::Equals": [{"Ref": "Given"}, "large"]}}]})
    with pytest.raises(ContractError, match="rule Sizes depends on the input Given"):
        check(template, "", child=True)


def test_a_child_looks_nothing_up_by_its_inputs(template: StackTemplate) -> None:
    template.add_mapping("Sizes", {"dev": {"Cpu": "1"}})
    template.add_resource(topic(FindInMap("Sizes", Ref("Given"), "Cpu")))
    with pytest.raises(ContractError, match="Fn::FindInMap on Given fails"):
        check(template, "", child=True)


def test_no_macro_runs(template: StackTemplate) -> None:
    template.set_transform("AWS::LanguageExtensions")
    with pytest.raises(ContractError, match="uses a Transform"):
        check(template, "", child=False)


@pytest.mark.parametrize("name", ["Fn::Transform", "Fn::Length", "Fn::ToJsonString", "Fn::ForEach::Zone"])
def test_nor_is_a_macro_s_function_used(template: StackTemplate, name: str) -> None:
    template.add_resource(topic("any"))
    template.tree["Resources"]["Topic"]["Properties"] = {"DisplayName": {name: ["a"]}}
    with pytest.raises(ContractError, match="uses a Transform"):
        check(template, "", child=True)


def test_nor_is_a_map_looked_up_with_a_default(template: StackTemplate) -> None:
    template.add_resource(topic("any"))
    template.tree["Mappings"] = {"Map": {"a": {"b": "c"}}}
    found = template.tree["Resources"]["Topic"]["Properties"]
    found["DisplayName"] = {"Fn::FindInMap": ["Map", "a", "b"]}
    check(template, "", child=True)
    found["DisplayName"] = {"Fn::FindInMap": ["Map", "a", "b", {"DefaultValue": "d"}]}
    with pytest.raises(ContractError, match="uses a Transform"):
        check(template, "", child=True)


def test_what_is_sent_in_a_request_leaves_a_fifth_of_it(template: StackTemplate) -> None:
    check(template, "x" * 40_961, child=True, sent="x" * 40_960)
    with pytest.raises(ContractError, match=r"40961 bytes in a request are more than 80% of .* 51200"):
        check(template, "", child=True, sent="x" * 40_961)


def test_no_output_is_exported(template: StackTemplate) -> None:
    template.tree["Outputs"] = {"Name": {"Value": "a"}}
    check(template, "", child=True)
    template.tree["Outputs"]["Name"]["Export"] = {"Name": "b"}
    with pytest.raises(ContractError, match=r"output Name is exported, .* wire it by the root$"):
        check(template, "", child=True)


def test_nothing_comes_from_a_stack_outside(template: StackTemplate) -> None:
    template.add_resource(topic(ImportValue("others-topic")))
    with pytest.raises(ContractError, match=r"Resources\.Topic.*: Fn::ImportValue names what this tree"):
        check(template, "", child=True)


@pytest.mark.parametrize(
    "name",
    [
        *("MasterPassword", "DbSecret", "ApiToken", "Credentials", "PasswordValue", "AccessKey", "DbPwd"),
        *("DbPass", "Passcode", "SigningKey", "EncryptionKey", "SshKey", "LicenceKey", "ConnectionString"),
        *("DatabaseUrl", "WebhookUrl", "Jwt", "BearerValue", "Auth", "Pin", "Otp2", "AccessKeyId", "Secret2"),
        *(
            "TlsKey",
            "HmacKey",
            "SessionKey",
            "SasUrl",
            "RedisUrl",
            "BrokerUri",
            "Dsn",
            "RootPw",
            "Psk",
            "CaPem",
        ),
        *("SessionCookie", "AuthHeader", "ConnString", "OtpSeed"),
    ],
)
def test_no_parameter_carries_a_secret_by_name(template: StackTemplate, name: str) -> None:
    template.add_parameter(Parameter(name, Type="String"))
    with pytest.raises(ContractError, match=f"parameter {name} carries a secret"):
        check(template, "", child=False)


def test_no_parameter_carries_a_secret_by_no_echo(template: StackTemplate) -> None:
    template.add_parameter(Parameter("Innocent", Type="String", NoEcho=True))
    with pytest.raises(ContractError, match="parameter Innocent carries a secret"):
        check(template, "", child=False)


@pytest.mark.parametrize(
    "value",
    [
        "{{resolve:secretsmanager:login:SecretString:password}}",
        "{{resolve:ssm-secure:/login}}",
        "AKIAIOSFODNN7EXAMPLE",  # AWS's own example of an access key
        "-----BEGIN RSA PRIVATE KEY-----",
        "postgresql://user:pass@host:5432/readings",
        "rediss://:pass@host:6379",
    ],
)
def test_no_parameter_s_default_is_a_secret(template: StackTemplate, value: str) -> None:
    template.add_parameter(Parameter("Login", Type="String", Default=value))
    with pytest.raises(ContractError, match="parameter Login is given a secret's value"):
        check(template, "", child=False)


@pytest.mark.parametrize(
    "name",
    [
        *("MasterSecretArn", "SecretsKeyArn", "SecretArn1", "TokenSeconds", "EncryptionKeyId", "QueueUrl"),
        *("EcrRepository", "Passenger", "CompassBearing0", "Author", "Pinned", "ObjectKey", "ArtefactBucket"),
    ],
)
def test_where_a_secret_lies_is_no_secret(template: StackTemplate, name: str) -> None:
    template.add_parameter(Parameter(name, Type="String"))
    check(template, "", child=True)


@pytest.mark.parametrize(
    "value", ["https://example.com:443/a@b", "AKIA", "a: b@c", "-----BEGIN CERTIFICATE-----"]
)
def test_an_address_or_a_certificate_is_no_secret(template: StackTemplate, value: str) -> None:
    template.add_parameter(Parameter("Address", Type="String", Default=value))
    check(template, "", child=False)


def test_an_input_is_a_string(template: StackTemplate) -> None:
    template.add_parameter(Parameter("Subnets", Type="List<AWS::EC2::Subnet::Id>"))
    with pytest.raises(ContractError, match="parameter Subnets is a List<AWS::EC2::Subnet::Id>"):
        check(template, "", child=True)


def test_a_policy_is_a_literal(template: StackTemplate) -> None:
    template.add_resource(kinesis.Stream("Stream", DeletionPolicy=Ref("Given")))
    with pytest.raises(ContractError, match=r"Stream\.DeletionPolicy is a function"):
        check(template, "", child=True)


@pytest.mark.parametrize(
    "value", ["{{resolve:secretsmanager:login:SecretString:password}}", "AKIAIOSFODNN7EXAMPLE"]
)
def test_no_nested_stack_is_given_a_secret_s_value(template: StackTemplate, value: str) -> None:
    given = {"Login": value}
    template.add_resource(Stack("Child", TemplateURL="child.yaml", Parameters=given))
    with pytest.raises(ContractError, match="Child is given a secret's value; pass the secret's ARN"):
        check(template, "", child=False)


def test_a_reference_that_leads_nowhere_is_refused(template: StackTemplate) -> None:
    template.add_resource(topic(Ref("Forgotten")))
    with pytest.raises(ContractError, match=r"any: Resources\.Topic.*: Ref names Forgotten, which"):
        check(template, "", child=True)


def test_more_than_four_fifths_of_a_quota_are_refused(template: StackTemplate) -> None:
    check(template, "x" * 800_000, child=True)
    with pytest.raises(ContractError, match=r"any: 800001 bytes are more than 80% .* 1000000 \(800000\)"):
        check(template, "x" * 800_001, child=True)


def test_what_the_root_gives_must_be_asked_for() -> None:
    root, child = (StackTemplate(name, __name__, load("dev")) for name in ("platform", "child"))
    child.add_resource(topic("any"))
    root.add_resource(Stack("Child", TemplateURL="child.yaml"))
    check_together(root, [child])
    root.resources["Child"].Parameters = {"Unasked": "value"}
    del root.tree  # rendered once; what is added later asks for it anew
    with pytest.raises(ContractError, match=r"platform: Child is given Unasked, which child\.yaml does not"):
        check_together(root, [child])
