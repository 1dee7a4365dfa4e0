"""Services of AWS: whatever a task or a function calls from its place has a way that lets it through."""

from collections.abc import Iterator

from rules.families.reach.endpoint_evaluation import refusal
from rules.families.reach.network_model import ENDPOINT, Network, network
from rules.families.reach.network_needs import Need, needs
from rules.families.reach.network_parties import callers
from rules.families.reach.network_paths import IN, OUT, ROUTE, Break, chosen, gateway, to_service
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource

PRIVATELINK = "https://docs.aws.amazon.com/vpc/latest/privatelink"
FARGATE = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html"


def _broken(site: Site, where: str) -> Iterator[Finding]:
    """Each service that a caller does not reach, once."""
    net = network(site)
    for caller in callers(net):
        told: set[str] = set()
        for need in needs(net, caller):
            if need.service in told:
                continue
            broken = to_service(net, need)
            if broken is not None and broken.where == where:
                told.add(need.service)
                yield _finding(need, broken)


def _finding(need: Need, broken: Break) -> Finding:
    parts = {"caller": need.caller, "service": need.service, "why": need.why, "path": broken.path}
    return Finding(broken.at, broken.steps, parts)


@rule(
    "E9101",
    cause="{caller} has no way to {service} ({why}): {path}",
    remedy="give the VPC an endpoint for it with private DNS, or the subnet's route table a route to a NAT "
    "gateway",
    sources=(FARGATE, "https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html"),
)
def a_service_to_which_no_route_leads(site: Site) -> Iterator[Finding]:
    yield from _broken(site, ROUTE)


@rule(
    "E9102",
    cause="{caller} does not reach {service} ({why}): {path}",
    remedy="add an egress rule for TCP 443 to the endpoint's group, to the service's prefix list, or "
    "to 0.0.0.0/0 where the way is a NAT gateway",
    sources=(
        f"{PRIVATELINK}/interface-endpoints.html",
        f"{PRIVATELINK}/gateway-endpoints.html",
    ),
)
def a_service_to_which_no_group_lets_out(site: Site) -> Iterator[Finding]:
    yield from _broken(site, OUT)


@rule(
    "E9103",
    cause="{caller} does not reach {service} ({why}): {path}",
    remedy="add an ingress rule for TCP 443 from the caller's security group to the endpoint's",
    sources=(f"{PRIVATELINK}/create-interface-endpoint.html",),
)
def a_service_of_which_the_endpoint_lets_nobody_in(site: Site) -> Iterator[Finding]:
    yield from _broken(site, IN)


@rule(
    "E9104",
    cause="endpoint {endpoint} refuses {action}, which {caller} needs ({why}): {refusal}",
    remedy="let its policy allow that action on that resource for that caller",
    sources=(f"{PRIVATELINK}/vpc-endpoints-access.html", FARGATE),
)
def an_endpoint_policy_that_refuses_what_is_needed(site: Site) -> Iterator[Finding]:
    net = network(site)
    for caller in callers(net):
        told: set[tuple[Resource, str]] = set()
        for need in needs(net, caller):
            for endpoint in _passed(net, need):
                refused = refusal(net, endpoint, need)
                if refused is None or (endpoint, need.action) in told:
                    continue
                told.add((endpoint, need.action))
                place: tuple[str | int, ...] = ("PolicyDocument",)
                if refused.statement is not None:
                    place = (*place, "Statement", int(refused.statement.where.rpartition(".")[2]))
                yield found(
                    endpoint,
                    *place,
                    endpoint=endpoint,
                    action=need.action,
                    caller=caller,
                    why=need.why,
                    refusal=refused.why,
                )


def _passed(net: Network, need: Need) -> list[Resource]:
    """The endpoints that the calls go through."""
    endpoint = chosen(net, need)
    if endpoint is not None:
        return [endpoint]
    near = [gateway(net, need, subnet) for subnet in need.caller.subnets or ()]
    return list(dict.fromkeys(one for one in near if one is not None and one.kind == ENDPOINT))
