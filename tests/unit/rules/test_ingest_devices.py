import pytest

from tests.unit.rules.conftest import Say

FLEET = """\
Resources:
  Meters:
    Type: AWS::IoT::TopicRule
    Properties:
      TopicRulePayload:
        AwsIotSqlVersion: '2016-03-23'
        Sql: SELECT * FROM 'm/+/+/+'
        Actions: [{Lambda: {FunctionArn: 'arn:aws:lambda:eu-west-1:111122223333:function:f'}}]
        ErrorAction: {Http: {Url: 'https://example.com'}}
  Meter:
    Type: AWS::IoT::Policy
    Properties:
      PolicyName: meter
      PolicyDocument:
        Version: '2012-10-17'
        Statement:
        - Effect: Allow
          Action: iot:Connect
          Resource: arn:aws:iot:eu-west-1:111122223333:client/${iot:Connection.Thing.ThingName}
          Condition: {Bool: {iot:Connection.Thing.IsAttached: 'true'}}
        - Effect: Allow
          Action: [iot:Publish]
          Resource:
          - HEREtopic/PLACE
          Condition: {StringLike: {'iot:Connection.Thing.Attributes[site]': '?*/?*'}}
        - Effect: Allow
          Action: iot:Subscribe
          Resource: arn:aws:iot:eu-west-1:111122223333:topicfilter/cmd/${iot:Connection.Thing.ThingName}/*
        - Effect: Allow
          Action: iot:Receive
          Resource: arn:aws:iot:eu-west-1:111122223333:topic/cmd/${iot:Connection.Thing.ThingName}/*
  Registrar:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: iot.amazonaws.com}, Action: 'sts:AssumeRole'}]
      ManagedPolicyArns: ['arn:aws:iam::aws:policy/service-role/AWSIoTThingsRegistration']
  Check: {Type: AWS::Lambda::Function, Properties: {Role: 'arn:aws:iam::111122223333:role/x'}}
  CheckCall:
    Type: AWS::Lambda::Permission
    Properties: {FunctionName: !GetAtt Check.Arn, Principal: iot.amazonaws.com, Action: '*'}
  Birth:
    Type: AWS::IoT::ProvisioningTemplate
    Properties:
      Enabled: true
      HOOK
      ProvisioningRoleArn: !GetAtt Registrar.Arn
      TemplateBody: !Sub |
        {"Parameters": {"Serial": {"Type": "String"}, "A": {"Type": "String"}, "B": {"Type": "String"},
                        "AWS::IoT::Certificate::Id": {"Type": "String"}},
         "Resources": {
          "t": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": {"Ref": "Serial"},
            "AttributePayload": {"site": {"Fn::Join": ["/", [{"Ref": "A"}, {"Ref": "B"}]]}}},
            "OverrideSettings": {"AttributePayload": "FAIL"}},
          "c": {"Type": "AWS::IoT::Certificate", "Properties":
            {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}, "Status": "ACTIVE"}},
          "p": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyName": "${Meter}"}}}}
  Installers:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Statement:
        - {Effect: Allow, Action: 'iot:CreateProvisioningClaim', Resource: !GetAtt Birth.TemplateArn}
"""
HERE = "arn:aws:iot:eu-west-1:111122223333:"
PLACE = "m/${iot:Connection.Thing.Attributes[site]}/${iot:Connection.Thing.ThingName}"
FLEET = FLEET.replace("HERE", HERE).replace("PLACE", PLACE)
GOOD = FLEET.replace("      HOOK\n", "")
HOOKED = FLEET.replace("HOOK", "PreProvisioningHook: {TargetArn: !GetAtt Check.Arn}")
OWN = "client/${iot:Connection.Thing.ThingName}"
ATTACHED = "          Condition: {Bool: {iot:Connection.Thing.IsAttached: 'true'}}\n"


@pytest.mark.parametrize("fleet", [GOOD, HOOKED])
def test_devices_that_may_do_only_their_own_are_well(say: Say, fleet: str) -> None:
    assert say("E97", fleet) + say("W97", fleet) == []


@pytest.mark.parametrize(
    ("id", "old", "new"),
    [
        ("E9720", "Action: [iot:Publish]", "Action: ['iot:*']"),
        ("E9721", f"topicfilter/cmd/{OWN[7:]}/*", "topicfilter/#"),
        ("E9721", f"topic/{PLACE}", "topic/m/*"),
        ("E9721", f"{HERE}topic/{PLACE}", "'*'"),
        ("W9722", f"{PLACE}", "m/${iot:Connection.Thing.Attributes[site]}/*"),
        ("W9722", f"{PLACE}", f"{PLACE}*"),
        ("E9723", OWN, "client/${iot:Connection.Thing.Name}"),
        ("E9723", "iot:Connection.Thing.IsAttached", "iot:Connection.Thing.Attached"),
        ("E9724", f"topic/{PLACE}", f"topicfilter/{PLACE}"),
        ("E9724", "Action: iot:Subscribe", "Action: iot:Receive"),
        ("E9724", OWN, OWN.replace("client", "topic")),
        ("E9725", "Action: [iot:Publish]", "Action: [iot:Publsh]"),
        ("E9726", "IsAttached: 'true'", "IsAttached: 'false'"),
        ("W9727", ATTACHED, ""),
        ("E9728", "Action: iot:Connect", "Action: iot:DeleteConnection"),
        ("E9728", "Action: iot:Receive", "Action: iot:GetRetainedMessage"),
        ("E9729", "'2012-10-17'", "'2008-10-17'"),
        ("E9729", "        Version: '2012-10-17'\n", ""),
        ("E9730", PLACE, "m/+/${iot:Connection.Thing.ThingName}"),
        ("W9731", "Action: [iot:Publish]", "Action: [iot:Publish, iot:RetainPublish]"),
        ("E9732", "StringLike", "StringEquals"),
        ("W9733", "'iot:Connection.Thing.Attributes[site]'", "'iot:Connection.Thing.Attributes[hall]'"),
        ("E9734", PLACE, "n/${iot:Connection.Thing.ThingName}"),
        ("W9735", "'?*/?*'", "'?*'"),
        ("E9734", "'?*/?*'", "'?*/?*/?*'"),
        ("W9737", OWN, "client/*"),
        ("W9737", OWN, "client/${iot:ClientId}"),
        ("E9740", '{"Parameters": {"Serial"', '{"Parameters" {"Serial"'),
        ("E9740", '"Type": "AWS::IoT::Thing"', '"Type": "AWS::IoT::Things"'),
        ("E9741", '"B": {"Type": "String"},', ""),
        ("E9741", '"B": {"Type": "String"},', '"B": {"Type": "String"}, "C": {"Type": "String"},'),
        ("E9742", '"Type": "AWS::IoT::Policy"', '"Type": "AWS::IoT::Thing"'),
        ("E9743", "${Meter}", "${Meter.Arn}"),
        ("E9743", "${Meter}", "${Installers}"),
        ("E9744", '"AttributePayload": {"site"', '"AttributePayload": {"hall"'),
        ("E9745", '["/", [', '["-", ['),
        ("E9745", '{"Ref": "B"}]]', '{"Ref": "B"}, {"Ref": "Serial"}]]'),
        ("E9746", '"ThingName": {"Ref": "Serial"}', '"ThingName": "meter"'),
        ("E9747", '"ACTIVE"', '"INACTIVE"'),
        ("W9748", '"AttributePayload": "FAIL"', '"AttributePayload": "REPLACE"'),
        ("W9748", '"OverrideSettings": {"AttributePayload": "FAIL"}', '"Note": ""'),
        ("E9749", '"AttributePayload": "FAIL"', '"AttributePayload": "REFUSE"'),
        ("E9224", "ManagedPolicyArns: ['arn:aws:iam::aws:policy/service-role/AWSIoTThingsRegistration']",
         "Path: /"),
        ("W9760", "      Enabled: true\n", ""),
        ("E9761", "Enabled: true", "TemplateType: JITP"),
        ("E9763", "!GetAtt Birth.TemplateArn", "!GetAtt Meter.Arn"),
        ("W9764", "!GetAtt Birth.TemplateArn", "'*'"),
        ("W9765", "Action: 'iot:CreateProvisioningClaim'", "Action: 'iot:*'"),
    ],
)  # fmt: skip
def test_devices_that_may_do_more_or_less_are_named(say: Say, id: str, old: str, new: str) -> None:
    assert old in GOOD
    assert say(id, GOOD.replace(old, new, 1)) != []


def test_a_hook_that_nobody_may_call_is_named(say: Say) -> None:
    refused = HOOKED.replace("Principal: iot.amazonaws.com, A", "Principal: s3.amazonaws.com, A")
    assert "Birth calls Check in vain: iot.amazonaws.com may not invoke it" in say("E9260", refused)[0]


def test_the_place_is_the_resource_of_the_statement(say: Say) -> None:
    (finding,) = say("E9721", GOOD.replace(f"topic/{PLACE}", "topic/*"))
    assert finding.startswith("root.yaml:24: E9721 statement 2 of Meter lets every device iot:Publish on *,")


def test_a_variable_of_the_certificate_binds_too(say: Say) -> None:
    by_certificate = GOOD.replace(PLACE, "m/a/b/${iot:Certificate.Subject.CommonName.1}/*")
    assert say("E9721", by_certificate) + say("E9723", by_certificate) == []


def test_what_a_deployment_gives_is_no_finding(say: Say) -> None:
    given = "Parameters: {Topic: {Type: String}}\n" + GOOD.replace(f"- {HERE}topic/{PLACE}", "- !Ref Topic")
    assert say("E97", given) == []
