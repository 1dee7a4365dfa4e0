"""Nested stacks that change only because the preview cannot know a sibling's outputs yet.

CloudFormation previews a parameter that is wired from another nested stack as unknown, and so calls
everything that uses it modified (cloudformation-coverage-roadmap #759). Where the nested stack's own
template, tags and literal parameters are those that are deployed, nothing of that is certain, nor of what
it nests. Where they are not, the stacks that it nests are asked in the same way, with its templates.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from deployer import templates
from deployer.changes import Action, StackPlan
from deployer.templates import Tree

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

SUBSTITUTED = re.compile(r"\$\{([^!.}]+)[^}]*\}")


@dataclass(frozen=True)
class Comparison:
    """A stack's template as it is deployed and as it is planned, and the parameters that differ.

    `below` has the same for each nested stack that itself nests some and is not declared as it was.
    """

    deployed: Tree
    planned: Tree
    changed: frozenset[str]
    below: Mapping[str, "Comparison"] = field(default_factory=dict)

    @property
    def identical(self) -> bool:
        """Nothing was asked for: artefacts are named by content, so equal roots are equal throughout."""
        return self.deployed == self.planned and not self.changed

    @property
    def only_wired(self) -> frozenset[str]:
        """The nested stacks that are declared as they are deployed, and use nothing that changed."""
        before = templates.resources(self.deployed)
        moved = self._moved
        return frozenset(
            title
            for title, resource in templates.resources(self.planned).items()
            if resource["Type"] == templates.NESTED
            and title in before
            and before[title].get("Properties") == resource.get("Properties")
            and not moved & set(_references(resource.get("Properties")))
        )

    def changed_below(self, title: str) -> frozenset[str]:
        """The parameters that a nested stack is certain to get another value for."""
        before, after = (_given(tree, title) for tree in (self.deployed, self.planned))
        moved = self._moved
        return frozenset(
            name
            for name in before.keys() | after.keys()
            if before.get(name) != after.get(name) or moved & set(_references(after.get(name)))
        )

    def label(self, stacks: StackPlan) -> StackPlan:
        """The same plan, the untold changes of such nested stacks marked as not certain."""
        quiet = self.only_wired
        children = []
        for child in stacks.children:
            fed = replace(child, fed_by=self._feeders(child.name))
            if child.name in quiet:
                children.append(_uncertain(fed))
            elif child.name in self.below:
                children.append(self.below[child.name].label(fed))
            else:
                children.append(fed)
        return replace(stacks, children=tuple(children))

    @property
    def _moved(self) -> frozenset[str]:
        """Parameters, conditions and mappings whose meaning changed in this stack."""
        moved = set(self.changed)
        for section in ("Parameters", "Conditions", "Mappings"):
            before, after = self.deployed.get(section, {}), self.planned.get(section, {})
            moved |= {name for name in after if name in before and before[name] != after[name]}
        for name, condition in self.planned.get("Conditions", {}).items():
            if moved & set(_references(condition)):
                moved.add(name)
        return frozenset(moved)

    def _feeders(self, title: str) -> tuple[str, ...]:
        """The nested stacks and resources that this one's parameters come from, in the planned template."""
        used = set(_references(_given(self.planned, title)))
        return tuple(sorted(used & templates.resources(self.planned).keys() - {title}))


def compare(
    cloudformation: "CloudFormationClient",
    stacks: StackPlan,
    deployed_parameters: Mapping[str, str],
    planned_parameters: Mapping[str, str],
) -> Comparison:
    """Ask for both templates of the root and of every stack that nests others and is itself changed.

    A parameter that keeps its value is not among the planned ones.
    """
    changed = (name for name, value in planned_parameters.items() if deployed_parameters.get(name) != value)
    return _compare(cloudformation, stacks, frozenset(changed))


def _compare(
    cloudformation: "CloudFormationClient", stacks: StackPlan, changed: frozenset[str]
) -> Comparison:
    here = Comparison(
        deployed=templates.fetched(cloudformation, stacks.stack_id),
        planned=templates.fetched(cloudformation, stacks.stack_id, stacks.change_set_id),
        changed=changed,
    )
    quiet = here.only_wired
    below = {
        child.name: _compare(cloudformation, child, here.changed_below(child.name))
        for child in stacks.children
        if child.name not in quiet and child.children and _stays(child)
    }
    return replace(here, below=below)


def _stays(child: StackPlan) -> bool:
    """It is deployed and planned, so that there is a template of both."""
    added = child.container is not None and child.container.action is not Action.MODIFY
    return bool(child.stack_id and child.change_set_id) and not added


def _given(tree: Tree, title: str) -> Mapping[str, Any]:
    resource = templates.resources(tree).get(title, {})
    given: Mapping[str, Any] = resource.get("Properties", {}).get("Parameters", {})
    return given


def _references(node: object) -> Iterator[str]:
    """Whatever `Ref`, `Fn::GetAtt`, `Fn::Sub`, `Fn::If`, `Condition` and `Fn::FindInMap` name."""
    if isinstance(node, list):
        for part in node:
            yield from _references(part)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in {"Ref", "Condition"} and isinstance(value, str):
                yield value
            elif key == "Fn::GetAtt":
                yield value.split(".")[0] if isinstance(value, str) else str(value[0])
            elif key in {"Fn::If", "Fn::FindInMap"} and isinstance(value[0], str):
                yield value[0]
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
