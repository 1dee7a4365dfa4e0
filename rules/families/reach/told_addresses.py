"""What a program is told of a database or cache: its address and its port, both of the same one."""

import re
from collections.abc import Iterator

from rules.families.reach.network_model import network
from rules.families.reach.network_parties import FUNCTION, STORES, TASK, port
from rules.seam.rule import Finding, Steps, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Value, known

HOST = re.compile(r"_?(HOST|HOSTNAME|ADDRESS|ADDR|ENDPOINT|SERVER)$", re.IGNORECASE)
PORT = re.compile(r"_?PORT$", re.IGNORECASE)
RDS = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-rds-dbinstance.html"
CACHE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-elasticache-replicationgroup.html"


def _told(site: Site) -> Iterator[tuple[Resource, dict[str, tuple[Value, Steps]]]]:
    """For each program the variables that it is given, and where."""
    for function in site.all(FUNCTION):
        variables = site.get(function, "Environment", "Variables")
        if isinstance(variables, dict):
            yield (
                function,
                {name: (value, ("Environment", "Variables", name)) for name, value in variables.items()},
            )
    for task in site.all(TASK):
        for at, container in enumerate(site.items(task, "ContainerDefinitions")):
            listed = container.get("Environment") if isinstance(container, dict) else None
            yield (
                task,
                {
                    str(one.get("Name")): (
                        one.get("Value"),
                        ("ContainerDefinitions", at, "Environment", place),
                    )
                    for place, one in enumerate(listed if isinstance(listed, list) else [])
                    if isinstance(one, dict)
                },
            )


def _store(value: Value) -> Resource | None:
    return value.resource if isinstance(value, Reference) and value.resource.kind in STORES else None


@rule(
    "E9108",
    cause="{program} is told {variable} = {value}, which is no address of {store}",
    remedy="give it the address of the endpoint: Endpoint.Address, PrimaryEndPoint.Address",
    sources=(RDS, CACHE),
)
def an_address_that_is_none(site: Site) -> Iterator[Finding]:
    for program, variables in _told(site):
        for name, (value, place) in variables.items():
            store = _store(value)
            if HOST.search(name) and store is not None and isinstance(value, Reference):
                attribute = value.attribute.lower()
                if not attribute.endswith(("address", "addresses", "endpoint")):
                    yield found(program, *place, program=program, variable=name, value=value, store=store)


@rule(
    "E9109",
    cause="{program} is told {variable} = {value}, and {store} listens on {port}",
    remedy="give it the port of the endpoint whose address it is told in {host}",
    sources=(RDS, CACHE),
)
def a_port_of_another_than_the_address(site: Site) -> Iterator[Finding]:
    net = network(site)
    for program, variables in _told(site):
        for name, (value, place) in variables.items():
            if not PORT.search(name) or not known(value):
                continue
            stem = PORT.sub("", name).lower()
            for host, (address, _) in variables.items():
                store = _store(address)
                if store is None or not HOST.search(host) or HOST.sub("", host).lower() != stem:
                    continue
                on = port(net, store)
                if _other(value, store, on):
                    parts = {"program": program, "variable": name, "value": value, "host": host}
                    yield found(program, *place, **parts, store=store, port=on or "another")


def _other(value: Value, store: Resource, on: int | None) -> bool:
    """Whether a port is surely not the store's."""
    if isinstance(value, Reference):
        return value.resource != store or not value.attribute.lower().endswith("port")
    return on is not None and str(value).isdigit() and int(str(value)) != on
