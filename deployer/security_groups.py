"""What a plan does to security groups: rule by rule, inline or standalone.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-securitygroup.html
"""

import ipaddress
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deployer.access_changes import ADDED, REMOVED, UNRESOLVED, UNTOLD, AccessChange
from deployer.changes import Action, Change
from deployer.later import in_words
from deployer.twins import Compared

GROUP = "AWS::EC2::SecurityGroup"
STANDALONE = {"AWS::EC2::SecurityGroupIngress": "in", "AWS::EC2::SecurityGroupEgress": "out"}
INLINE = {"SecurityGroupIngress": "in", "SecurityGroupEgress": "out"}
PEERS = (
    "CidrIp",
    "CidrIpv6",
    "SourceSecurityGroupId",
    "DestinationSecurityGroupId",
    "SourceSecurityGroupName",
    "SourcePrefixListId",
    "DestinationPrefixListId",
)
EVERYWHERE = frozenset({"0.0.0.0/0", "::/0"})


@dataclass(frozen=True, order=True)
class Rule:
    direction: str
    protocol: str
    ports: str
    peer: str
    description: str = ""
    group: str = ""  # of a standalone rule: the group that it belongs to

    @property
    def text(self) -> str:
        arrow = "from" if self.direction == "in" else "to"
        group = f" of {self.group}" if self.group else ""
        note = f"  # {self.description}" if self.description else ""
        if self.admits_nothing:
            return f"{self.direction}{group} nothing (only {arrow} {self.peer}){note}"
        traffic = "all traffic" if self.protocol == "all" else f"{self.protocol} {self.ports}"
        return f"{self.direction}{group} {traffic} {arrow} {self.peer}{note}"

    @property
    def admits_nothing(self) -> bool:
        """A machine reaches itself without the network: the rule stands there so that no default one does."""
        try:
            return ipaddress.ip_network(self.peer, strict=False).is_loopback
        except ValueError:
            return False


def of(path: tuple[str, ...], change: Change) -> Iterator[AccessChange]:
    """One resource's."""
    if change.type != GROUP and change.type not in STANDALONE:
        return

    def made(sign: str, text: str, broadens: str | None = None) -> AccessChange:
        return AccessChange(path, change.logical_id, change.type, sign, in_words(text), broadens)

    before = tuple(_rules(change.type, change.properties_before, change.before is not None))
    after = tuple(_rules(change.type, change.properties_after, change.after is not None))
    found = Compared.of(() if change.action is Action.ADD else before, after)
    for rule in found.unresolved:
        yield made(UNRESOLVED, rule.text)
    for rule in found.gone:
        yield made(REMOVED, rule.text)
    for rule in found.new:
        yield made(ADDED, rule.text, _broadens(rule))
    if not before and not after and not change.unresolved and change.action is not Action.ADD:
        names = {told.path.split("/")[0] for told in change.properties}
        if change.type in STANDALONE or names & INLINE.keys():
            yield made(UNTOLD, "rules change; no whole rule was told: see the tree, or compare the templates")


def _rules(resource_type: str, properties: Mapping[str, Any], whole: bool) -> Iterator[Rule]:
    """`whole`: what is absent is known to be so; a group without egress rules admits all traffic out."""
    if resource_type in STANDALONE:
        if properties:
            yield _rule(STANDALONE[resource_type], properties, _said(properties.get("GroupId")))
        return
    for name, direction in INLINE.items():
        rules = properties.get(name)
        for rule in rules if isinstance(rules, list) else [rules] if isinstance(rules, Mapping) else []:
            if isinstance(rule, Mapping):
                yield _rule(direction, rule, "")
    if whole and properties and not properties.get("SecurityGroupEgress"):
        yield Rule("out", "all", "all ports", "0.0.0.0/0", "the default, since no egress is declared")


def _rule(direction: str, rule: Mapping[str, Any], group: str) -> Rule:
    protocol = _said(rule.get("IpProtocol"))
    first, last = rule.get("FromPort"), rule.get("ToPort")
    ports = "all ports" if first is None or str(first) == "-1" else _said(first)
    if ports != "all ports" and last is not None and str(last) != str(first):
        ports = f"{ports}-{_said(last)}"
    if protocol == "-1":  # then the ports mean nothing
        protocol, ports = "all", "all ports"
    peers = [_said(rule[name]) for name in PEERS if rule.get(name) is not None]
    return Rule(
        direction, protocol, ports, ", ".join(peers) or "(none)", _said(rule.get("Description")), group
    )


def _said(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def _broadens(rule: Rule) -> str | None:
    if rule.admits_nothing:
        return None
    reasons = []
    if rule.peer in EVERYWHERE:
        reasons.append("from everywhere" if rule.direction == "in" else "to everywhere")
    if rule.protocol == "all":
        reasons.append("every protocol and port")
    return "; ".join(reasons) or None
