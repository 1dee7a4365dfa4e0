"""What a user of a cache may do there."""

from collections.abc import Iterator

from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.values import known

USER = "AWS::ElastiCache::User"
EVERYTHING = frozenset({"+@all", "allcommands"})
# Either category holds FLUSHALL or CONFIG, and taking it away keeps them from a user.
KEPT = ("-@dangerous", "-@admin")


@rule(
    "W9217",
    cause="user {user} of a cache may give every command, also those that empty and reconfigure it",
    remedy="name the categories that it needs, such as +@read +@write, or take -@dangerous from +@all",
    sources=(
        "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html",
        "https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/",
    ),
    demanding=True,
)
def a_user_of_a_cache_that_may_do_everything(site: Site) -> Iterator[Finding]:
    for user in site.all(USER):
        access = site.get(user, "AccessString")
        words = str(access).split() if known(access) else []
        if "on" in words and EVERYTHING.intersection(words) and not any(kept in words for kept in KEPT):
            yield found(user, "AccessString", user=user)
