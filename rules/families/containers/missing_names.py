"""Workloads that name what their templates do not have: nothing of them can be deployed."""

import re
from collections.abc import Iterator

from rules.families.containers.repositories import REPOSITORY
from rules.families.containers.scaled import POLICY, TARGET
from rules.families.containers.workloads import CLUSTER, FUNCTION, SERVICE, TASK
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Unknown, leaves

# What the resolver says where a name leads nowhere, and the section in which the name would stand.
NOWHERE = (
    (re.compile(r"(\w+) is neither a resource nor a parameter of "), "Resources"),
    (re.compile(r" has no resource (\w+)$"), "Resources"),
    (re.compile(r" has no output (\w+);"), "Outputs"),
)


@rule(
    "E9547",
    cause="{workload} refers to {name}, which is not there",
    remedy="name what the template has, or bring it back",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-ref.html",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-getatt.html",
    ),
)
def a_workload_of_what_is_missing(site: Site) -> Iterator[Finding]:
    for workload in site.all(TASK, SERVICE, CLUSTER, FUNCTION, TARGET, POLICY, REPOSITORY):
        for property, value in site.properties(workload).items():
            for leaf in dict.fromkeys(leaves(value)):
                name = _missing(site, workload, leaf.why) if isinstance(leaf, Unknown) else None
                if name is not None:
                    yield found(workload, property, workload=workload, name=name)


def _missing(site: Site, workload: Resource, why: str) -> str | None:
    """The name that leads nowhere, unless a condition or a macro may yet make what it names."""
    stacks = site.tree.stacks.values()
    if any("Transform" in stack.body for stack in stacks):
        return None
    for pattern, section in NOWHERE:
        named = pattern.search(why)
        if named and not any((section, named[1]) in stack.lines for stack in stacks):
            return named[1]
    return None
