"""Nested stacks that change only because the preview cannot know a sibling's outputs yet.

CloudFormation previews a parameter that is wired from another nested stack as unknown, and so calls
everything that uses it modified (cloudformation-coverage-roadmap #759). Where the nested stack's own
template, tags and literal parameters are those that are deployed, nothing of that is certain.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deployer import templates
from deployer.changes import StackPlan
from deployer.templates import Tree

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

SUBSTITUTED = re.compile(r"\$\{([^!.}]+)[^}]*\}")


@dataclass(frozen=True)
class Comparison:
    """The root's template as it is deployed and as it is planned, and the parameters that differ."""

    deployed: Tree
    planned: Tree
    changed: frozenset[str]

    @property
    def identical(self) -> bool:
        """Nothing was asked for: artefacts are named by content, so equal roots are equal throughout."""
        return self.deployed == self.planned and not self.changed

    @property
    def only_wired(self) -> frozenset[str]:
        """The nested stacks that are declared as they are deployed, and use no changed parameter."""
        before = templates.resources(self.deployed)
        return frozenset(
            title
            for title, resource in templates.resources(self.planned).items()
            if resource["Type"] == templates.NESTED
            and title in before
            and before[title].get("Properties") == resource.get("Properties")
            and not self.changed & set(_references(resource.get("Properties")))
        )

    def label(self, stacks: StackPlan) -> StackPlan:
        """The same plan, the untold changes of such nested stacks marked as not certain."""
        quiet = self.only_wired
        children = (_uncertain(child) if child.name in quiet else child for child in stacks.children)
        return replace(stacks, children=tuple(children))


def compare(
    cloudformation: "CloudFormationClient",
    stacks: StackPlan,
    deployed_parameters: Mapping[str, str],
    planned_parameters: Mapping[str, str],
) -> Comparison:
    """Ask for both templates. A parameter that keeps its value is not among the planned ones."""
    changed = (name for name, value in planned_parameters.items() if deployed_parameters.get(name) != value)
    return Comparison(
        deployed=templates.fetched(cloudformation, stacks.stack_id),
        planned=templates.fetched(cloudformation, stacks.stack_id, stacks.change_set_id),
        changed=frozenset(changed),
    )


def _references(node: object) -> Iterator[str]:
    """Whatever `Ref` and `Fn::Sub` name."""
    if isinstance(node, list):
        for part in node:
            yield from _references(part)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "Ref":
                yield value
            elif key == "Fn::Sub":
                yield from SUBSTITUTED.findall(value if isinstance(value, str) else value[0])
            yield from _references(value)


def _uncertain(stack: StackPlan) -> StackPlan:
    """A value that was told differs for certain; one that was not comes from a sibling."""
    changes = (
        replace(
            change,
            properties=tuple(
                replace(found, dynamic=True) if found.after is None else found for found in change.properties
            ),
        )
        for change in stack.changes
    )
    return replace(
        stack, changes=tuple(changes), children=tuple(_uncertain(child) for child in stack.children)
    )
