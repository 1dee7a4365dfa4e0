"""How clients reach a cache fits its cluster mode, and its user group has somebody in it."""

from collections.abc import Iterator

from rules.families.durability.cache_engines import CREATE, DG, PARAMETER_GROUP, PARAMETERS, RBAC, USERS
from rules.families.durability.upkeep import GROUP, declared, flag, word
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import known, references

ENABLED_ONLY = ("ConfigurationEndPoint",)
DISABLED_ONLY = ("PrimaryEndPoint", "ReaderEndPoint", "ReadEndPoint")


@rule(
    "E9458",
    cause="{attribute} of cache {cache} is asked for, which it has only with cluster mode {needed}",
    remedy="ask for {instead}, or set the cluster mode that the clients speak",
    sources=(f"{DG}Endpoints.html", CREATE),
)
def an_endpoint_of_the_other_mode(site: Site) -> Iterator[Finding]:
    for cache in site.all(GROUP):
        enabled = _sharded(site, cache)
        if enabled is None:
            continue
        wrong = DISABLED_ONLY if enabled else ENABLED_ONLY
        asked = [use.reference.attribute for use in site.uses(cache)]
        for stack in site.tree.stacks.values():
            for output in stack.outputs.values():
                value = site.resolver.value(output, stack.address)
                asked += [one.attribute for one in references(value) if one.resource == cache]
        for attribute in dict.fromkeys(asked):
            if attribute.startswith(wrong):
                needed = "disabled" if enabled else "enabled"
                instead = "ConfigurationEndPoint" if enabled else "PrimaryEndPoint"
                yield found(
                    cache, "ClusterMode", cache=cache, attribute=attribute, needed=needed, instead=instead
                )


def _sharded(site: Site, cache: Resource) -> bool | None:
    """Whether cluster mode is enabled; None where nobody can tell."""
    mode = site.get(cache, "ClusterMode")
    if isinstance(mode, str):
        return {"enabled": True, "disabled": False}.get(mode.lower())
    group = site.get(cache, "CacheParameterGroupName")
    if isinstance(group, str):
        return group.endswith(".cluster.on")
    own = site.target(group, PARAMETER_GROUP)
    if own is not None:
        return flag(site, own, "Properties", "cluster-enabled") if known(site.properties(own)) else None
    return None


@rule(
    "E9459",
    cause="cache {cache} has cluster mode disabled and {count} shards",
    remedy="leave NumNodeGroups out and set NumCacheClusters, or set ClusterMode: enabled",
    sources=(CREATE,),
)
def shards_without_cluster_mode(site: Site) -> Iterator[Finding]:
    for cache in site.all(GROUP):
        count = word(site, cache, "NumNodeGroups")
        if _sharded(site, cache) is False and count is not None and count != "1":
            yield found(cache, "NumNodeGroups", cache=cache, count=count)


@rule(
    "W9429",
    cause="parameter group {group} sets nothing, so it is the default under another name",
    remedy="set the parameters that it was made for, or remove it",
    sources=(PARAMETERS,),
    demanding=True,
)
def a_parameter_group_that_sets_nothing(site: Site) -> Iterator[Finding]:
    kinds = {PARAMETER_GROUP: "Properties", "AWS::RDS::DBParameterGroup": "Parameters"}
    for kind, name in kinds.items():
        for group in site.all(kind):
            if site.get(group, name) in (None, {}) and declared(site, group):
                yield found(group, name, group=group)


@rule(
    "E9439",
    cause="user group {group} has nobody in it, and {cache} lets in nobody else",
    remedy="name its users in UserIds",
    sources=(RBAC,),
)
def a_user_group_of_nobody(site: Site) -> Iterator[Finding]:
    for group in site.all(USERS):
        caches = [use.user for use in site.uses(group, GROUP)]
        if caches and site.get(group, "UserIds") in (None, []):
            yield found(group, "UserIds", group=group, cache=caches[0])
