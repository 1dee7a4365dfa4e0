"""Where tasks run: launch types, capacity providers, platform versions, tags, clusters."""

from collections.abc import Iterator

from rules.families.containers.scaled import bounds
from rules.families.containers.workloads import (
    CLUSTER,
    FARGATE,
    SERVICE,
    TASK,
    listed,
    number,
    providers,
    shown,
    true,
)
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import known

ITEM = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CapacityProviderStrategyItem.html"
GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html"
CREATE = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html"
VERSIONS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/platform-fargate.html"
TAGS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html"
STRATEGY = "CapacityProviderStrategy"
ASSOCIATIONS = "AWS::ECS::ClusterCapacityProviderAssociations"


@rule(
    "E9583",
    cause="service {service} says both LaunchType and CapacityProviderStrategy",
    remedy="leave LaunchType out",
    sources=(CREATE,),
)
def a_service_of_two_capacities(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        launch = site.get(service, "LaunchType")
        if launch is not None and known(launch) and providers(site, service):
            yield found(service, "LaunchType", service=service)


@rule(
    "E9584",
    cause="service {service} has a capacity provider strategy that ECS refuses: {why}",
    remedy="give one provider a Base at most, one a Weight at least, and mix FARGATE with FARGATE_SPOT alone",
    sources=(ITEM, GUIDE),
)
def a_strategy_that_ecs_refuses(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        strategy = providers(site, service)
        if not strategy or not known(site.get(service, STRATEGY)):
            continue
        bases = [one for one in strategy if (number(one.get("Base")) or 0) > 0]
        weights = [0 if one.get("Weight") is None else number(one.get("Weight")) for one in strategy]
        names = {str(one.get("CapacityProvider")) for one in strategy}
        whys = {
            "two providers have a base": len(bases) > 1,
            "no provider has a weight": len(strategy) > 1 and not any(weights),
            "a provider is named twice": len(names) < len(strategy),
            "it mixes Fargate and instances": bool(names & FARGATE) and not names <= FARGATE,
        }
        for why, so in whys.items():
            if so:
                yield found(service, STRATEGY, service=service, why=why)


@rule(
    "W9584",
    cause="service {service} runs on Spot alone, which may take all its tasks away at once",
    remedy="add FARGATE with a Base: what must always run",
    sources=(GUIDE, ITEM),
    demanding=True,
)
def a_service_on_spot_alone(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        used = [one for one in providers(site, service) if (number(one.get("Weight")) or 0) > 0]
        based = {
            str(one.get("CapacityProvider")) for one in providers(site, service) if number(one.get("Base"))
        }
        names = {str(one.get("CapacityProvider")) for one in used} | based
        if names == {"FARGATE_SPOT"}:
            yield found(service, STRATEGY, service=service)


@rule(
    "W9585",
    cause="service {service} mixes Spot in and keeps too few tasks from it: {what}",
    remedy="give FARGATE a Base: what must always run, even while Spot has nothing",
    sources=(GUIDE, ITEM),
    demanding=True,
)
def a_service_without_a_base(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        entries = {str(one.get("CapacityProvider")): one for one in providers(site, service)}
        if not entries.keys() >= FARGATE or not known(site.get(service, STRATEGY)):
            continue
        spot = number(entries["FARGATE_SPOT"].get("Base")) or 0
        if not (number(entries["FARGATE"].get("Base")) or 0):
            what = "Spot has the base" if spot else "FARGATE has no base"
            yield found(service, STRATEGY, service=service, what=what)
        elif site.durable(service) and (least := bounds(site, service).least) is not None:
            base = number(entries["FARGATE"].get("Base")) or 0
            if base < least:
                what = f"FARGATE has a base of {shown(base)}, and {least} are to run at least"
                yield found(service, STRATEGY, service=service, what=what)


def _offered(site: Site, cluster: Resource) -> set[str] | None:
    """The capacity providers of a cluster; None where nobody can tell."""
    lists = [(cluster, "CapacityProviders")]
    lists += [
        (one, "CapacityProviders")
        for one in site.all(ASSOCIATIONS)
        if site.target(site.get(one, "Cluster"), CLUSTER) in (cluster, None)
    ]
    if not all(known(site.get(*one)) for one in lists):
        return None
    return {str(name) for one in lists for name in site.items(*one)}


@rule(
    "E9585",
    cause="service {service} asks for capacity of {provider}, and its cluster {cluster} has {offered}",
    remedy="add it to the CapacityProviders of the cluster, or of an association with it",
    sources=(CREATE, GUIDE),
)
def a_provider_that_the_cluster_has_not(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        cluster = site.target(site.get(service, "Cluster"), CLUSTER)
        offered = _offered(site, cluster) if cluster else None
        if offered is None:
            continue
        for position, one in enumerate(providers(site, service)):
            name = one.get("CapacityProvider")
            if known(name) and str(name) not in offered:
                yield found(
                    service, STRATEGY, position, "CapacityProvider",
                    service=service, provider=name, cluster=cluster, offered=listed(offered) or "none",
                )  # fmt: skip


@rule(
    "E9586",
    cause="service {service} says no launch type or capacity provider, and its task {task} is not for EC2",
    remedy="give it a CapacityProviderStrategy, or LaunchType: FARGATE",
    sources=(CREATE,),
)
def a_service_on_no_instances(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        task = site.target(site.get(service, "TaskDefinition"), TASK)
        cluster = site.target(site.get(service, "Cluster"), CLUSTER)
        if task is None or cluster is None or site.get(service, "LaunchType") is not None:
            continue
        default = site.get(cluster, "DefaultCapacityProviderStrategy")
        associated = [site.get(one, "DefaultCapacityProviderStrategy") for one in site.all(ASSOCIATIONS)]
        made = site.get(task, "RequiresCompatibilities")
        own = site.get(service, STRATEGY)
        nothing = all(one in (None, []) for one in (own, default, *associated))
        if nothing and made == ["FARGATE"]:
            yield found(service, STRATEGY, service=service, task=task)


@rule(
    "E9587",
    cause="service {service} asks for platform version {version}, which Fargate no longer starts",
    remedy="write LATEST, or leave PlatformVersion out",
    sources=(VERSIONS,),
)
def a_platform_that_is_gone(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        version = site.get(service, "PlatformVersion")
        if isinstance(version, str) and version not in ("LATEST", "1.4.0", "1.0.0"):
            yield found(service, "PlatformVersion", service=service, version=version)


@rule(
    "W9586",
    cause="the tasks of service {service} are in no bill of their own: {what}",
    remedy="set PropagateTags: SERVICE, and EnableECSManagedTags: true",
    sources=(TAGS, CREATE),
    demanding=True,
)
def tasks_without_tags(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        propagated, managed = site.get(service, "PropagateTags"), site.get(service, "EnableECSManagedTags")
        if not site.items(service, "Tags") or not known([propagated, managed]):
            continue
        if propagated in (None, "NONE"):
            yield found(service, "PropagateTags", service=service, what="its tags do not reach them")
        elif not true(managed):
            what = "nothing says of which service they are"
            yield found(service, "EnableECSManagedTags", service=service, what=what)


@rule(
    "W9583",
    cause="service {service} runs in the default cluster, and {cluster} is made here",
    remedy="set Cluster to Ref of it",
    sources=(CREATE,),
)
def a_service_outside_of_the_cluster(site: Site) -> Iterator[Finding]:
    clusters = list(site.all(CLUSTER))
    for service in site.all(SERVICE):
        if clusters and site.get(service, "Cluster") is None:
            yield found(service, "Cluster", service=service, cluster=clusters[0])


# What brings instances into a cluster, or may.
HOSTS = (
    "AWS::AutoScaling::AutoScalingGroup",
    "AWS::AutoScaling::LaunchConfiguration",
    "AWS::EC2::EC2Fleet",
    "AWS::EC2::Instance",
    "AWS::EC2::LaunchTemplate",
    "AWS::EC2::SpotFleet",
    "AWS::ECS::CapacityProvider",
)


@rule(
    "W9587",
    cause="service {service} runs on instances ({why}), and its cluster {cluster} has {offered} alone",
    remedy="run it on Fargate, or give the cluster a capacity provider with an Auto Scaling group",
    sources=(CREATE, GUIDE),
    demanding=True,
)
def a_service_for_instances_that_nobody_starts(site: Site) -> Iterator[Finding]:
    for service in site.all(SERVICE):
        cluster = site.target(site.get(service, "Cluster"), CLUSTER)
        offered = _offered(site, cluster) if cluster else None
        why = _on_instances(site, service)
        hosted = any(site.all(*HOSTS)) or any(
            one.kind.startswith("Custom::") for one in site.tree.resources()
        )
        if why and offered and offered <= FARGATE and not hosted:
            place = "LaunchType" if "LaunchType" in why else "TaskDefinition"
            yield found(service, place, service=service, why=why, cluster=cluster, offered=listed(offered))


def _on_instances(site: Site, service: Resource) -> str:
    """Why only instances can run it."""
    if site.get(service, "LaunchType") == "EC2":
        return "LaunchType EC2"
    task = site.target(site.get(service, "TaskDefinition"), TASK)
    made = site.get(task, "RequiresCompatibilities") if task else None
    return f"{task} is for EC2" if made == ["EC2"] else ""
