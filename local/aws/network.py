"""The network's types: addresses, NAT gateways, security groups' standalone rules, flow logs."""

import re
from collections.abc import Callable

from ministack.services import ec2
from ministack.services.cloudformation import provisioners

from local.aws.stacks import Json
from local.aws.types import Made, called, complete, query, register

RULE = ("CidrIp", "CidrIpv6", "Description", "FromPort", "ToPort", "GroupId", "IpProtocol")


def install() -> None:
    register(
        "AWS::EC2::EIP",
        create=_create_address,
        update=_retag(lambda physical_id: _address(physical_id)["AllocationId"], _address_attributes),
        delete=_delete_address,
        replacing=("Address", "IpamPoolId", "NetworkBorderGroup", "TransferAddress"),
        tagged=True,
    )
    register(
        "AWS::EC2::NatGateway",
        create=_create_nat,
        update=_retag(str, lambda physical_id: {"NatGatewayId": physical_id}),
        delete=lambda physical_id, _: _deleted(ec2._delete_nat_gateway, "NatGatewayId", physical_id),
        replacing=(
            "SubnetId",
            "VpcId",
            "AllocationId",
            "ConnectivityType",
            "AvailabilityMode",
            "PrivateIpAddress",
        ),
        tagged=True,
    )
    register(
        "AWS::EC2::FlowLog",
        create=_create_flow_log,
        update=_retag(str, lambda physical_id: {"Id": physical_id}),
        delete=lambda physical_id, _: _deleted(ec2._delete_flow_logs, "FlowLogId.1", physical_id),
        replacing=(
            "ResourceId",
            "ResourceType",
            "TrafficType",
            "LogDestination",
            "LogDestinationType",
            "LogGroupName",
            "LogFormat",
            "DeliverLogsPermissionArn",
            "DeliverCrossAccountRole",
            "MaxAggregationInterval",
            "DestinationOptions",
        ),
        tagged=True,
    )
    for direction in ("Ingress", "Egress"):
        _register_rule(direction)
    complete("AWS::EC2::VPC", lambda physical_id, props, found: (physical_id, {**_vpc(physical_id), **found}))
    complete(
        "AWS::EC2::SecurityGroup",
        lambda physical_id, props, found: (physical_id, {"Id": physical_id, **found}),
    )


def _create_address(logical_id: str, props: Json, stack_name: str) -> Made:
    body = called(ec2._allocate_address(query({"Domain": props.get("Domain", "vpc")})), "AWS::EC2::EIP")
    allocation_id = _element(body, "allocationId")
    provisioners._ec2_apply_tags(allocation_id, props)
    public_ip = ec2._addresses[allocation_id]["PublicIp"]
    return public_ip, _address_attributes(public_ip)


def _address(public_ip: str) -> Json:
    found: Json = next(a for a in ec2._addresses.values() if a["PublicIp"] == public_ip)
    return found


def _address_attributes(public_ip: str) -> Json:
    return {"AllocationId": _address(public_ip)["AllocationId"], "PublicIp": public_ip}


def _delete_address(public_ip: str, props: Json) -> None:
    for address in [a for a in ec2._addresses.values() if a["PublicIp"] == public_ip]:
        _deleted(ec2._release_address, "AllocationId", address["AllocationId"])


def _create_nat(logical_id: str, props: Json, stack_name: str) -> Made:
    subnet = props.get("SubnetId")
    wanted = {
        **{key: props.get(key) for key in ("AllocationId", "ConnectivityType")},
        "SubnetId": subnet or "none",
    }
    nat_id = _element(called(ec2._create_nat_gateway(query(wanted)), "AWS::EC2::NatGateway"), "natGatewayId")
    if not subnet:  # AvailabilityMode: regional names a VPC and no subnet
        ec2._nat_gateways[nat_id].update(SubnetId="", VpcId=props["VpcId"])
    provisioners._ec2_apply_tags(nat_id, props)
    return nat_id, {"NatGatewayId": nat_id}


def _create_flow_log(logical_id: str, props: Json, stack_name: str) -> Made:
    wanted = {
        "ResourceId.1": props["ResourceId"],
        "ResourceType": props["ResourceType"],
        "TrafficType": props.get("TrafficType"),
        "LogDestinationType": props.get("LogDestinationType"),
        "LogDestination": props.get("LogDestination"),
        "LogGroupName": props.get("LogGroupName"),
    }
    body = called(ec2._create_flow_logs(query(wanted)), "AWS::EC2::FlowLog")
    flow_log_id = _element(body, "item")
    provisioners._ec2_apply_tags(flow_log_id, props)
    return flow_log_id, {"Id": flow_log_id}


def _register_rule(direction: str) -> None:
    """A rule is kept in its group, with an id of its own; changing anything but its text replaces it."""
    permissions = "IpPermissions" if direction == "Ingress" else "IpPermissionsEgress"

    def create(logical_id: str, props: Json, stack_name: str) -> Made:
        group = ec2._security_groups.get(props.get("GroupId"))
        if group is None:
            raise ValueError(f"The security group '{props.get('GroupId')}' does not exist")
        rules = group.setdefault(permissions, [])
        wanted = provisioners._ec2_sg_permissions([props])[0]
        if any(_same(rule, wanted) for rule in rules):
            raise ValueError("the specified rule already exists (InvalidPermission.Duplicate)")
        rules.append(wanted)
        rule_id = f"sgr-{provisioners.new_uuid().replace('-', '')[:17]}"
        return rule_id, {"Id": rule_id}

    def delete(physical_id: str, props: Json) -> None:
        group = ec2._security_groups.get(props.get("GroupId"))
        if group is not None:
            unwanted = provisioners._ec2_sg_permissions([props])[0]
            group[permissions] = [rule for rule in group.get(permissions, []) if not _same(rule, unwanted)]

    def update(physical_id: str, old: Json, new: Json) -> Made:
        delete(physical_id, old)
        create("", new, "")
        return physical_id, {"Id": physical_id}

    other = "DestinationSecurityGroupId" if direction == "Egress" else "SourceSecurityGroupId"
    prefix = "DestinationPrefixListId" if direction == "Egress" else "SourcePrefixListId"
    register(
        f"AWS::EC2::SecurityGroup{direction}",
        create=create,
        update=update,
        delete=delete,
        replacing=tuple(key for key in (*RULE, other, prefix) if key != "Description"),
    )


def _same(rule: Json, other: Json) -> bool:
    return bool(ec2._strip_descriptions(rule) == ec2._strip_descriptions(other))


def _vpc(vpc_id: str) -> Json:
    vpc = ec2._vpcs[vpc_id]
    return {"CidrBlock": vpc["CidrBlock"], "CidrBlockAssociations": [], "Ipv6CidrBlocks": []}


def _retag(
    tagged_id: Callable[[str], str], attributes: Callable[[str], Json]
) -> Callable[[str, Json, Json], Made]:
    def update(physical_id: str, old: Json, new: Json) -> Made:
        provisioners._ec2_apply_tags(tagged_id(physical_id), new, old)
        return physical_id, attributes(physical_id)

    return update


def _deleted(action: Callable[[Json], tuple[int, Json, bytes]], key: str, physical_id: str) -> None:
    answer = action(query({key: physical_id}))
    if b"NotFound" not in answer[2]:
        called(answer, physical_id)


def _element(body: bytes, name: str) -> str:
    found = re.search(rf"<{name}>([^<]+)</{name}>".encode(), body)
    if found is None:
        raise ValueError(f"no {name} in {body!r}")
    return found[1].decode()
