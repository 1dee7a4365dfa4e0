"""The sections of docs/access.md on the network: who reaches whom, ways out, endpoints."""

from collections.abc import Iterable, Iterator

from topology.describing import BREAK, Describer
from topology.page import Row, Section
from topology.policies import Kind, Policy
from topology.reach import PORTS, Reach, Rule
from topology.rendering import Renderer
from topology.tree import Resource, Tree

ENDPOINT = "AWS::EC2::VPCEndpoint"


def sections(
    tree: Tree, renderer: Renderer, found: Reach, listed: list[Policy], describer: Describer
) -> Iterator[Section]:
    yield Section(
        "Who reaches whom",
        ("from", "to", "on", "let out and in by"),
        tuple(_flows(found)),
        "Security groups let these through and nothing else, each by two rules: one lets out, one lets in."
        " What they [do not filter](https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html)"
        " is open to all: the VPC's DNS resolver, DHCP, the time service, a task's own metadata and"
        " credentials ([account.md](account.md) on DNS).",
    )
    yield Section(
        "Ways to addresses",
        ("from or to", "direction", "addresses", "on", "why"),
        tuple(_outward(found)),
        "Rules that name addresses and no group. A route must lead there as well.",
    )
    yield Section(
        "Rules without their other half",
        ("rule", "group", "other", "on"),
        tuple((f"`{half.where}`", f"`{half.group}`", f"`{half.other}`", on(half)) for half in found.halves),
        "" if found.halves else "None.",
    )
    yield Section(
        "Subnets and routes",
        ("subnet", "range", "in it", "ways out"),
        tuple(_subnets(renderer, found)),
        "Within the network every subnet reaches every other; the security groups decide.",
    )
    yield Section(
        "Endpoints",
        ("service", "endpoint", "kind", "lets through", "on", "if"),
        tuple(_endpoints(tree, renderer, listed, describer)),
        "An endpoint's policy allows nothing by itself: it says what of that which is allowed may pass.",
    )


def on(flow: Rule) -> str:
    return ports(flow.protocol, flow.ports)


def ports(protocol: str, span: tuple[int, int]) -> str:
    if span == PORTS:
        return protocol if protocol != "all" else "everything"
    return f"{protocol} {span[0]}" if span[0] == span[1] else f"{protocol} {span[0]}-{span[1]}"


def _flows(found: Reach) -> Iterator[Row]:
    for edge in found.edges:
        yield (
            _members(found, edge.caller),
            _members(found, edge.callee),
            ports(edge.protocol, edge.ports),
            f"`{edge.caller}`, `{edge.callee}`",
        )


def _outward(found: Reach) -> Iterator[Row]:
    for rule in found.outward:
        where = _anywhere(str(rule.other))
        yield (_members(found, rule.group), "out" if rule.out else "in", where, on(rule), rule.about)


def _anywhere(destination: str) -> str:
    return "any address" if destination in ("0.0.0.0/0", "::/0") else destination


def _members(found: Reach, group: Resource) -> str:
    return names(found.members.get(group, ())) or f"nothing (`{group}`)"


def names(resources: Iterable[Resource]) -> str:
    return BREAK.join(f"`{resource}`" for resource in resources)


def _subnets(renderer: Renderer, found: Reach) -> Iterator[Row]:
    for subnet, routes in found.routes.items():
        ways = BREAK.join(f"{_anywhere(route.destination)} by `{route.target}`" for route in routes)
        block = renderer.text(renderer.resolver.property(subnet, "CidrBlock"))
        yield (f"`{subnet}`", block, names(found.tenants[subnet]) or "nothing", ways or "none")


def _endpoints(tree: Tree, renderer: Renderer, listed: list[Policy], describer: Describer) -> Iterator[Row]:
    policies = {policy.resource: policy for policy in listed if policy.kind is Kind.ENDPOINT}
    for endpoint in tree.resources(ENDPOINT):
        made = renderer.document(renderer.resolver.properties(endpoint))
        first = (made["ServiceName"], f"`{endpoint}`", made.get("VpcEndpointType", "Gateway").lower())
        if endpoint not in policies:
            yield (*first, "everything: it has no policy", "", "")
            continue
        policy = policies[endpoint]
        for statement in policy.statements:
            yield (
                *first,
                ("" if statement.allows else "**never** ") + describer.actions(statement),
                describer.resources(policy, statement),
                describer.conditions(statement),
            )
