"""Endpoints of a shop: their settings, their policies, and whom these let through."""

import pytest

from tests.unit.rules.conftest import Say
from tests.unit.rules.shop import OUTWARD, SHOP

IDS = ("E917", "W917", "E918", "W918")
OWNED = SHOP.replace(
    "{'aws:PrincipalAccount': !Ref AWS::AccountId}",
    "{'aws:PrincipalAccount': !Ref AWS::AccountId, 'aws:ResourceAccount': !Ref AWS::AccountId}",
)


def ids(say: Say, root: str) -> set[str]:
    return {finding.split()[1] for prefix in IDS for finding in say(prefix, root)}


def test_an_endpoint_that_is_bound_to_the_account_is_well(say: Say) -> None:
    assert not ids(say, OWNED.replace("sqs:Send*", "sqs:SendMessage"))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("EnableDnsHostnames: true", "EnableDnsHostnames: false", "E9170"),
        ("EnableDnsSupport: true", "EnableDnsSupport: 'false'", "E9170"),
        ("EnableDnsHostnames: true", "EnableDnsHostnames: false", "W9170"),
        ("PrivateDnsEnabled: true", "PrivateDnsEnabled: false", "W9171"),
        ("      VpcEndpointType: Interface\n", "", "E9171"),
        ("      SubnetIds: [!Ref Inner1, !Ref Inner2]\n      Sec", "      Sec", "E9172"),
        ("FromPort: 443, ToPort: 443", "FromPort: 80, ToPort: 80", "W9173"),
        (".sqs\n", ".sns\n", "E9174"),
        ("'sqs:Send*'", "'sqs:*'", "W9184"),
        ("'aws:PrincipalAccount'", "'aws:PrincipleAccount'", "E9180"),
        ("'aws:PrincipalAccount'", "'aws:SourceAccount'", "E9180"),
        ("'aws:PrincipalAccount'", "'aws:PrincipleAccount'", "W9180"),
        ("StringEquals", "StringEqualsIfExists", "W9180"),
        (", 'aws:ResourceAccount': !Ref AWS::AccountId", "", "W9181"),
        ("'sqs:Send*'", "'sqs:ListQueues'", "E9181"),
        ("'aws:PrincipalAccount': !Ref AWS::AccountId", "'aws:PrincipalOrgID': !Ref AWS::AccountId", "E9182"),
        ("StringEquals", "ArnEquals", "E9182"),
        ("Resource: '*'", "Resource: 'arn:aws:sns:*:*:orders'", "E9183"),
        ("'aws:PrincipalAccount': !Ref AWS::AccountId", "'aws:PrincipalAccount': '444455556666'", "W9183"),
        ("Principal: '*'", "Principal: {AWS: 'arn:aws:iam::444455556666:root'}", "W9183"),
        ("Principal: '*'", "Principal: {Service: lambda.amazonaws.com}", "E9184"),
        ("- Effect: Allow\n          Principal: '*'", "- Effect: Deny\n          Principal: '*'", "E9184"),
    ],
)
def test_what_is_wrong_with_an_endpoint_is_named(say: Say, old: str, new: str, expected: str) -> None:
    assert old in OWNED
    root = OWNED.replace(old, new)
    if expected == "W9184":
        root += SECOND.replace("TYPE", "sns")
    assert expected in ids(say, root)


SECOND = """
  More:
    Type: AWS::EC2::VPCEndpoint
    Properties:
      VpcId: !Ref Net
      ServiceName: !Sub com.amazonaws.${AWS::Region}.TYPE
      VpcEndpointType: Interface
      PrivateDnsEnabled: true
      SubnetIds: [!Ref Inner1, !Ref Inner2]
      SecurityGroupIds: [!GetAtt EndGroup.GroupId]
      PolicyDocument:
        Statement:
        - Effect: Allow
          Principal: '*'
          Action: 'sns:Publish'
          Resource: !Sub arn:aws:sns:*:${AWS::AccountId}:*
          Condition: {StringEquals: {'aws:PrincipalAccount': !Ref AWS::AccountId}}
"""


def test_two_endpoints_do_not_share_a_name(say: Say) -> None:
    assert not ids(say, OWNED + SECOND.replace("TYPE", "sns")) & {"E9173", "W9182"}
    assert "E9173" in ids(say, OWNED + SECOND.replace("TYPE", "sqs"))


def test_an_endpoint_without_the_policy_that_the_other_has(say: Say) -> None:
    bare = SECOND.replace("TYPE", "sns").partition("      PolicyDocument")[0]
    assert "W9182" in ids(say, OWNED + bare)


def test_an_endpoint_of_another_region(say: Say) -> None:
    fixed = SECOND.replace("!Sub com.amazonaws.${AWS::Region}.TYPE", "com.amazonaws.us-east-1.sns")
    assert "E9175" in ids(say, OWNED + fixed)


STORED = OWNED.replace("'sqs:SendMessage', Resource: !GetAtt Orders.Arn", "'s3:GetObject', Resource: '*'")
GATE = """
  Gate:
    Type: AWS::EC2::VPCEndpoint
    Properties:
      {VpcId: !Ref Net, ServiceName: !Sub 'com.amazonaws.${AWS::Region}.SERVICE', RouteTableIds: [!Ref Table]}
"""


def test_a_service_of_which_the_gateway_endpoint_is_missing(say: Say) -> None:
    assert "W9174" in ids(say, STORED + OUTWARD + GATE.replace("SERVICE", "dynamodb"))
    assert "W9174" not in ids(say, STORED + OUTWARD + GATE.replace("SERVICE", "s3"))
    assert "W9174" not in ids(say, STORED + OUTWARD)


def test_a_gateway_endpoint_that_leaves_out_a_table(say: Say) -> None:
    inner = "Ref Inner2, RouteTableId: !Ref T"
    assert inner in STORED
    two = STORED.replace(inner + "able", inner + "wo")
    two += "\n  Two: {Type: 'AWS::EC2::RouteTable', Properties: {VpcId: !Ref Net}}\n" + GATE.replace(
        "SERVICE", "s3"
    )
    assert "W9172" in ids(say, two)
    assert "W9172" not in ids(say, two.replace("[!Ref Table]", "[!Ref Table, !Ref Two]"))
