"""A cache's engine, its parameters, its users and how clients reach it fit each other."""

import re
from collections.abc import Iterator

from rules.families.durability.upkeep import GROUP, declared, flag, members, off, word
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource

DG = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/"
CREATE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateReplicationGroup.html"
RBAC = f"{DG}Clusters.RBAC.html"
PARAMETERS = f"{DG}ParameterGroups.Engine.html"
TLS = f"{DG}in-transit-encryption.html"
PARAMETER_GROUP = "AWS::ElastiCache::ParameterGroup"
USERS, USER = "AWS::ElastiCache::UserGroup", "AWS::ElastiCache::User"
CACHES = (GROUP, "AWS::ElastiCache::CacheCluster")


def family(engine: str, version: str | None) -> str | None:
    """A pattern for the families that fit; None for an engine of another kind."""
    major, minor = ([*re.findall(r"\d+", version or ""), "", ""])[:2]
    if engine == "valkey":
        return rf"valkey{major}" if major else r"valkey\d+"
    if engine == "redis" and not major:
        return r"redis.+"
    if engine == "redis":
        return {"6": r"redis6\.x"}.get(major, "redis7" if int(major) >= 7 else rf"redis{major}\.{minor}")
    return rf"memcached{major}\.{minor}" if engine == "memcached" and minor else None


@rule(
    "E9452",
    cause="cache {cache} runs {engine} {version}, and its parameter group {group} is of the family {family}",
    remedy="give the group the family of that engine and version, or the cache the version",
    sources=(PARAMETERS,),
)
def a_cache_parameter_group_of_another_version(site: Site) -> Iterator[Finding]:
    for cache in site.all(*CACHES):
        group = site.target(site.get(cache, "CacheParameterGroupName"), PARAMETER_GROUP)
        written = site.get(cache, "Engine")
        engine = "redis" if written is None and cache.kind == GROUP else written
        if group is None or not isinstance(engine, str):
            continue
        version = word(site, cache, "EngineVersion")
        of, fits = word(site, group, "CacheParameterGroupFamily"), family(engine.lower(), version)
        if of is not None and fits is not None and not re.fullmatch(fits, of):
            told = {"engine": engine, "version": version or "of any version"}
            yield found(cache, "CacheParameterGroupName", cache=cache, group=group, family=of, **told)


POLICIES = frozenset({"volatile-lru", "allkeys-lru", "volatile-lfu", "allkeys-lfu", "volatile-random"})
POLICIES |= {"allkeys-random", "volatile-ttl", "noeviction"}


@rule(
    "E9453",
    cause="{group} sets {name} to {value}, which the engine does not know",
    remedy="set maxmemory-policy to one of allkeys-lru, allkeys-lfu, allkeys-random, volatile-lru, "
    "volatile-lfu, volatile-random, volatile-ttl and noeviction",
    sources=(PARAMETERS,),
)
def an_eviction_policy_that_there_is_not(site: Site) -> Iterator[Finding]:
    for group in site.all(PARAMETER_GROUP):
        told = site.get(group, "Properties")
        for name, value in (told if isinstance(told, dict) else {}).items():
            meant = name.replace("_", "-").lower() == "maxmemory-policy"
            if meant and isinstance(value, str) and (name != "maxmemory-policy" or value not in POLICIES):
                yield found(group, "Properties", name, group=group, name=name, value=value)


@rule(
    "W9425",
    cause="{group} lets {policy} decide when {cache} is full: {alarm} waits for evictions {why}",
    remedy="set maxmemory-policy: allkeys-lru, which sheds what was least used lately",
    sources=(PARAMETERS, f"{DG}CacheMetrics.Redis.html"),
    demanding=True,
)
def a_full_cache_that_refuses_writes(site: Site) -> Iterator[Finding]:
    """Only where somebody expects evictions: a queue in Redis may well refuse rather than forget."""
    for cache in site.all(*CACHES):
        group = site.target(site.get(cache, "CacheParameterGroupName"), PARAMETER_GROUP)
        if group is None:
            continue
        chosen = word(site, group, "Properties", "maxmemory-policy")
        alarm = _expects_evictions(site, cache)
        if alarm is None or chosen not in POLICIES or chosen.startswith("allkeys-"):
            continue
        if chosen != "noeviction" and not declared(site, cache):
            continue
        why = (
            "that never come, and writes fail instead"
            if chosen == "noeviction"
            else "that come only for keys with an expiry"
        )
        parts = {"group": group, "policy": chosen, "cache": cache, "alarm": alarm, "why": why}
        yield found(group, "Properties", "maxmemory-policy", **parts)


def _expects_evictions(site: Site, cache: Resource) -> Resource | None:
    for use in site.uses(cache, "AWS::CloudWatch::Alarm"):
        if site.get(use.user, "MetricName") == "Evictions":
            return use.user
    return None


@rule(
    "E9454",
    cause="{what} is of the engine {engine}, and {member} of {other}",
    remedy="give both one engine; valkey takes users and groups of redis too, redis none of valkey",
    sources=(RBAC,),
)
def users_of_another_engine(site: Site) -> Iterator[Finding]:
    for cache in site.all(GROUP):
        engine = (
            word(site, cache, "Engine") or ("redis" if "Engine" not in cache.properties else "")
        ).lower()
        for value in site.items(cache, "UserGroupIds"):
            group = site.target(value, USERS)
            of = (word(site, group, "Engine") or "").lower() if group else ""
            if group is not None and engine == "redis" and of == "valkey":
                yield found(cache, "UserGroupIds", what=cache, engine=engine, member=group, other=of)
    for group in site.all(USERS):
        engine = (word(site, group, "Engine") or "").lower()
        for value in members(site.get(group, "UserIds")):
            user = site.target(value, USER)
            of = (word(site, user, "Engine") or "").lower() if user else ""
            if user is not None and engine == "redis" and of == "valkey":
                yield found(group, "UserIds", what=group, engine=engine, member=user, other=of)


@rule(
    "W9426",
    cause="{what} is of valkey, and {member} of redis: one engine is meant and another written",
    remedy="give the users and their group the engine of the cache",
    sources=(RBAC,),
    demanding=True,
)
def users_that_name_the_earlier_engine(site: Site) -> Iterator[Finding]:
    """Valkey takes users of redis, for those who upgrade; a tree that mixes both made a slip."""
    pairs = [(cache, "UserGroupIds", USERS) for cache in site.all(GROUP)]
    pairs += [(group, "UserIds", USER) for group in site.all(USERS)]
    for one, name, kind in pairs:
        if (word(site, one, "Engine") or "").lower() != "valkey":
            continue
        for value in site.items(one, name):
            member = site.target(value, kind)
            if member is not None and (word(site, member, "Engine") or "").lower() == "redis":
                yield found(one, name, what=one, member=member)


@rule(
    "E9456",
    cause="cache {cache} takes connections without TLS{why}",
    remedy="set TransitEncryptionEnabled: true and TransitEncryptionMode: required",
    sources=(TLS, RBAC, "https://docs.aws.amazon.com/securityhub/latest/userguide/elasticache-controls.html"),
    by_default=True,
)
def a_cache_without_tls(site: Site) -> Iterator[Finding]:
    for cache in site.all(GROUP):
        if off(site, cache, "TransitEncryptionEnabled"):
            needs = [name for name in ("UserGroupIds", "AuthToken") if site.items(cache, name)]
            why = f", and {needs[0]} needs it" if needs else ""
            yield found(cache, "TransitEncryptionEnabled", cache=cache, why=why)


@rule(
    "W9427",
    cause="cache {cache} prefers TLS and takes plain text too",
    remedy="set TransitEncryptionMode: required once every client speaks TLS",
    sources=(TLS,),
    demanding=True,
)
def a_cache_that_takes_plain_text_too(site: Site) -> Iterator[Finding]:
    for cache in site.all(GROUP):
        if word(site, cache, "TransitEncryptionMode") == "preferred":
            yield found(cache, "TransitEncryptionMode", cache=cache)


@rule(
    "W9428",
    cause="cache {cache} asks nobody who they are: it has neither users nor a token",
    remedy="set UserGroupIds to a user group",
    sources=(RBAC, "https://docs.aws.amazon.com/securityhub/latest/userguide/elasticache-controls.html"),
    demanding=True,
)
def a_cache_that_asks_nobody(site: Site) -> Iterator[Finding]:
    for cache in site.all(GROUP):
        none = site.get(cache, "UserGroupIds") in (None, []) and site.get(cache, "AuthToken") is None
        if none and (flag(site, cache, "TransitEncryptionEnabled") or any(site.all(USERS))):
            yield found(cache, "UserGroupIds", cache=cache)


@rule(
    "E9457",
    cause="cache {cache} has both AuthToken and UserGroupIds, of which it takes one",
    remedy="leave AuthToken out",
    sources=(CREATE,),
)
def a_token_beside_users(site: Site) -> Iterator[Finding]:
    for cache in site.all(GROUP):
        if site.items(cache, "UserGroupIds") and site.get(cache, "AuthToken") is not None:
            yield found(cache, "AuthToken", cache=cache)
