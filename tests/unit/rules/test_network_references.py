"""References among parts of a network, and how rules of groups are written."""

import pytest

from tests.unit.rules.conftest import Say
from tests.unit.rules.shop import OUTWARD, SHOP

BOTH = SHOP + OUTWARD


def ids(say: Say, root: str) -> list[str]:
    return [
        finding.split()[1] for name in ("E9165", "E9121", "E9122", "W9136") for finding in say(name, root)
    ]


def test_things_of_the_right_kind_are_well(say: Say) -> None:
    assert ids(say, BOTH) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("!GetAtt Address.AllocationId", "!Ref Address", "E9165"),
        ("{SubnetId: !Ref Inner2,", "{SubnetId: !Ref Table,", "E9165"),
        (
            "SecurityGroupIds: [!GetAtt EndGroup.GroupId]",
            "SecurityGroupIds: [!GetAtt EndGroup.VpcId]",
            "E9165",
        ),
        ("SourceSecurityGroupId: !GetAtt WebGroup.GroupId", "SourceSecurityGroupId: !Ref Net", "E9165"),
        ("FromPort: 443, ToPort: 443", "FromPort: 443", "E9121"),
        ("FromPort: 443, ToPort: 443", "FromPort: 444, ToPort: 443", "E9121"),
        ("FromPort: 443, ToPort: 443, ", "", "E9121"),
        (", CidrIp: !GetAtt Net.CidrBlock", "", "E9122"),
        ("CidrIp: !GetAtt Net.CidrBlock", "CidrIp: 10.0.0.0/8, CidrIpv6: '::/0'", "E9122"),
        ("[!GetAtt DbGroup.GroupId]", "[!GetAtt DbGroup.GroupId, !GetAtt WebGroup.GroupId]", "W9136"),
    ],
)
def test_what_is_written_wrong_is_named(say: Say, old: str, new: str, expected: str) -> None:
    assert old in BOTH
    assert ids(say, BOTH.replace(old, new)) == [expected]


def test_what_a_deployment_decides_may_be_right(say: Say) -> None:
    given = BOTH.replace("FromPort: 443, ToPort: 443", "FromPort: !ImportValue first, ToPort: 443")
    assert ids(say, given.replace("{SubnetId: !Ref Inner2,", "{SubnetId: !ImportValue inner,")) == []
