"""The network: its addresses, zones and ways out. The text under a field is what an editor shows."""

from enum import StrEnum
from ipaddress import IPv4Network
from itertools import combinations
from typing import Annotated

from msgspec import Meta

from parameters.section import LogRetention, Section

OCTET = r"(25[0-5]|2[0-4]\d|1?\d?\d)"

# A description is what a refusal says is allowed; where there is none, the bounds are.
Cidr = Annotated[
    str,
    Meta(pattern=rf"^({OCTET}\.){{3}}{OCTET}/\d{{1,2}}$", description="an IPv4 block such as 10.0.0.0/16"),
]
PrefixList = Annotated[
    str, Meta(pattern=r"^pl-[0-9a-f]{8}([0-9a-f]{9})?$", description="the id of a prefix list: pl-…")
]


class Nat(StrEnum):
    NONE = "none"
    ONE = "one"
    PER_AZ = "per-az"


class Zone(Section, frozen=True):
    """One availability zone's subnets, a tier each."""

    name: Annotated[
        str, Meta(pattern=r"^eu-west-2[abc]$", description="eu-west-2a, eu-west-2b or eu-west-2c")
    ]
    """The availability zone."""
    public_cidr: Cidr
    """Addresses of the public tier: NAT gateways."""
    app_cidr: Cidr
    """Addresses of the tier of the processor and of the rotation's function."""
    data_cidr: Cidr
    """Addresses of the tier of database and cache, which no route leaves."""


class Network(Section, frozen=True):
    vpc_cidr: Cidr
    """Addresses of the whole network; a /16 to /28 that holds every subnet."""
    zones: Annotated[tuple[Zone, ...], Meta(min_length=2, max_length=3)]
    """Two or three availability zones, each with a subnet a tier; none overlaps another."""
    nat: Nat
    """NAT gateways: none leaves the VPC endpoints as the only way out, per-az survives the loss of a zone."""
    interface_endpoints: bool
    """AWS's services by addresses of the network's own, at a price an hour; nat: none needs them."""
    flow_log_retention_days: LogRetention
    """Days that the network's flow logs are kept."""
    # The addresses of the gateway endpoints, as AWS lists them in eu-west-2. CloudFormation cannot look them
    # up and no page of AWS's names them. To see that they are right, and what they are elsewhere:
    # aws ec2 describe-managed-prefix-lists --query 'PrefixLists[].[PrefixListName,PrefixListId]'
    s3_prefix_list: PrefixList = "pl-7ca54015"
    """AWS's list of the addresses of S3 in the region."""
    dynamodb_prefix_list: PrefixList = "pl-b3a742da"
    """AWS's list of the addresses of DynamoDB in the region."""

    def __post_init__(self) -> None:
        if self.nat is Nat.NONE and not self.interface_endpoints:
            raise ValueError("interface_endpoints must be true with nat: none, or nothing reaches AWS")
        names = [zone.name for zone in self.zones]
        if len(set(names)) < len(names):
            raise ValueError(f"zones are {', '.join(names)}; each may stand once")
        whole = _block(self.vpc_cidr)
        cidrs = [cidr for zone in self.zones for cidr in (zone.public_cidr, zone.app_cidr, zone.data_cidr)]
        for cidr in cidrs:
            if not _block(cidr).subnet_of(whole):
                raise ValueError(f"{cidr} lies outside vpc_cidr {self.vpc_cidr}")
        for one, other in combinations(cidrs, 2):
            if _block(one).overlaps(_block(other)):
                raise ValueError(f"{one} overlaps {other}; each subnet needs a block of its own")


def _block(cidr: str) -> IPv4Network:
    """Raises ValueError for what only looks like a block; a VPC and a subnet are /16 to /28."""
    block = IPv4Network(cidr)
    if not 16 <= block.prefixlen <= 28:
        raise ValueError(f"{cidr} is a /{block.prefixlen}; AWS takes /16 to /28")
    return block
