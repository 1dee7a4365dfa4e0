"""The network: three tiers of subnets, the ways out of them, and who may speak to whom.

| tier   | holds            | its way out                                   |
|--------|------------------|-----------------------------------------------|
| public | NAT gateways     | the internet gateway                          |
| app    | tasks, functions | interface endpoints, NAT gateways, or both    |
| data   | databases        | none                                          |

With nat: none there is no public tier and no internet gateway either: nothing would use them. With
interface endpoints the app tier's security groups let nothing out to a NAT gateway that there may be; it is
the way for what a team adds later, one rule away (docs/decisions/endpoints.md).
"""

from dataclasses import dataclass

from awacs import logs as can
from awacs.aws import Allow, ArnLike, Condition, PolicyDocument, Principal, Statement, StringEquals
from awacs.sts import AssumeRole
from troposphere import GetAtt, Ref, Sub, Tags, ec2, iam, logs

from parameters import network as parameters
from parameters.network import Nat
from stacks import endpoints, firewall
from stacks.context import why
from stacks.wiring import KeyArn, NatGatewayId, SecurityGroupId, StackTemplate, SubnetId, VpcId

ANYWHERE = "0.0.0.0/0"
FLOW_LOG_SECONDS = 60  # the other choice is ten minutes, too coarse to follow an incident
# AWS's default format in its order, then what an incident asks for that it lacks: which subnet, who began
# (flags and direction), whose packet it was behind a NAT gateway, which service of AWS, by which way out.
# https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
FLOW_LOG_FIELDS = (
    *("version", "account-id", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol"),
    *("packets", "bytes", "start", "end", "action", "log-status"),
    *("vpc-id", "subnet-id", "tcp-flags", "flow-direction", "pkt-srcaddr", "pkt-dstaddr"),
    *("pkt-dst-aws-service", "traffic-path"),
)


@dataclass(frozen=True)
class Inputs:
    logs_key_arn: KeyArn


@dataclass(frozen=True)
class Outputs:
    vpc_id: VpcId
    app_subnets: tuple[SubnetId, ...]
    data_subnets: tuple[SubnetId, ...]
    processor_group: SecurityGroupId
    rotation_group: SecurityGroupId
    database_group: SecurityGroupId
    cache_group: SecurityGroupId
    nat_gateways: tuple[NatGatewayId, ...]  # what their metrics are counted by


def build(template: StackTemplate, inputs: Inputs, settings: parameters.Network) -> Outputs:
    vpc = template.add_resource(
        ec2.VPC(
            "Vpc",
            Metadata=why("one network per environment; its default security group is used by nothing"),
            CidrBlock=settings.vpc_cidr,
            EnableDnsSupport=True,
            EnableDnsHostnames=True,  # interface endpoints answer under the services' own names only with it
            Tags=Tags(Name=f"millrace-{template.environment}"),
        )
    )
    vpc_id = VpcId(Ref(vpc))
    app = [subnet(template, vpc_id, "App", zone, zone.app_cidr) for zone in settings.zones]
    data = [subnet(template, vpc_id, "Data", zone, zone.data_cidr) for zone in settings.zones]
    if settings.nat is not Nat.NONE:
        ways_out(template, vpc_id, settings)
    flow_logs(template, vpc_id, inputs.logs_key_arn, settings)
    groups = firewall.groups(template, vpc_id, settings)
    endpoints.gateways(template, vpc_id, [table_of("App", zone) for zone in settings.zones])
    if settings.interface_endpoints:
        endpoints.interfaces(template, vpc_id, app, groups.endpoints)
    return Outputs(
        vpc_id=vpc_id,
        app_subnets=tuple(app),
        data_subnets=tuple(data),
        processor_group=groups.processor,
        rotation_group=groups.rotation,
        database_group=groups.database,
        cache_group=groups.cache,
        nat_gateways=tuple(
            NatGatewayId(Ref(made))
            for made in template.resources.values()
            if made.resource_type == ec2.NatGateway.resource_type
        ),
    )


def suffix(zone: parameters.Zone) -> str:
    """A, B or C: the zone's letter, so that logical IDs survive a change of the zones' order."""
    return zone.name[-1].upper()


def table_of(tier: str, zone: parameters.Zone) -> Ref:
    return Ref(f"{tier}Routes{suffix(zone)}")


def subnet(template: StackTemplate, vpc_id: VpcId, tier: str, zone: parameters.Zone, cidr: str) -> SubnetId:
    """A subnet with a route table of its own: falling back to the main table leads nowhere, silently."""
    reasons = {
        "Public": "holds the zone's NAT gateway and nothing else",
        "App": "tasks and functions, without public addresses",
        "Data": "databases and caches, reached from within the network only",
    }
    name = Tags(Name=f"millrace-{template.environment}-{tier.lower()}-{zone.name[-1]}")
    made = template.add_resource(
        ec2.Subnet(
            f"{tier}{suffix(zone)}",
            Metadata=why(reasons[tier], *(["have no route out of the network"] if tier == "Data" else [])),
            VpcId=vpc_id,
            AvailabilityZone=Sub(f"${{AWS::Region}}{zone.name[-1]}"),
            CidrBlock=cidr,
            MapPublicIpOnLaunch=False,
            Tags=name,
        )
    )
    table = template.add_resource(
        ec2.RouteTable(
            f"{tier}Routes{suffix(zone)}",
            Metadata=why("a table for each subnet, so that a zone's way out is its own"),
            VpcId=vpc_id,
            Tags=name,
        )
    )
    template.add_resource(
        ec2.SubnetRouteTableAssociation(
            f"{tier}{suffix(zone)}Routed",
            Metadata=why("binds the subnet to its table"),
            SubnetId=Ref(made),
            RouteTableId=Ref(table),
        )
    )
    return SubnetId(Ref(made))


def ways_out(template: StackTemplate, vpc_id: VpcId, settings: parameters.Network) -> None:
    """The internet gateway, a NAT gateway in one zone or in each, and the app tier's routes to them."""
    gateway = template.add_resource(
        ec2.InternetGateway("Internet", Metadata=why("the NAT gateways' way out; nothing comes in by it"))
    )
    attachment = template.add_resource(
        ec2.VPCGatewayAttachment(
            "InternetAttached",
            Metadata=why("binds the internet gateway to the network"),
            VpcId=vpc_id,
            InternetGatewayId=Ref(gateway),
        )
    )
    for zone in settings.zones:
        subnet(template, vpc_id, "Public", zone, zone.public_cidr)
        template.add_resource(
            ec2.Route(
                f"PublicOut{suffix(zone)}",
                Metadata=why("the public tier's way to the internet"),
                DependsOn=attachment,
                RouteTableId=table_of("Public", zone),
                DestinationCidrBlock=ANYWHERE,
                GatewayId=Ref(gateway),
            )
        )
    with_nat = settings.zones if settings.nat is Nat.PER_AZ else settings.zones[:1]
    for zone in with_nat:
        nat_gateway(template, zone, attachment)
    for zone in settings.zones:
        through = zone if zone in with_nat else with_nat[0]
        template.add_resource(
            ec2.Route(
                f"AppOut{suffix(zone)}",
                Metadata=why(
                    f"the app tier reaches AWS's services through the NAT gateway of {through.name}"
                ),
                RouteTableId=table_of("App", zone),
                DestinationCidrBlock=ANYWHERE,
                NatGatewayId=Ref(f"Nat{suffix(through)}"),
            )
        )


def nat_gateway(template: StackTemplate, zone: parameters.Zone, attachment: ec2.VPCGatewayAttachment) -> None:
    name = Tags(Name=f"millrace-{template.environment}-nat-{zone.name[-1]}")
    template.add_resource(
        ec2.EIP(
            f"NatAddress{suffix(zone)}",
            Metadata=why("the address that partners see us come from; it outlives the gateway"),
            DependsOn=attachment,
            Domain="vpc",
            Tags=name,
        )
    )
    template.add_resource(
        ec2.NatGateway(
            f"Nat{suffix(zone)}",
            Metadata=why("lets the app tier call out and nobody call in"),
            DependsOn=attachment,  # a NAT gateway in a network without a way out fails to become available
            AllocationId=GetAtt(f"NatAddress{suffix(zone)}", "AllocationId"),
            SubnetId=Ref(f"Public{suffix(zone)}"),
            Tags=name,
        )
    )


def flow_logs(template: StackTemplate, vpc_id: VpcId, key: KeyArn, settings: parameters.Network) -> None:
    """Who spoke to whom. The role does less than AWS's example lets it: the group is there already.

    The log names its role, so the role's trust cannot name the log: any flow log of this account and region.
    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    """
    any_flow_log = Sub("arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:vpc-flow-log/*")
    group = template.add_resource(
        logs.LogGroup(
            "FlowLogGroup",
            LogGroupName=template.log_group_name("network"),
            RetentionInDays=settings.flow_log_retention_days,
            KmsKeyId=key,
            **template.retention,
        )
    )
    role = template.add_resource(
        iam.Role(
            "FlowLogWriter",
            Metadata=why("lets the flow logs write their one group"),
            AssumeRolePolicyDocument=PolicyDocument(
                Version="2012-10-17",
                Statement=[
                    Statement(
                        Effect=Allow,
                        Principal=Principal("Service", ["vpc-flow-logs.amazonaws.com"]),
                        Action=[AssumeRole],
                        Condition=Condition(
                            [
                                StringEquals("aws:SourceAccount", Ref("AWS::AccountId")),
                                ArnLike("aws:SourceArn", any_flow_log),
                            ]
                        ),
                    )
                ],
            ),
            Policies=[
                iam.Policy(
                    PolicyName="write",
                    PolicyDocument=PolicyDocument(
                        Version="2012-10-17",
                        Statement=[
                            Statement(
                                Effect=Allow,
                                Action=[can.CreateLogStream, can.PutLogEvents, can.DescribeLogStreams],
                                Resource=[group.get_att("Arn")],  # it ends in :*, so the streams are in it
                            )
                        ],
                    ),
                )
            ],
        )
    )
    template.add_resource(
        ec2.FlowLog(
            "FlowLog",
            Metadata=why("who spoke to whom, and who was refused", "record refused traffic too"),
            ResourceType="VPC",
            ResourceId=vpc_id,
            TrafficType="ALL",
            LogDestinationType="cloud-watch-logs",
            LogGroupName=Ref(group),
            DeliverLogsPermissionArn=role.get_att("Arn"),
            LogFormat=" ".join(f"${{{field}}}" for field in FLOW_LOG_FIELDS),
            MaxAggregationInterval=FLOW_LOG_SECONDS,
        )
    )
