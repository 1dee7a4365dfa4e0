"""What could not be judged, for whoever wants to know: silent unless asked with -x W9000:unresolved=true"""

from collections.abc import Iterator

from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import NESTED
from topology.values import Given, Unknown, leaves


@rule(
    "W9000",
    cause="{what}, so rules that need it say nothing",
    remedy="lint it with the root that nests it, or give the value where the template can be followed",
    sources=("https://github.com/aws-cloudformation/cfn-lint/blob/main/docs/rules.md",),
    only_if="unresolved",
)
def a_value_that_nobody_can_follow(site: Site) -> Iterator[Finding]:
    for resource in site.tree.resources():
        if resource.kind == NESTED:
            continue
        for name, value in site.properties(resource).items():
            for leaf in dict.fromkeys(leaves(value)):
                if isinstance(leaf, Unknown):
                    yield found(resource, name, what=leaf.why)
                elif isinstance(leaf, Given) and leaf.name in site.tree.root.parameters:
                    yield found(
                        resource, name, what=f"{resource}.{name}: only a deployment knows {leaf.name}"
                    )
    for address, why in site.unread_policies.items():
        yield found(site.tree.resource(address), what=why)
