"""Where tasks and functions stand in the network, and how others come to them."""

from collections.abc import Iterator

from rules.families.containers.role_rights import may, rights, role_of
from rules.families.containers.workloads import (
    FUNCTION,
    SERVICE,
    TASK,
    containers_of,
    inside,
    known_containers,
    number,
    true,
)
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, known

NETWORK = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking.html"
AWSVPC = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_AwsVpcConfiguration.html"
CONTROLS = "https://docs.aws.amazon.com/securityhub/latest/userguide/ecs-controls.html"
REBALANCING = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html"
EXEC = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html"
BALANCER = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LoadBalancer.html"
VPC = ("NetworkConfiguration", "AwsvpcConfiguration")
SUBNET = "AWS::EC2::Subnet"
# Where the agent of ECS Exec writes in a container.
AGENT = ("/var/lib/amazon", "/var/log/amazon", "/managed-agents")


def placed(site: Site) -> Iterator[tuple[Resource, tuple[str, ...]]]:
    """What stands in subnets, and where it names them."""
    for service in site.all(SERVICE):
        yield service, (*VPC, "Subnets")
    for function in site.all(FUNCTION):
        yield function, ("VpcConfig", "SubnetIds")


@rule(
    "W9588",
    cause="tasks of service {service} have addresses of the internet{why}",
    remedy="set AssignPublicIp: DISABLED, and let them out by a NAT gateway or endpoints",
    sources=(AWSVPC, CONTROLS),
    demanding=True,
)
def tasks_with_public_addresses(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        if site.get(service, *VPC, "AssignPublicIp") != "ENABLED":
            continue
        subnets = [site.target(one, SUBNET) for one in site.items(service, *VPC, "Subnets")]
        ways = [route.target for one in subnets if one for route in site.reach.routes.get(one, ())]
        kinds = {way.kind for way in ways if isinstance(way, Resource)}
        if kinds and "AWS::EC2::InternetGateway" not in kinds:
            why = ", and no route of their subnets leads there"
            yield found(service, *VPC, "AssignPublicIp", service=service, why=why)
        elif site.durable(service) or (instead := _instead(site, subnets)) is not None:
            why = "" if site.durable(service) else f", and {instead} could carry them without"
            yield found(service, *VPC, "AssignPublicIp", service=service, why=why)


def _instead(site: Site, taken: list[Resource | None]) -> Resource | None:
    """A subnet with a way out that needs no public address: a NAT gateway, or endpoints."""
    endpoints = {
        site.target(one, SUBNET)
        for endpoint in site.all("AWS::EC2::VPCEndpoint")
        for one in site.items(endpoint, "SubnetIds")
    }
    for subnet in site.all(SUBNET):
        routes = site.reach.routes.get(subnet, ())
        ways = {route.target.kind for route in routes if isinstance(route.target, Resource)}
        closed = "AWS::EC2::InternetGateway" not in ways
        if subnet not in taken and closed and ("AWS::EC2::NatGateway" in ways or subnet in endpoints):
            return subnet
    return None


@rule(
    "E9588",
    cause="service {service} says no {property}, and its task {task} has an interface of its own",
    remedy="set NetworkConfiguration.AwsvpcConfiguration with Subnets and SecurityGroups",
    sources=(NETWORK, AWSVPC),
)
def a_service_without_a_network(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        task = site.target(site.get(service, "TaskDefinition"), TASK)
        own = task is not None and site.get(task, "NetworkMode") == "awsvpc"
        if own and site.get(service, *VPC, "Subnets") in (None, []):
            place = (*VPC, "Subnets")
            yield found(service, *place, service=service, property="subnets", task=task)


@rule(
    "W9589",
    cause="{workload} stands in subnets and says no security group, so others decide what it may reach",
    remedy="name a security group of its own",
    sources=(AWSVPC, "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html"),
    demanding=True,
)
def a_workload_without_a_group(site: Site) -> Iterator[Finding]:
    for workload, path in placed(site):
        name = "SecurityGroups" if workload.kind == SERVICE else "SecurityGroupIds"
        if site.items(workload, *path) and site.get(workload, *path[:-1], name) in (None, []):
            yield found(workload, *path[:-1], name, workload=workload)


@rule(
    "W9590",
    cause="service {service} does not spread its tasks again when a zone has come back",
    remedy="set AvailabilityZoneRebalancing: ENABLED",
    sources=(REBALANCING,),
    demanding=True,
)
def a_service_that_stays_uneven(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        if site.get(service, "AvailabilityZoneRebalancing") == "DISABLED":
            yield found(service, "AvailabilityZoneRebalancing", service=service)


@rule(
    "E9589",
    cause="service {service} is to spread its tasks again, and may never have one more than it wants",
    remedy="set MaximumPercent to more than 100",
    sources=(REBALANCING,),
)
def a_rebalancing_without_room(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        most = number(site.get(service, "DeploymentConfiguration", "MaximumPercent"))
        if site.get(service, "AvailabilityZoneRebalancing") == "ENABLED" and most is not None and most <= 100:
            yield found(service, "AvailabilityZoneRebalancing", service=service)


@rule(
    "E9590",
    cause="service {service} lets people in by ECS Exec, and {what}",
    remedy="set EnableExecuteCommand: false, or give the agent what it needs",
    sources=(EXEC,),
)
def an_exec_that_does_not_work(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        task = site.target(site.get(service, "TaskDefinition"), TASK)
        if task is None or not true(site.get(service, "EnableExecuteCommand")):
            continue
        for container in containers_of(site, task):
            mounts = [str(inside(one, "ContainerPath")) for one in container.items("MountPoints")]
            writable = any(path.startswith(AGENT) for path in mounts)
            if true(container.get("ReadonlyRootFilesystem")) and not writable:
                what = f"its agent cannot write in container {container.name}, which is read-only"
                yield found(service, "EnableExecuteCommand", service=service, what=what)
        role = role_of(site, task, "TaskRoleArn")
        allowed = rights(site, role) if role else None
        if allowed is not None and not may(allowed, "ssmmessages:OpenDataChannel"):
            what = f"its task role {role} may not open a channel"
            yield found(service, "EnableExecuteCommand", service=service, what=what)


@rule(
    "W9591",
    cause="service {service} lets people run commands in its containers",
    remedy="set EnableExecuteCommand: false where it is not being mended",
    sources=(EXEC,),
    demanding=True,
)
def a_lasting_service_with_exec(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        if true(site.get(service, "EnableExecuteCommand")) and site.durable(service):
            yield found(service, "EnableExecuteCommand", service=service)


@rule(
    "E9591",
    cause="service {service} registers {container}:{port} with a load balancer; task {task} has no such port",
    remedy="name a container of the task, and a ContainerPort of its PortMappings",
    sources=(BALANCER,),
)
def a_balancer_of_no_port(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        task = site.target(site.get(service, "TaskDefinition"), TASK)
        if task is None or not known_containers(site, task):
            continue
        for position, balancer in enumerate(site.items(service, "LoadBalancers")):
            name, port = inside(balancer, "ContainerName"), inside(balancer, "ContainerPort")
            ports = [
                inside(one, "ContainerPort")
                for container in containers_of(site, task)
                if container.body.get("Name") == name
                for one in container.items("PortMappings")
            ]
            if known([name, port, *ports]) and port is not None and str(port) not in map(str, ports):
                place = ("LoadBalancers", position, "ContainerPort")
                yield found(service, *place, service=service, container=name, port=port, task=task)


@rule(
    "E9592",
    cause="service {service} registers addresses with target group {group}, which takes instances",
    remedy="set its TargetType: ip, as tasks with an interface of their own need",
    sources=(BALANCER, NETWORK),
)
def a_target_group_of_instances(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        task = site.target(site.get(service, "TaskDefinition"), TASK)
        if task is None or site.get(task, "NetworkMode") != "awsvpc":
            continue
        for position, balancer in enumerate(site.items(service, "LoadBalancers")):
            arn = inside(balancer, "TargetGroupArn")
            if not isinstance(arn, Reference) or not arn.resource.kind.endswith("::TargetGroup"):
                continue
            if site.get(arn.resource, "TargetType") in (None, "instance"):
                place = ("LoadBalancers", position, "TargetGroupArn")
                yield found(service, *place, service=service, group=arn.resource)
