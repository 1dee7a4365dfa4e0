"""Who may speak to whom: security groups, empty when made, and the edges between them.

An edge is a rule out of one group and a rule into the other. Written inside the groups, two that name each
other would be a cycle that CloudFormation refuses, so each rule stands by itself.
"""

from dataclasses import dataclass
from typing import Any

from troposphere import AWSHelperFn, GetAtt, Tags, ec2

from stacks.context import why
from stacks.wiring import SecurityGroupId, StackTemplate, VpcId

POSTGRESQL = 5432
REDIS = 6379
HTTPS = 443
# AWS's own lists of a gateway endpoint's addresses in eu-west-2; CloudFormation has no function that
# finds them (`aws ec2 describe-managed-prefix-lists` does), and they never change.
GATEWAY_PREFIX_LISTS = {"S3": "pl-7ca54015", "DynamoDb": "pl-b3a742da"}


@dataclass(frozen=True)
class Groups:
    processor: SecurityGroupId
    rotation: SecurityGroupId
    database: SecurityGroupId
    cache: SecurityGroupId
    endpoints: SecurityGroupId | None  # only where the services are reached through interface endpoints


@dataclass(frozen=True)
class Target:
    """Where an edge leads."""

    name: str
    port: int
    address: dict[str, Any]  # the one property of an egress rule that names it


def groups(template: StackTemplate, vpc_id: VpcId, *, private: bool) -> Groups:
    """Every group and every edge. `private`: services of AWS are reached through endpoints, not by NAT."""
    made = Groups(
        processor=group(template, vpc_id, "Processor", "tasks of the processor"),
        rotation=group(template, vpc_id, "Rotation", "the function that rotates the credentials"),
        database=group(template, vpc_id, "Database", "the database, which calls nobody"),
        cache=group(template, vpc_id, "Cache", "the cache, which calls nobody"),
        endpoints=group(template, vpc_id, "Endpoints", "the interface endpoints") if private else None,
    )
    edge(template, "Processor", "Database", POSTGRESQL)
    edge(template, "Processor", "Cache", REDIS)
    edge(template, "Rotation", "Database", POSTGRESQL)
    for caller in ("Processor", "Rotation"):
        if not private:
            # AWS's public endpoints have no addresses that a rule could name.
            anywhere = Target("services of AWS", HTTPS, {"CidrIp": "0.0.0.0/0"})
            out(template, f"{caller}ToServices", caller, anywhere)
            continue
        edge(template, caller, "Endpoints", HTTPS)
        for service, prefixes in GATEWAY_PREFIX_LISTS.items():
            to = Target(f"the {service} gateway endpoint", HTTPS, {"DestinationPrefixListId": prefixes})
            out(template, f"{caller}To{service}", caller, to)
    return made


def group(template: StackTemplate, vpc_id: VpcId, name: str, whose: str) -> SecurityGroupId:
    made = template.add_resource(
        ec2.SecurityGroup(
            f"{name}Group",
            Metadata=why(f"{whose}; its edges stand beside it", "have no rule of its own"),
            GroupDescription=f"millrace {template.environment}: {whose}",
            VpcId=vpc_id,
            # Said nothing, a group lets everything out; to itself is as little as can be said.
            SecurityGroupEgress=[
                ec2.SecurityGroupRule(IpProtocol="-1", CidrIp="127.0.0.1/32", Description="nothing")
            ],
            Tags=Tags(Name=f"millrace-{template.environment}-{name.lower()}"),
        )
    )
    return SecurityGroupId(made.get_att("GroupId"))


def edge(template: StackTemplate, caller: str, called: str, port: int) -> None:
    to = Target(f"the {called.lower()} group", port, {"DestinationSecurityGroupId": _id(called)})
    out(template, f"{caller}To{called}", caller, to)
    template.add_resource(
        ec2.SecurityGroupIngress(
            f"{called}From{caller}",
            Metadata=why(f"lets the {caller.lower()} group in on {port}"),
            GroupId=_id(called),
            SourceSecurityGroupId=_id(caller),
            IpProtocol="tcp",
            FromPort=port,
            ToPort=port,
            Description=f"from the {caller.lower()} group",
        )
    )


def out(template: StackTemplate, title: str, caller: str, to: Target) -> None:
    template.add_resource(
        ec2.SecurityGroupEgress(
            title,
            Metadata=why(f"lets the {caller.lower()} group call {to.name} on {to.port}"),
            GroupId=_id(caller),
            IpProtocol="tcp",
            FromPort=to.port,
            ToPort=to.port,
            Description=f"to {to.name}",
            **to.address,
        )
    )


def _id(name: str) -> AWSHelperFn:
    return GetAtt(f"{name}Group", "GroupId")
