"""How a device becomes known: the provisioning template's own language, and the role that carries it out."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session
from cfnlint.data import AdditionalSpecs
from troposphere import Ref

from parameters.settings import load
from stacks import devices, ingest
from stacks.wiring import KeyArn, QueueArn, QueueUrl, Root, StackTemplate, StreamArn, StreamName

Template = dict[str, Any]
# Their resources stand in some copies of the authorization reference and not in others.
DISPUTED = {"iot:AttachThingPrincipal", "iot:ListPrincipalThings", "iot:ListThingPrincipals"}
IOT = get_session().get_service_model("iot")


@pytest.fixture(params=["dev", "prod"])
def template(request: pytest.FixtureRequest) -> Template:
    settings = load(request.param)
    root = Root(StackTemplate("platform", "stacks.wiring", settings), settings)
    given = Ref("Given")
    root.nest(
        ingest.build,
        ingest.Inputs(
            stream_arn=StreamArn(given),
            stream_name=StreamName(given),
            dead_letters_arn=QueueArn(given),
            dead_letters_url=QueueUrl(given),
            data_key_arn=KeyArn(given),
        ),
        None,
    )
    (child,) = root.children.values()
    return {**child.tree, "environment": request.param}


def provision(template: Template, given: dict[str, str]) -> dict[str, Any]:
    """The resources as IoT would make them of a device's request: Ref and Fn::Join, as its guide has them."""
    source = template["Resources"]["Provisioning"]["Properties"]["TemplateBody"]["Fn::Sub"]
    body = json.loads(source.replace("${Device}", "the-policy"))
    assert set(body["Parameters"]) == set(given)

    def resolved(node: Any) -> Any:
        match node:
            case {"Ref": name}:
                return given[name]
            case {"Fn::Join": [separator, parts]}:
                return separator.join(resolved(part) for part in parts)
            case dict():
                return {key: resolved(value) for key, value in node.items()}
        return node

    made: dict[str, Any] = resolved(body["Resources"])
    return made


REQUEST = {
    "Device": "m17",
    "Enterprise": "acme",
    "Site": "lon1",
    "Area": "press",
    "Line": "line2",
    "Cell": "cell4",
    "AWS::IoT::Certificate::Id": "0123abcd",
}


def test_a_request_makes_a_thing_in_its_place_with_certificate_and_policy(template: Template) -> None:
    made = provision(template, REQUEST)
    thing = made["thing"]["Properties"]
    assert thing == {"ThingName": "m17", "AttributePayload": {"place": "acme/lon1/press/line2/cell4"}}
    assert made["certificate"]["Properties"] == {"CertificateId": "0123abcd", "Status": "ACTIVE"}
    assert made["policy"]["Properties"] == {"PolicyName": "the-policy"}


def test_the_policy_that_is_attached_is_the_device_s(template: Template) -> None:
    source = template["Resources"]["Provisioning"]["Properties"]["TemplateBody"]["Fn::Sub"]
    assert re.findall(r"\$\{([^}]*)\}", source) == ["Device"]
    assert template["Resources"]["Device"]["Type"] == "AWS::IoT::Policy"


def test_the_place_is_the_attribute_that_the_policy_asks_for(template: Template) -> None:
    attributes = provision(template, REQUEST)["thing"]["Properties"]["AttributePayload"]
    policy = json.dumps(template["Resources"]["Device"]["Properties"]["PolicyDocument"])
    assert re.findall(r"Attributes\[(\w+)\]\}", policy) == list(attributes)


def test_an_existing_name_is_given_to_nobody_else(template: Template) -> None:
    overrides = provision(template, REQUEST)["thing"]["OverrideSettings"]
    assert overrides == dict.fromkeys(("AttributePayload", "ThingTypeName", "ThingGroups"), "FAIL")


def test_the_longest_place_fits_an_attribute_and_has_no_wildcard() -> None:
    value = IOT.shape_for("AttributeValue").metadata
    longest = "/".join(["x" * 64] * len(devices.LEVELS))  # a level of a path has 64 characters at the most
    assert len(longest) <= value["max"]
    assert re.fullmatch(value["pattern"], "acme/lon1/press/line2/cell_4.a-b")
    assert not re.fullmatch(value["pattern"], "acme/*"), "an attribute cannot widen the policy"


def test_names_and_body_keep_to_iot_s_limits(template: Template) -> None:
    made = template["Resources"]["Provisioning"]["Properties"]
    name = IOT.shape_for("TemplateName").metadata
    assert made["TemplateName"] == f"millrace-{template['environment']}"
    assert len(made["TemplateName"]) <= name["max"]
    assert len(made["TemplateBody"]["Fn::Sub"]) < IOT.shape_for("TemplateBody").metadata["max"]


def test_an_installer_may_claim_for_this_template_and_nothing_else(template: Template) -> None:
    (only,) = template["Resources"]["Installer"]["Properties"]["PolicyDocument"]["Statement"]
    assert only["Action"] == ["iot:CreateProvisioningClaim"]
    assert only["Resource"] == [{"Fn::GetAtt": ["Provisioning", "TemplateArn"]}]


def test_the_provisioner_stands_on_star_only_where_the_action_knows_no_resource(
    template: Template, statements: Callable[[Template], list[dict[str, Any]]]
) -> None:
    file = Path(AdditionalSpecs.__file__ or "").with_name("Policies.json")
    known = json.loads(file.read_text())["iot"]["Actions"]  # cfn-lint's copy of the authorization reference
    for statement in statements(template["Resources"]["Provisioner"]):
        for action in statement["Action"]:
            entry = known[action.removeprefix("iot:").lower()]
            star = "Resources" not in entry or action in DISPUTED
            assert (statement["Resource"] == ["*"]) == star, action


def test_the_provisioner_looks_at_the_device_s_policy_and_no_other(
    template: Template, statements: Callable[[Template], list[dict[str, Any]]]
) -> None:
    (only,) = [
        one for one in statements(template["Resources"]["Provisioner"]) if "iot:GetPolicy" in one["Action"]
    ]
    assert only["Resource"] == [{"Fn::GetAtt": ["Device", "Arn"]}]


def test_the_provisioner_makes_no_policy_and_takes_nothing_away(
    template: Template, statements: Callable[[Template], list[dict[str, Any]]]
) -> None:
    actions = {
        action.removeprefix("iot:")
        for statement in statements(template["Resources"]["Provisioner"])
        for action in statement["Action"]
    }
    assert {"CreateThing", "AttachThingPrincipal", "AttachPolicy", "UpdateCertificate"} <= actions
    assert not [
        action for action in actions if re.match("Delete|Detach|Remove|CreatePolicy|UpdateThing", action)
    ]


@pytest.mark.parametrize(("title", "source_of"), [("Provisioner", "*"), ("Carrier", "rule/*")])
def test_iot_takes_on_a_role_for_this_account_and_region_only(
    template: Template, title: str, source_of: str
) -> None:
    (trust,) = template["Resources"][title]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": ["iot.amazonaws.com"]}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    source = trust["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"]
    assert source == "arn:${AWS::Partition}:iot:${AWS::Region}:${AWS::AccountId}:" + source_of


def test_a_records_key_is_the_path_that_the_devices_policy_binds(template: Template) -> None:
    """The processor holds a record whose key has six levels to that device (processor/binding.py)."""
    (rule,) = [one for one in template["Resources"].values() if one["Type"] == "AWS::IoT::TopicRule"]
    payload = rule["Properties"]["TopicRulePayload"]
    topic = payload["Sql"].partition("'")[2].rstrip("'").split("/")
    key = payload["Actions"][0]["Kinesis"]["PartitionKey"]
    levels = [int(level) for level in re.findall(r"\$\{topic\((\d)\)\}", key)]

    # Each level of the topic that is not fixed, in its order: the place and the thing's name.
    assert levels == [number for number, level in enumerate(topic, 1) if level == "+"]
    assert key == "/".join(f"${{topic({level})}}" for level in levels)
    assert len(levels) == 6
