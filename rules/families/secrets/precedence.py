"""What surely stands before a resource is made: what it refers to, what it depends on, and so on.

CloudFormation makes the rest in any order, at the same time. A nested stack begins when all that its own
resource refers to is done, and counts as done when everything in it is.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-dependson.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from topology.resolution import SUBSTITUTED
from topology.tree import Resource, Stack, Tree


def before(tree: Tree, resource: Resource) -> frozenset[str]:
    """Addresses of all that is made before it, in any stack."""
    found: set[str] = set()
    waiting = [resource.address]
    while waiting:
        for address in _directly(tree, waiting.pop()):
            if address not in found:
                found.add(address)
                waiting.append(address)
    return frozenset(found)


def _directly(tree: Tree, address: str) -> Iterator[str]:
    parent, _, name = address.rpartition("/")
    stack = tree.stacks.get(parent)
    if stack is None or name not in stack.resources:
        return
    for named in set(_named(stack, stack.resources[name])):
        one = stack.resources[named].address
        yield one
        yield from _within(tree, one)
    if parent:  # whatever the nested stack waits for, all in it waits for
        yield from _directly(tree, parent)


def _within(tree: Tree, address: str) -> Iterator[str]:
    """Everything in a nested stack, however deep."""
    for held in tree.stacks:
        if held and (held == address or held.startswith(f"{address}/")):
            yield from (one.address for one in tree.stacks[held].resources.values())


def _named(stack: Stack, resource: Resource) -> Iterator[str]:
    """Logical ids in the same template that a resource names."""
    depends = resource.body.get("DependsOn") or []
    for name in [depends] if isinstance(depends, str) else depends:
        if name in stack.resources:
            yield name
    for name in _references(resource.properties):
        if name in stack.resources and name != resource.name:
            yield name


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _references(item)
    elif isinstance(node, Mapping):
        for key, item in node.items():
            if key == "Ref" and isinstance(item, str):
                yield item
            elif key == "Fn::GetAtt":
                yield str(item[0] if isinstance(item, list) and item else item).partition(".")[0]
            elif key == "Fn::Sub":
                text = item[0] if isinstance(item, list) and item else item
                yield from (found[1].strip().partition(".")[0] for found in SUBSTITUTED.finditer(str(text)))
                yield from _references(item[1:] if isinstance(item, list) else [])
            else:
                yield from _references(item)
