"""Endpoints: of the kind that their service has, under its own name, once, with the VPC's DNS behind them."""

from collections.abc import Iterator

from rules.families.reach.network_model import ENDPOINT, Network, network
from rules.families.reach.network_needs import ENDPOINTS, needs
from rules.families.reach.network_parties import callers, interface_endpoints, stores
from rules.families.reach.network_paths import HTTPS, by_https, endpoints_for, private_names, service_of
from rules.families.reach.subnet_ways import NAT, TABLE, VPC
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import known

INTERFACE = "https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html"
GATEWAY = "https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html"
DNS = "https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html"
SERVICES = "https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html"
GATEWAYS = frozenset({"s3", "dynamodb", "s3express"})
WITHOUT_NAMES = frozenset({"s3", "dynamodb", "s3express"})  # beside a gateway, an interface is for others


def _kind(site: Site, endpoint: Resource) -> str | None:
    value = site.get(endpoint, "VpcEndpointType")
    return "Gateway" if value is None else str(value) if known(value) else None


@rule(
    "E9170",
    cause="{vpc} has {setting} off, and {user} needs it: {why}",
    remedy="set EnableDnsSupport and EnableDnsHostnames to true",
    sources=(DNS, INTERFACE),
)
def a_network_without_the_names_that_it_needs(site: Site) -> Iterator[Finding]:
    net = network(site)
    for vpc in site.all(VPC):
        named = [
            endpoint
            for endpoint in site.all(ENDPOINT)
            if net.vpc(endpoint) == vpc and private_names(net, endpoint)
        ]
        inside = [party.resource for party in (*callers(net), *stores(net)) if _of(net, party.subnets, vpc)]
        endpoints = [one for one in site.all(ENDPOINT) if net.vpc(one) == vpc]
        if str(site.get(vpc, "EnableDnsSupport")).lower() == "false" and (inside or endpoints):
            why = "without it no name of a service or a database is found"
            user = (inside or endpoints)[0]
            yield found(vpc, "EnableDnsSupport", vpc=vpc, setting="EnableDnsSupport", user=user, why=why)
        hostnames = site.get(vpc, "EnableDnsHostnames")
        if named and known(hostnames) and str(hostnames).lower() != "true":
            why = "an endpoint with private DNS cannot be made without it"
            setting = "EnableDnsHostnames"
            yield found(vpc, setting, vpc=vpc, setting=setting, user=named[0], why=why)


def _of(net: Network, subnets: tuple[Resource, ...] | None, vpc: Resource) -> bool:
    return any(net.vpc(subnet) == vpc for subnet in subnets or ())


@rule(
    "W9170",
    cause="{vpc} has EnableDnsHostnames off, so {user} in it gets no name of its own",
    remedy="set EnableDnsHostnames: true, which endpoints with private DNS and private hosted zones need too",
    sources=(DNS,),
    demanding=True,
)
def a_network_with_names_and_no_hostnames(site: Site) -> Iterator[Finding]:
    """Only where the template says so: what is left out may be meant for a default."""
    net = network(site)
    for vpc in site.all(VPC):
        if str(site.get(vpc, "EnableDnsHostnames")).lower() != "false":
            continue
        inside = [one.resource for one in (*callers(net), *stores(net)) if _of(net, one.subnets, vpc)]
        if inside and str(site.get(vpc, "EnableDnsSupport")).lower() != "false":
            yield found(vpc, "EnableDnsHostnames", vpc=vpc, user=inside[0])


@rule(
    "W9171",
    cause="endpoint {endpoint} has no private DNS, so calls to {service} by its own name go past it",
    remedy="set PrivateDnsEnabled: true",
    sources=(INTERFACE,),
    demanding=True,
)
def an_interface_endpoint_without_private_dns(site: Site) -> Iterator[Finding]:
    net = network(site)
    for endpoint in site.all(ENDPOINT):
        service = service_of(net, endpoint)
        known_service = service is not None and service not in WITHOUT_NAMES
        zones = list(site.all("AWS::Route53::HostedZone"))  # may say the same, by records of its own
        meant = _kind(site, endpoint) == "Interface" and known_service and not zones
        if meant and private_names(net, endpoint) is False:
            yield found(endpoint, "PrivateDnsEnabled", endpoint=endpoint, service=service)


@rule(
    "E9171",
    cause="endpoint {endpoint} is a {kind} endpoint for {service}, which has {none}",
    remedy="set VpcEndpointType: Gateway with RouteTableIds for S3 and DynamoDB, Interface with SubnetIds "
    "for all others",
    sources=(GATEWAY, SERVICES),
)
def an_endpoint_of_a_kind_that_its_service_has_not(site: Site) -> Iterator[Finding]:
    net = network(site)
    for endpoint in site.all(ENDPOINT):
        service, kind = service_of(net, endpoint), _kind(site, endpoint)
        if service is not None and kind == "Gateway" and service not in GATEWAYS:
            yield found(
                endpoint,
                "VpcEndpointType",
                endpoint=endpoint,
                kind="gateway",
                service=service,
                none="interface endpoints alone",
            )


@rule(
    "E9172",
    cause="endpoint {endpoint} is in no {place}, so nothing goes by it",
    remedy="name the {place} of what calls {service}",
    sources=(GATEWAY, INTERFACE),
)
def an_endpoint_that_nothing_leads_to(site: Site) -> Iterator[Finding]:
    net = network(site)
    for endpoint in site.all(ENDPOINT):
        kind, service = _kind(site, endpoint), service_of(net, endpoint)
        name, place = ("RouteTableIds", "route table") if kind == "Gateway" else ("SubnetIds", "subnet")
        if kind in ("Gateway", "Interface") and service and not site.items(endpoint, name):
            yield found(endpoint, name, endpoint=endpoint, place=place, service=service)


@rule(
    "W9172",
    cause="gateway endpoint {endpoint} is not in {table}, the table of {subnet}, which it has beside others",
    remedy="add the table to RouteTableIds",
    sources=(GATEWAY,),
    demanding=True,
)
def a_gateway_endpoint_that_leaves_out_a_table(site: Site) -> Iterator[Finding]:
    net = network(site)
    for endpoint in site.all(ENDPOINT):
        tables = {site.target(one, TABLE) for one in site.items(endpoint, "RouteTableIds")}
        service = service_of(net, endpoint)
        for caller in callers(net):
            wanted = any(need.service == service for need in needs(net, caller))
            for subnet in caller.subnets or ():
                table = net.table(subnet)
                beside = any(net.table(one) in tables for one in caller.subnets or ())
                if wanted and beside and table is not None and table not in tables and None not in tables:
                    yield found(endpoint, "RouteTableIds", endpoint=endpoint, table=table, subnet=subnet)


@rule(
    "E9173",
    cause="{endpoint} and {other} both take the name of {service} in {vpc}, which one alone can have",
    remedy="keep one of them, or set PrivateDnsEnabled: false on the other",
    sources=(INTERFACE,),
)
def two_endpoints_with_one_name(site: Site) -> Iterator[Finding]:
    net = network(site)
    first: dict[tuple[Resource, str], Resource] = {}
    for endpoint in interface_endpoints(net):
        service, vpc = service_of(net, endpoint.resource), net.vpc(endpoint.resource)
        if service and vpc is not None and private_names(net, endpoint.resource):
            other = first.setdefault((vpc, service), endpoint.resource)
            if other != endpoint.resource:
                parts = {"endpoint": endpoint, "other": other, "service": service, "vpc": vpc}
                yield found(endpoint.resource, "ServiceName", **parts)


@rule(
    "E9174",
    cause="endpoint {endpoint} is for {service}, and its policy allows only {actions}, which go elsewhere",
    remedy="name the service of these actions, or allow the actions of this one",
    sources=(SERVICES, "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html"),
)
def an_endpoint_for_another_service_than_its_policy(site: Site) -> Iterator[Finding]:
    net = network(site)
    of = {name: prefix for prefix, listed in ENDPOINTS.items() for name in listed}
    for policy in site.policies:
        if policy.resource.kind != ENDPOINT:
            continue
        service = service_of(net, policy.resource)
        actions = [action for one in policy.statements if one.allows for action in one.actions]
        prefixes = {action.partition(":")[0].lower() for action in actions}
        mine = of.get(service) if service else None
        elsewhere = prefixes <= ENDPOINTS.keys() and bool(prefixes) and service is not None
        if elsewhere and (mine not in prefixes if mine else not _like(service, prefixes)):
            yield found(
                policy.resource,
                "ServiceName",
                endpoint=policy.resource,
                service=service,
                actions=", ".join(sorted(prefixes)),
            )


def _like(service: str | None, prefixes: set[str]) -> bool:
    """Whether an endpoint that is not listed may be of these actions: sqs-fips, s3-global.accesspoint."""
    return any(prefix in str(service) for prefix in prefixes)


@rule(
    "E9175",
    cause="endpoint {endpoint} names {service}, of another region than the stack's own",
    remedy="write the region as ${{AWS::Region}}",
    sources=(SERVICES,),
)
def an_endpoint_of_two_regions(site: Site) -> Iterator[Finding]:
    """Where others of the tree follow the stack's region, one with a region of its own does not."""
    named = {one: str(site.get(one, "ServiceName")) for one in site.all(ENDPOINT)}
    follow = [name for name in named.values() if "${AWS::Region}" in name]
    for endpoint, name in named.items():
        parts = name.split(".")
        fixed = (
            len(parts) > 3 and parts[:2] == ["com", "amazonaws"] and "${" not in name and parts[2] != "vpce"
        )
        away = site.get(endpoint, "ServiceRegion")
        if follow and fixed and away is None:
            yield found(endpoint, "ServiceName", endpoint=endpoint, service=name)


@rule(
    "W9173",
    cause="endpoint {endpoint} lets nobody in: {groups} has no ingress rule for TCP 443",
    remedy="add an ingress rule for TCP 443 from the security groups of what calls it",
    sources=(INTERFACE,),
)
def an_endpoint_that_lets_nobody_in(site: Site) -> Iterator[Finding]:
    net = network(site)
    for endpoint in interface_endpoints(net):
        doors = [door for group in endpoint.groups or () for door in net.doors.get(group, ()) if not door.out]
        vague = net.unsure or any((group, False) in net.vague for group in endpoint.groups or ())
        given = any(group in net.given_out for group in endpoint.groups or ())
        if not by_https(net, endpoint.resource):
            continue
        if (
            endpoint.groups
            and not vague
            and not given
            and not any(door.on(HTTPS) is not False for door in doors)
        ):
            groups = ", ".join(map(str, endpoint.groups))
            yield found(endpoint.resource, "SecurityGroupIds", endpoint=endpoint, groups=groups)


@rule(
    "W9174",
    cause="{caller} calls {service} ({why}) by {gateway}, though a gateway endpoint costs nothing",
    remedy="add a gateway endpoint for it to the route tables, as {other} is",
    sources=(GATEWAY,),
    demanding=True,
)
def a_service_by_the_nat_gateway(site: Site) -> Iterator[Finding]:
    """Only where the network has endpoints: there one was meant, and is missing."""
    net = network(site)
    for caller in callers(net):
        vpcs = {net.vpc(subnet) for subnet in caller.subnets or ()}
        others = [one for one in site.all(ENDPOINT) if net.vpc(one) in vpcs and _kind(site, one) == "Gateway"]
        told: set[str] = set()
        for need in needs(net, caller):
            listed = endpoints_for(net, caller, need.service)
            if need.service not in ("s3", "dynamodb") or need.service in told or listed != [] or not others:
                continue
            for subnet in caller.subnets or ():
                route = net.default_route(subnet)
                gateway = site.target(net.target(route), NAT) if route else None
                if gateway is not None and need.service not in told:
                    told.add(need.service)
                    parts = {"caller": caller, "service": need.service, "why": need.why, "gateway": gateway}
                    yield found(others[0], "ServiceName", **parts, other=others[0])
