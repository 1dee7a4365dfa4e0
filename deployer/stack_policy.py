"""Stack policies: no update replaces or deletes what holds data, unless that very loss was accepted.

A policy is a stack's own: a root's says nothing of what its nested stacks hold
(https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1512), a nested stack's
nothing of its own removal from its parent. No change set carries one
(https://github.com/aws/aws-cli/issues/4329); it can be overwritten, never removed:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/protect-stack-resources.html
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deployer import templates
from deployer.acceptance import Path
from deployer.holding import HOLDING_DATA
from deployer.stack import resources
from deployer.templates import NESTED, Tree

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

Policy = dict[str, Any]
ALLOW = {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"}


@dataclass(frozen=True)
class Deployed:
    """A stack that stands, its template, and its nested stacks that stand."""

    path: Path
    stack_id: str
    tree: Tree
    children: tuple["Deployed", ...] = ()


def policies(
    root: Deployed, planned: Mapping[Path, Tree], released: Collection[Path] = ()
) -> Iterator[tuple[str, Policy]]:
    """Each stack's id and the policy that it should have: of these three arguments, and nothing else.

    `planned` counts as well, so that what an operation adds is protected even if nobody comes back after it.
    """
    held = [path for path in _data(root, planned) if path not in released]
    yield root.stack_id, policy(held, [child.path for child in root.children if _holds(child, released)])
    for child in root.children:
        yield from policies(child, planned, released)


def policy(held: Collection[Path], containers: Collection[Path]) -> Policy:
    """`held` are one stack's resources that hold data, `containers` its nested stacks that do."""
    statements = []
    for paths, actions in (
        (held, ["Update:Replace", "Update:Delete"]),
        (containers, ["Update:Delete"]),
    ):
        if paths:
            names = sorted({path[-1] for path in paths})
            resources = [f"LogicalResourceId/{name}" for name in names]
            statements.append({"Effect": "Deny", "Principal": "*", "Action": actions, "Resource": resources})
    return {"Statement": [*statements, ALLOW]}


def deployed(
    cloudformation: "CloudFormationClient",
    stack_id: str,
    path: Path = (),
    known: Mapping[Path, Tree] | None = None,
) -> Deployed:
    """Asks each stack for what it nests, and for its template unless it is known by its path already."""
    known = known or {}
    nested = {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for resource in resources(cloudformation, stack_id)
        if resource["ResourceType"] == NESTED and resource.get("PhysicalResourceId")
    }
    return Deployed(
        path=path,
        stack_id=stack_id,
        tree=known[path] if path in known else templates.fetched(cloudformation, stack_id),
        children=tuple(
            deployed(cloudformation, child, (*path, name), known) for name, child in nested.items()
        ),
    )


def put(
    cloudformation: "CloudFormationClient",
    root: Deployed,
    planned: Mapping[Path, Tree],
    released: Collection[Path] = (),
) -> None:
    """Set each policy that is another than it should be."""
    for stack_id, wanted in policies(root, planned, released):
        body = cloudformation.get_stack_policy(StackName=stack_id).get("StackPolicyBody")
        # A stack without a policy allows everything already.
        if (json.loads(body) if body else {"Statement": [ALLOW]}) != wanted:
            cloudformation.set_stack_policy(StackName=stack_id, StackPolicyBody=json.dumps(wanted))


def _data(stack: Deployed, planned: Mapping[Path, Tree]) -> Iterator[Path]:
    for tree in (stack.tree, planned.get(stack.path)):
        if tree is not None:
            for name, resource in templates.resources(tree).items():
                if resource["Type"] in HOLDING_DATA:
                    yield (*stack.path, name)


def _holds(stack: Deployed, released: Collection[Path]) -> bool:
    """Whether anything that holds data, here or below, may not go."""
    return any(path not in released for path in _data(stack, {})) or any(
        _holds(child, released) for child in stack.children
    )
