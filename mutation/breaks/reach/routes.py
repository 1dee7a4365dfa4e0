"""Subnets, route tables, gateways and who stands where."""

from mutation.breaking import broken
from mutation.draft import Draft, att, is_there, ref, sub

SUBNET = "AWS::EC2::Subnet"
ROUTE = "AWS::EC2::Route"
ROUTED = "AWS::EC2::SubnetRouteTableAssociation"
NAT = "AWS::EC2::NatGateway"
VPC = "AWS::EC2::VPC"
SERVICE = "AWS::ECS::Service"
GATEWAY = "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-nat-gateway.html"
TABLES = "https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html"
DEPENDS = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-dependson.html"
SUBNETS = "https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html"


def zone(letter: str) -> dict[str, str]:
    return sub("${AWS::Region}" + letter)


@broken(only=("dev",), why="the app tier has no way to the services of AWS", source=GATEWAY)
def the_app_tier_has_no_way_out(draft: Draft) -> None:
    draft.remove(draft.first(ROUTE, NatGatewayId=is_there))


@broken(only=("dev",), why="only addresses of 10.0.0.0/8 go to the gateway, and no service of AWS is there")
def the_app_tiers_way_out_is_for_private_addresses(draft: Draft) -> None:
    draft.first(ROUTE, NatGatewayId=is_there).properties["DestinationCidrBlock"] = "10.0.0.0/8"


@broken(
    why="a NAT gateway in a subnet without a route to the internet gateway carries nothing", source=GATEWAY
)
def the_nat_gateway_stands_in_a_private_subnet(draft: Draft) -> None:
    draft.first(NAT).properties["SubnetId"] = ref("AppA")


@broken(why="a private NAT gateway carries nothing to the internet", source=GATEWAY)
def the_nat_gateway_is_private(draft: Draft) -> None:
    gateway = draft.first(NAT)
    gateway.properties["ConnectivityType"] = "private"
    del gateway.properties["AllocationId"]


@broken(only=("prod",), why="when zone a fails, zone b loses its way out with it", source=GATEWAY)
def a_zone_goes_out_through_another(draft: Draft) -> None:
    draft.the(ROUTE, NatGatewayId=ref("NatB")).properties["NatGatewayId"] = ref("NatA")


@broken(only=("prod",), why="an address can be given to one gateway; the second one's creation fails")
def two_gateways_share_an_address(draft: Draft) -> None:
    draft.the(NAT, "NatB").properties["AllocationId"] = att("NatAddressA", "AllocationId")


@broken(why="the NAT gateway's subnet has no way to the internet", source=TABLES)
def the_public_tier_has_no_way_to_the_internet(draft: Draft) -> None:
    draft.remove(draft.first(ROUTE, GatewayId=is_there))


@broken(
    why="the NAT gateway's answers go round in a circle: its own subnet's way out is itself", source=GATEWAY
)
def the_public_tiers_way_out_is_its_own_gateway(draft: Draft) -> None:
    properties = draft.first(ROUTE, GatewayId=is_there).properties
    del properties["GatewayId"]
    properties["NatGatewayId"] = ref("NatA")


@broken(why="a gateway that is attached to no network carries nothing, and no route to it can be made")
def the_internet_gateway_is_not_attached(draft: Draft) -> None:
    attached = draft.the("AWS::EC2::VPCGatewayAttachment")
    draft.remove(attached)
    for template in draft.files.values():
        for resource in template["Resources"].values():
            if resource.get("DependsOn") == attached.name:
                del resource["DependsOn"]


@broken(
    why="the route may be made before the gateway is attached, and then fails now and then", source=DEPENDS
)
def the_public_route_does_not_wait_for_the_attachment(draft: Draft) -> None:
    del draft.first(ROUTE, GatewayId=is_there).body["DependsOn"]


@broken(
    why="an address in a network needs the gateway attached first; without waiting it fails", source=DEPENDS
)
def the_address_does_not_wait_for_the_attachment(draft: Draft) -> None:
    del draft.first("AWS::EC2::EIP").body["DependsOn"]


@broken(why="the data tier can be spoken to from the internet, and can speak to it", source=TABLES)
def the_data_tier_has_a_way_to_the_internet(draft: Draft) -> None:
    gateway = draft.the("AWS::EC2::InternetGateway")
    route = draft.add(
        gateway,
        "DataOutA",
        ROUTE,
        RouteTableId=ref("DataRoutesA"),
        DestinationCidrBlock="0.0.0.0/0",
        GatewayId=gateway.ref,
    )
    route.body["DependsOn"] = "InternetAttached"


@broken(why="what was stolen from a database leaves through the NAT gateway", source=TABLES)
def the_data_tier_goes_out_through_nat(draft: Draft) -> None:
    draft.add(
        draft.first(NAT),
        "DataOutB",
        ROUTE,
        RouteTableId=ref("DataRoutesB"),
        DestinationCidrBlock="0.0.0.0/0",
        NatGatewayId=draft.first(NAT).ref,
    )


@broken(why="tasks without a public address cannot use the internet gateway, and the table has no endpoints")
def an_app_subnet_has_the_public_table(draft: Draft) -> None:
    draft.the(ROUTED, SubnetId=ref("AppA")).properties["RouteTableId"] = ref("PublicRoutesA")


@broken(why="the data tier has a table with a way to the internet", source=TABLES)
def a_data_subnet_has_the_public_table(draft: Draft) -> None:
    draft.the(ROUTED, SubnetId=ref("DataA")).properties["RouteTableId"] = ref("PublicRoutesA")


@broken(why="it falls to the main table, which has no way out and no endpoints", source=TABLES)
def an_app_subnet_has_no_table(draft: Draft) -> None:
    draft.remove(draft.the(ROUTED, SubnetId=ref("AppB")))


@broken(why="two subnets of one network may not overlap: the second is refused", source=SUBNETS)
def two_subnets_overlap(draft: Draft) -> None:
    draft.the(SUBNET, "AppB").properties["CidrBlock"] = "10.0.11.128/25"


@broken(why="a subnet outside of its network's range is refused", source=SUBNETS)
def a_subnet_lies_outside_of_the_network(draft: Draft) -> None:
    draft.the(SUBNET, "DataA").properties["CidrBlock"] = "10.1.21.0/24"


@broken(
    only=("dev",),
    why="a subnet group needs two zones, and both of its subnets are in one",
    source="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html",
)
def both_data_subnets_are_in_one_zone(draft: Draft) -> None:
    draft.the(SUBNET, "DataB").properties["AvailabilityZone"] = zone("a")


@broken(
    only=("prod",),
    why="an interface endpoint takes one subnet a zone; with two it is refused",
    source="https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html",
)
def two_app_subnets_are_in_one_zone(draft: Draft) -> None:
    draft.the(SUBNET, "AppB").properties["AvailabilityZone"] = zone("a")


@broken(why="whatever is started in the tier of databases gets a public address", source=SUBNETS)
def the_data_tier_gives_public_addresses(draft: Draft) -> None:
    draft.the(SUBNET, "DataA").properties["MapPublicIpOnLaunch"] = True


@broken(why="tasks stand where no route leads out: no image, no secret, no stream")
def the_tasks_stand_in_the_data_tier(draft: Draft) -> None:
    given = draft.nesting(draft.the(SERVICE)).properties["Parameters"]
    given["AppSubnets1"] = att("Network", "Outputs.DataSubnets1")
    given["AppSubnets2"] = att("Network", "Outputs.DataSubnets2")


@broken(why="the database stands in the tier that has a way out")
def the_database_stands_in_the_app_tier(draft: Draft) -> None:
    given = draft.nesting(draft.the("AWS::RDS::DBInstance")).properties["Parameters"]
    given["DataSubnets1"] = att("Network", "Outputs.AppSubnets1")
    given["DataSubnets2"] = att("Network", "Outputs.AppSubnets2")


@broken(
    why="with a public address the database can be reached by whoever a group lets in",
    source="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html",
)
def the_database_is_public(draft: Draft) -> None:
    draft.the("AWS::RDS::DBInstance").properties["PubliclyAccessible"] = True


@broken(why="outside of the network the function reaches neither the database nor a private endpoint")
def the_function_is_outside_of_the_network(draft: Draft) -> None:
    del draft.the("AWS::Lambda::Function").properties["VpcConfig"]
    given = draft.nesting(draft.the("AWS::Lambda::Function")).properties["Parameters"]
    for name in [name for name in given if name.startswith("AppSubnets") or name == "RotationGroup"]:
        del given[name], draft.files["rotation.yaml"]["Parameters"][name]


@broken(
    why="a network's list has no memory: answers to the subnet's calls come to high ports and are dropped",
    source="https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html",
)
def a_list_of_the_app_subnet_forgets_the_answers(draft: Draft) -> None:
    network = draft.the(VPC)
    draft.add(network, "AppList", "AWS::EC2::NetworkAcl", VpcId=network.ref)
    entry = {"NetworkAclId": ref("AppList"), "RuleNumber": 100, "RuleAction": "allow"}
    https = {"Protocol": 6, "CidrBlock": "0.0.0.0/0", "PortRange": {"From": 443, "To": 443}}
    draft.add(network, "AppListIn", "AWS::EC2::NetworkAclEntry", **entry, **https)
    everything = {"Protocol": -1, "CidrBlock": "0.0.0.0/0", "Egress": True}
    draft.add(network, "AppListOut", "AWS::EC2::NetworkAclEntry", **entry, **everything)
    draft.add(
        network,
        "AppListed",
        "AWS::EC2::SubnetNetworkAclAssociation",
        SubnetId=ref("AppA"),
        NetworkAclId=ref("AppList"),
    )
