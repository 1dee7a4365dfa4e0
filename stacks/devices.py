"""What a device may do, and how a new one becomes known: a thing, a certificate, a place in the plant.

A device speaks for its own place only. The place, `enterprise/site/area/line/cell`, is an attribute of the
thing: one, since a thing without a type has three at the most and its values may hold slashes; and without a
type, since a type cannot be deleted before it has been deprecated for five minutes, which no stack waits for.
https://docs.aws.amazon.com/iot/latest/developerguide/thing-types.html
https://docs.aws.amazon.com/iot/latest/apireference/API_AttributePayload.html

Who lets a device in is the installer, a person with credentials of AWS, who asks for a claim and hands it to
the device. A claim is bound to the template and to five minutes, not to a device: whoever holds it meanwhile
may register any free names, at any place, since the device says both and nothing here knows better. A claim
made into every device's firmware would be that without an end, so there is none
(docs/decisions/provisioning.md).
"""

import json
from collections.abc import Sequence

from awacs import iot as can
from awacs.aws import (
    Action,
    Allow,
    ArnLike,
    Bool,
    Condition,
    PolicyDocument,
    Principal,
    Statement,
    StringEquals,
    StringLike,
)
from awacs.sts import AssumeRole
from troposphere import AWSHelperFn, Ref, Sub, iam, iot

from stacks.context import why
from stacks.wiring import StackTemplate

LEVELS = ("Enterprise", "Site", "Area", "Line", "Cell")
THING = "${!iot:Connection.Thing.ThingName}"  # IoT's variables, kept from Fn::Sub by the mark
PLACE = "iot:Connection.Thing.Attributes[place]"
FIVE_LEVELS = "/".join(["?*"] * len(LEVELS))
OVERRIDES = ("AttributePayload", "ThingTypeName", "ThingGroups")  # what is said of a thing that exists
CERTIFICATE = "AWS::IoT::Certificate::Id"  # what CreateKeysAndCertificate gave the device


def build(template: StackTemplate, prefix: str) -> None:
    policy = template.add_resource(
        iot.Policy(
            "Device",
            Metadata=why(
                "what a device's certificate lets it do: speak for itself, listen to nothing",
                "be bound to the thing that the certificate is attached to, and to its place",
            ),
            PolicyDocument=PolicyDocument(
                Version="2012-10-17", Statement=[may_connect(), may_publish(prefix)]
            ),
        )
    )
    role = template.add_resource(provisioner(policy))
    provisioning = template.add_resource(
        iot.ProvisioningTemplate(
            "Provisioning",
            Metadata=why(
                "makes a thing, its place, its certificate and its policy of one request",
                "give an existing name to nobody else",
            ),
            TemplateName=f"millrace-{template.environment}",  # the device asks for it by name
            Description="A device of the plant: its thing, its place, its certificate",
            Enabled=True,
            TemplateType="FLEET_PROVISIONING",
            ProvisioningRoleArn=role.get_att("Arn"),
            TemplateBody=Sub(json.dumps(body(f"${{{policy.title}}}"))),
        )
    )
    template.add_resource(
        iam.ManagedPolicy(
            "Installer",
            Metadata=why(
                "for who installs devices: claims for this template, five minutes each, and nothing else"
            ),
            Description=f"Claims for new devices of millrace {template.environment}",
            PolicyDocument=PolicyDocument(
                Version="2012-10-17",
                Statement=[
                    Statement(
                        Sid="ClaimForThisTemplate",
                        Effect=Allow,
                        Action=[can.CreateProvisioningClaim],
                        Resource=[provisioning.get_att("TemplateArn")],
                    )
                ],
            ),
        )
    )


def may_connect() -> Statement:
    """https://docs.aws.amazon.com/iot/latest/developerguide/thing-policy-variables.html"""
    return Statement(
        Sid="ConnectAsItself",
        Effect=Allow,
        Action=[can.Connect],
        Resource=[iot_arn(f"client/{THING}")],
        Condition=Condition(Bool("iot:Connection.Thing.IsAttached", "true")),
    )


def may_publish(prefix: str) -> Statement:
    """To one topic. A variable without a value refuses; the condition says so of a missing place too.

    https://docs.aws.amazon.com/iot/latest/developerguide/thing-policy-examples.html
    """
    return Statement(
        Sid="PublishFromItsPlace",
        Effect=Allow,
        Action=[can.Publish],
        Resource=[iot_arn(f"topic/{prefix}/${{!{PLACE}}}/{THING}")],
        Condition=Condition(StringLike(PLACE, FIVE_LEVELS)),
    )


def body(policy: str) -> dict[str, object]:
    """IoT's own template, which is none of CloudFormation's though it looks like it.

    FAIL: without it a claim could give a second device the name, and so the place, of an existing one.
    https://docs.aws.amazon.com/iot/latest/developerguide/provision-template.html
    """
    text = {"Type": "String"}
    return {
        "Parameters": dict.fromkeys(("Device", *LEVELS, CERTIFICATE), text),
        "Resources": {
            "thing": {
                "Type": "AWS::IoT::Thing",
                "Properties": {
                    "ThingName": {"Ref": "Device"},
                    "AttributePayload": {"place": {"Fn::Join": ["/", [{"Ref": name} for name in LEVELS]]}},
                },
                "OverrideSettings": dict.fromkeys(
                    ("AttributePayload", "ThingTypeName", "ThingGroups"), "FAIL"
                ),
            },
            "certificate": {
                "Type": "AWS::IoT::Certificate",
                "Properties": {"CertificateId": {"Ref": CERTIFICATE}, "Status": "ACTIVE"},
            },
            "policy": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyName": policy}},
        },
    }


def provisioner(policy: iot.Policy) -> iam.Role:
    """AWS's policy AWSIoTThingsRegistration, less what our template never asks for.

    It makes no policies, registers no certificates of others, touches no group, changes and removes nothing.
    https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSIoTThingsRegistration.html
    The actions that stand on `*` know no resource:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsiot.html
    Of AttachThingPrincipal, ListPrincipalThings and ListThingPrincipals the copies of that list disagree
    whether they know one: `*` is right either way.
    """

    def on(sid: str, resources: Sequence[AWSHelperFn | str], *actions: Action) -> Statement:
        return Statement(Sid=sid, Effect=Allow, Action=list(actions), Resource=list(resources))

    statements = [
        on(
            "ThingsAndTheirCertificates",
            [iot_arn("thing/*"), iot_arn("cert/*")],
            can.AttachPolicy,
            can.AttachPrincipalPolicy,
            can.CreateThing,
            can.DescribeCertificate,
            can.DescribeThing,
            can.UpdateCertificate,
        ),
        on("DevicesPolicy", [policy.get_att("Arn")], can.GetPolicy, can.ListTargetsForPolicy),
        on(
            "WithoutResource",
            ["*"],
            can.AttachThingPrincipal,
            can.ListAttachedPolicies,
            can.ListPolicyPrincipals,
            can.ListPrincipalPolicies,
            can.ListPrincipalThings,
            can.ListThingPrincipals,
            can.RegisterThing,
        ),
    ]
    return iam.Role(
        "Provisioner",
        Metadata=why("what IoT may do to make a device known: things, certificates, and what binds them"),
        AssumeRolePolicyDocument=trust_of_iot(),
        Policies=[
            iam.Policy(
                PolicyName="provision",
                PolicyDocument=PolicyDocument(Version="2012-10-17", Statement=statements),
            )
        ],
    )


def trust_of_iot(source: str = "*") -> PolicyDocument:
    """IoT may take on the role for `source` of this account: a kind of resource, where AWS names one.

    For a rule it does, rule/<name>; the name is CloudFormation's, and made after the role. For a provisioning
    template its page has no more than the account's `*`, and a wrong guess would let no device in.
    https://docs.aws.amazon.com/iot/latest/developerguide/iot-create-role.html
    https://docs.aws.amazon.com/iot/latest/developerguide/cross-service-confused-deputy-prevention.html
    """
    return PolicyDocument(
        Version="2012-10-17",
        Statement=[
            Statement(
                Effect=Allow,
                Principal=Principal("Service", ["iot.amazonaws.com"]),
                Action=[AssumeRole],
                Condition=Condition(
                    [
                        StringEquals("aws:SourceAccount", Ref("AWS::AccountId")),
                        ArnLike("aws:SourceArn", iot_arn(source)),
                    ]
                ),
            )
        ],
    )


def iot_arn(resource: str) -> Sub:
    return Sub("arn:${AWS::Partition}:iot:${AWS::Region}:${AWS::AccountId}:" + resource)
