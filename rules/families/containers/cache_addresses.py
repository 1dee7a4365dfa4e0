"""Addresses of caches: whether they ask for TLS where the cache demands it, and only there."""

from collections.abc import Iterator

from rules.families.containers.named_settings import settings
from rules.seam.rule import Finding, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Text, known

TLS = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/in-transit-encryption.html"
CACHES = ("AWS::ElastiCache::ReplicationGroup", "AWS::ElastiCache::ServerlessCache")
PLAIN, SECURE = ("redis://", "valkey://"), ("rediss://", "valkeys://")


def _encrypts(site: Site, cache: Resource) -> bool | None:
    """Whether it takes connections by TLS alone (True) or in clear alone (False)."""
    if cache.kind == CACHES[1]:
        return True
    said = site.get(cache, "TransitEncryptionEnabled")
    if not known(said) or site.get(cache, "TransitEncryptionMode") not in (None, "required"):
        return None
    return str(said).lower() == "true"


@rule(
    "E9597",
    cause="{workload} is told {setting}: {scheme}…, and {cache} {takes}",
    remedy="write rediss:// for a cache with TransitEncryptionEnabled, and encrypt the one without",
    sources=(TLS,),
)
def an_address_without_the_tls_of_its_cache(site: Site) -> Iterator[Finding]:
    for listed in settings(site):
        for setting in listed:
            value = setting.value
            first = value.parts[0] if isinstance(value, Text) else None
            scheme = next((one for one in (*PLAIN, *SECURE) if str(first).startswith(one)), None)
            parts = value.parts if isinstance(value, Text) else ()
            caches = {one.resource for one in parts if isinstance(one, Reference)} if scheme else set()
            for cache in caches:
                takes = _encrypts(site, cache) if cache.kind in CACHES else None
                if takes is not None and takes != (scheme in SECURE):
                    why = "takes connections by TLS alone" if takes else "speaks no TLS"
                    yield setting.found(scheme=scheme, cache=cache, takes=why)
