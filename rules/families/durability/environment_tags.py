"""One tree is of one environment: what is tagged with another is judged, billed and found as that one."""

from collections import Counter
from collections.abc import Iterator

from rules.seam.durable import LASTING, PASSING, environments_of
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource


def _told(site: Site) -> Iterator[tuple[Resource, str]]:
    for resource in site.tree.resources():
        for name in environments_of(site.get(resource, "Tags")):
            if name.lower() in LASTING | PASSING:
                yield resource, name
                break


@rule(
    "W9493",
    cause="{what} is tagged {name}, and the rest of its tree {most}",
    remedy="tag it as the rest: what demands durability, and what a policy or a bill picks, goes by that tag",
    sources=(
        "https://docs.aws.amazon.com/whitepapers/latest/tagging-best-practices/tagging-best-practices.html",
    ),
)
def a_tag_of_another_environment(site: Site) -> Iterator[Finding]:
    told = list(_told(site))
    counted = Counter(name.lower() for _, name in told)
    if len(counted) < 2:
        return
    (most, count), (_, next_most) = counted.most_common(2)
    if count == next_most:
        return
    for resource, name in told:
        if name.lower() != most:
            yield found(resource, "Tags", what=resource, name=name, most=most)
