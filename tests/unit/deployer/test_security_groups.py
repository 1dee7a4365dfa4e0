"""Security groups, rule by rule."""

from typing import Any

import pytest

from deployer import security_groups
from deployer.changes import Action, Change, PropertyChange

GROUP = "AWS::EC2::SecurityGroup"
INGRESS = "AWS::EC2::SecurityGroupIngress"
EGRESS = "AWS::EC2::SecurityGroupEgress"
NO_EGRESS = [{"IpProtocol": "-1", "CidrIp": "127.0.0.1/32"}]
LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"


def rule(**fields: Any) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "CidrIp": "10.0.0.0/16", **fields}


def told(change: Change) -> list[tuple[str, str, str | None]]:
    return [(each.sign, each.text, each.broadens) for each in security_groups.of((), change)]


def modified(kind: str, before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    return told(Change("G", kind, Action.MODIFY, before={"Properties": before}, after={"Properties": after}))


def inline(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"SecurityGroupIngress": list(rules), "SecurityGroupEgress": NO_EGRESS}


def test_inline_rules_are_compared_one_by_one_and_whatever_their_order() -> None:
    kept = rule(FromPort=22, ToPort=22)

    assert modified(
        GROUP, inline(rule(), kept), inline(kept, rule(CidrIp="10.1.0.0/16", Description="new"))
    ) == [
        ("-", "in tcp 5432 from 10.0.0.0/16", None),
        ("+", "in tcp 5432 from 10.1.0.0/16  # new", None),
    ]


@pytest.mark.parametrize(
    ("kind", "fields", "text", "broadens"),
    [
        (INGRESS, {"SourceSecurityGroupId": "sg-2", "CidrIp": None}, "in of sg-1 tcp 5432 from sg-2", None),
        (EGRESS, {"DestinationPrefixListId": "pl-1", "CidrIp": None}, "out of sg-1 tcp 5432 to pl-1", None),
        (INGRESS, {"ToPort": 5440}, "in of sg-1 tcp 5432-5440 from 10.0.0.0/16", None),
        (INGRESS, {"CidrIp": "0.0.0.0/0"}, "in of sg-1 tcp 5432 from 0.0.0.0/0", "from everywhere"),
        (EGRESS, {"CidrIpv6": "::/0", "CidrIp": None}, "out of sg-1 tcp 5432 to ::/0", "to everywhere"),
        (
            INGRESS,
            {"IpProtocol": "-1", "FromPort": None},
            "in of sg-1 all traffic from 10.0.0.0/16",
            "every protocol and port",
        ),
        (INGRESS, {"FromPort": -1, "ToPort": -1}, "in of sg-1 tcp all ports from 10.0.0.0/16", None),
    ],
)
def test_a_standalone_rule_names_its_group_and_what_broadens_is_marked(
    kind: str, fields: dict[str, Any], text: str, broadens: str | None
) -> None:
    properties = rule(GroupId="sg-1", **fields)

    assert told(Change("R", kind, Action.ADD, after={"Properties": properties})) == [("+", text, broadens)]
    assert told(Change("R", kind, Action.REMOVE, before={"Properties": properties})) == [("-", text, None)]


def test_a_group_that_loses_its_egress_rules_admits_all_traffic_out() -> None:
    assert modified(GROUP, inline(), {"GroupDescription": "g"}) == [
        ("-", "out nothing (only to 127.0.0.1/32)", None),
        (
            "+",
            "out all traffic to 0.0.0.0/0  # the default, since no egress is declared",
            "to everywhere; every protocol and port",
        ),
    ]


def test_a_rule_that_differs_in_an_unknown_value_only_may_be_the_one_that_is_there() -> None:
    before, after = rule(GroupId="sg-1"), rule(GroupId=LATER)

    assert modified(INGRESS, before, after) == [("?", "in of sg-1 tcp 5432 from 10.0.0.0/16", None)]


def test_rules_of_which_no_value_was_told_are_not_left_out() -> None:
    change = Change("G", GROUP, Action.MODIFY, properties=(PropertyChange("SecurityGroupIngress"),))

    assert [sign for sign, _, _ in told(change)] == ["~"]


def test_other_properties_of_a_group_and_other_types_have_no_rules() -> None:
    tags = PropertyChange("Tags", "a", "b")

    assert told(Change("G", GROUP, Action.MODIFY, properties=(tags,))) == []
    assert told(Change("Q", "AWS::SQS::Queue", Action.ADD, after={"Properties": inline(rule())})) == []


@pytest.mark.parametrize(
    ("peer", "said"),
    [
        ({"CidrIp": "127.0.0.1/32"}, "out of sg-1 nothing (only to 127.0.0.1/32)"),
        ({"CidrIpv6": "::1/128"}, "out of sg-1 nothing (only to ::1/128)"),
    ],
)
def test_a_rule_to_the_machine_itself_admits_nothing_and_broadens_nothing(
    peer: dict[str, str], said: str
) -> None:
    properties = {"GroupId": "sg-1", "IpProtocol": "-1", **peer}

    assert told(Change("R", EGRESS, Action.ADD, after={"Properties": properties})) == [("+", said, None)]


def test_a_group_that_is_not_known_yet_is_told_in_words() -> None:
    properties = rule(GroupId="{{IntrinsicFunction:millrace-dev/Network.Outputs.Group/Fn::GetAtt}}")

    assert told(Change("R", INGRESS, Action.ADD, after={"Properties": properties})) == [
        (
            "+",
            "in of (known after apply: output Group of stack Network) tcp 5432 from 10.0.0.0/16",
            None,
        )
    ]
