"""Whatever has a network interface names a security group of ours; the default group is used by nothing."""

import json
from collections.abc import Iterator
from typing import Any

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

Templates = dict[str, dict[str, Any]]
REGION = "eu-west-2"

# Type → where it names its groups.
GROUPS_OF = {
    "AWS::EC2::VPCEndpoint": ("SecurityGroupIds",),
    "AWS::ECS::Service": ("NetworkConfiguration", "AwsvpcConfiguration", "SecurityGroups"),
    "AWS::ElastiCache::ReplicationGroup": ("SecurityGroupIds",),
    "AWS::Lambda::Function": ("VpcConfig", "SecurityGroupIds"),
    "AWS::RDS::DBInstance": ("VPCSecurityGroups",),
}
# What speaks of groups and has no interface: the groups and rules themselves.
ABOUT_GROUPS = {
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::EC2::VPC",
}
# What has an interface only with a property that we do not use.
WITHOUT = {
    "AWS::Events::Rule": "EcsParameters",
    "AWS::SecretsManager::RotationSchedule": "HostedRotationLambda",
}


def resources(templates: Templates) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for stack, template in templates.items():
        for title, resource in template["Resources"].items():
            yield stack, title, resource


def named_groups(resource: dict[str, Any]) -> list[Any]:
    found: Any = resource["Properties"]
    for step in GROUPS_OF[resource["Type"]]:
        found = found.get(step, {})
    return list(found)


def origin(templates: Templates, stack: str, value: Any) -> tuple[str, str]:
    """The stack and the resource that a group's id comes from, through parameters and outputs."""
    while True:
        match value:
            case {"Fn::GetAtt": [title, "GroupId"]}:
                return stack, title
            case {"Fn::GetAtt": [title, output]} if output.startswith("Outputs."):
                stack = title.lower()
                value = templates[stack]["Outputs"][output.removeprefix("Outputs.")]["Value"]
            case {"Ref": parameter} if parameter in templates[stack].get("Parameters", {}):
                (given,) = (
                    made["Properties"]["Parameters"][parameter]
                    for made in templates["platform"]["Resources"].values()
                    if made["Type"] == "AWS::CloudFormation::Stack"
                    and made["Properties"]["TemplateURL"] == f"{stack}.yaml"
                )
                stack, value = "platform", given
            case _:
                raise AssertionError(f"{stack}: {value} is no security group of a template")


def test_whatever_has_a_network_interface_names_a_group_of_ours(templates: Templates) -> None:
    seen = set()
    for stack, title, resource in resources(templates):
        if resource["Type"] not in GROUPS_OF:
            continue
        if resource["Properties"].get("VpcEndpointType") == "Gateway":
            continue  # a route, without an interface
        groups = named_groups(resource)
        assert groups, f"{stack}.{title} names no group and gets the default one"
        for group in groups:
            where, made = origin(templates, stack, group)
            assert templates[where]["Resources"][made]["Type"] == "AWS::EC2::SecurityGroup"
            assert where == "network", f"{stack}.{title}"
        seen.add(resource["Type"])
    assert seen >= set(GROUPS_OF) - {"AWS::EC2::VPCEndpoint"}


def speaks_of_groups(kind: str) -> bool:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
    return "securitygroup" in json.dumps([schema["properties"], schema.get("definitions")]).lower()


def test_no_type_that_takes_groups_is_overlooked(templates: Templates) -> None:
    """A type whose schema speaks of security groups is in one of the lists above, or this fails."""
    kinds = {resource["Type"] for _, _, resource in resources(templates)}
    assert {kind for kind in kinds if speaks_of_groups(kind)} <= {*GROUPS_OF, *ABOUT_GROUPS, *WITHOUT}
    for stack, title, resource in resources(templates):
        if resource["Type"] in WITHOUT:
            assert WITHOUT[resource["Type"]] not in json.dumps(resource), f"{stack}.{title}"


def test_nothing_mentions_the_default_group(templates: Templates) -> None:
    assert "DefaultSecurityGroup" not in json.dumps(templates)


def test_every_group_is_used_or_it_would_not_be_there(templates: Templates) -> None:
    made = {
        title
        for stack, title, resource in resources(templates)
        if stack == "network" and resource["Type"] == "AWS::EC2::SecurityGroup"
    }
    used = {
        origin(templates, stack, group)[1]
        for stack, _, resource in resources(templates)
        if resource["Type"] in GROUPS_OF
        for group in named_groups(resource)
    }
    assert made == used
