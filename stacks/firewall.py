"""Who may speak to whom: security groups, empty when made, and the edges between them.

An edge is a rule out of one group and a rule into the other. Written inside the groups, two that name each
other would be a cycle that CloudFormation refuses, so each rule stands by itself.

With interface endpoints nothing here is open to the internet, whatever NAT there is: a caller reaches the
endpoints that it has a use for, and the addresses of the gateway endpoints. Without, HTTPS goes anywhere.
"""

import re
from dataclasses import dataclass
from typing import Any

from troposphere import AWSHelperFn, GetAtt, Tags, ec2

from parameters import network as parameters
from stacks.context import why
from stacks.endpoints import Callers
from stacks.wiring import SecurityGroupId, StackTemplate, VpcId

POSTGRESQL = 5432
REDIS = 6379
HTTPS = 443
ANYWHERE = "0.0.0.0/0"
ENDPOINTS = {
    Callers.TASKS: "the endpoints that the tasks alone call",
    Callers.TASKS_AND_ROTATION: "the endpoint that tasks and function call",
}


@dataclass(frozen=True)
class Groups:
    processor: SecurityGroupId
    rotation: SecurityGroupId
    database: SecurityGroupId
    cache: SecurityGroupId
    endpoints: dict[Callers, SecurityGroupId]  # by who calls them; empty without interface endpoints


@dataclass(frozen=True)
class Target:
    """Where an edge leads."""

    name: str
    port: int
    address: dict[str, Any]  # the one property of an egress rule that names it


def groups(template: StackTemplate, vpc_id: VpcId, settings: parameters.Network) -> Groups:
    """Every group and every edge."""
    made = Groups(
        processor=group(template, vpc_id, "Processor", "tasks of the processor"),
        rotation=group(template, vpc_id, "Rotation", "the function that rotates the credentials"),
        database=group(template, vpc_id, "Database", "the database, which calls nobody"),
        cache=group(template, vpc_id, "Cache", "the cache, which calls nobody"),
        endpoints={
            callers: group(template, vpc_id, callers.value, whose) for callers, whose in ENDPOINTS.items()
        }
        if settings.interface_endpoints
        else {},
    )
    edge(template, "Processor", "Database", POSTGRESQL)
    edge(template, "Processor", "Cache", REDIS)
    edge(template, "Rotation", "Database", POSTGRESQL)
    if settings.interface_endpoints:
        to_endpoints(template, settings)
    else:
        for caller in ("Processor", "Rotation"):
            # AWS's public endpoints have no addresses that a rule could name.
            anywhere = Target("services of AWS", HTTPS, {"CidrIp": ANYWHERE})
            out(template, f"{caller}ToServices", caller, anywhere)
    return made


def to_endpoints(template: StackTemplate, settings: parameters.Network) -> None:
    """The tasks call every service, the function Secrets Manager only; neither can call anything else."""
    edge(template, "Processor", Callers.TASKS.value, HTTPS)
    edge(template, "Processor", Callers.TASKS_AND_ROTATION.value, HTTPS)
    edge(template, "Rotation", Callers.TASKS_AND_ROTATION.value, HTTPS)
    for service, prefixes in (("S3", settings.s3_prefix_list), ("DynamoDb", settings.dynamodb_prefix_list)):
        to = Target(f"the {service} gateway endpoint", HTTPS, {"DestinationPrefixListId": prefixes})
        out(template, f"ProcessorTo{service}", "Processor", to)


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
            Tags=Tags(Name=f"millrace-{template.environment}-{spoken(name).replace(' ', '-')}"),
        )
    )
    return SecurityGroupId(made.get_att("GroupId"))


def edge(template: StackTemplate, caller: str, called: str, port: int) -> None:
    to = Target(f"the {spoken(called)} group", port, {"DestinationSecurityGroupId": _id(called)})
    out(template, f"{caller}To{called}", caller, to)
    template.add_resource(
        ec2.SecurityGroupIngress(
            f"{called}From{caller}",
            Metadata=why(f"lets the {spoken(caller)} group in on {port}"),
            GroupId=_id(called),
            SourceSecurityGroupId=_id(caller),
            IpProtocol="tcp",
            FromPort=port,
            ToPort=port,
            Description=f"from the {spoken(caller)} group",
        )
    )


def out(template: StackTemplate, title: str, caller: str, to: Target) -> None:
    template.add_resource(
        ec2.SecurityGroupEgress(
            title,
            Metadata=why(f"lets the {spoken(caller)} group call {to.name} on {to.port}"),
            GroupId=_id(caller),
            IpProtocol="tcp",
            FromPort=to.port,
            ToPort=to.port,
            Description=f"to {to.name}",
            **to.address,
        )
    )


def spoken(name: str) -> str:
    """`SecretsEndpoint` as people write it: secrets endpoint."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def _id(name: str) -> AWSHelperFn:
    return GetAtt(f"{name}Group", "GroupId")
