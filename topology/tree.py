"""Emitted templates as one tree: a root, all that it nests, and every resource under its address.

For the templates of any team: nothing here knows a stack by name. A nested stack is followed where its
TemplateURL is a file beside its parent; one that was uploaded stays a resource like others.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from topology.yaml_template import LOOP, BadTemplate, Lines, read

NESTED = "AWS::CloudFormation::Stack"

Reader = Callable[[Path], tuple[dict[str, Any], Lines]]  # as `read`, and with its exception


@dataclass(frozen=True)
class Resource:
    """One resource of one stack. Values are as the template has them, long functions and all."""

    address: str  # the logical ids that lead to it: Processor/TaskRole
    kind: str  # AWS::IAM::Role
    body: Mapping[str, Any] = field(repr=False, hash=False)
    file: Path = field(repr=False)
    line: int = field(repr=False)

    @property
    def name(self) -> str:
        """The logical id."""
        return self.address.rpartition("/")[2]

    @property
    def stack(self) -> str:
        """The address of the stack that holds it; the root's is empty."""
        return self.address.rpartition("/")[0]

    @property
    def properties(self) -> Mapping[str, Any]:
        return self.body.get("Properties") or {}

    def __str__(self) -> str:
        return self.address


@dataclass(frozen=True)
class Stack:
    """One template where it is nested: the same file nested twice is two stacks."""

    address: str
    file: Path
    body: Mapping[str, Any] = field(repr=False, hash=False)
    lines: Lines = field(repr=False, hash=False)
    parent: str | None = None  # the address of the stack that nests it; its arguments are meant there
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)

    @property
    def parameters(self) -> Mapping[str, Mapping[str, Any]]:
        return self.body.get("Parameters") or {}

    @property
    def outputs(self) -> Mapping[str, Any]:
        """Name → value."""
        found = (self.body.get("Outputs") or {}).items()
        return {
            name: output["Value"]
            for name, output in found
            if isinstance(output, Mapping) and "Value" in output
        }

    @cached_property
    def resources(self) -> Mapping[str, Resource]:
        """Logical id → resource, in the template's order."""
        return {
            name: Resource(
                address=under(self.address, name),
                kind=resource["Type"],
                body=resource,
                file=self.file,
                line=self.lines.get(("Resources", name), 1),
            )
            for name, resource in self.body["Resources"].items()
            if not name.startswith(LOOP)
        }

    def line(self, *path: str | int) -> int:
        """Where a value of this template begins: line("Resources", "TaskRole", "Properties")."""
        return self.lines.get(path, 1)

    def nearest(self, *path: str | int) -> int:
        """Where that value, or the innermost that there is around it, begins."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


@dataclass(frozen=True)
class Tree:
    """Address → stack, the root first, parents before what they nest."""

    stacks: Mapping[str, Stack] = field(repr=False)
    top: str  # the root's address

    @property
    def root(self) -> Stack:
        return self.stacks[self.top]

    def resources(self, *kinds: str) -> Iterator[Resource]:
        """Every resource, or those of the given types, stack by stack."""
        for stack in self.stacks.values():
            for resource in stack.resources.values():
                if not kinds or resource.kind in kinds:
                    yield resource

    def resource(self, address: str) -> Resource:
        """Raises KeyError with the nearest that there is."""
        stack, _, name = address.rpartition("/")
        if stack not in self.stacks or name not in self.stacks[stack].resources:
            have = sorted(self.stacks[stack].resources) if stack in self.stacks else sorted(self.stacks)
            raise KeyError(f"{address}: no such resource; {stack or 'the root'} has {', '.join(have)}")
        return self.stacks[stack].resources[name]


def load(file: Path, address: str = "", reader: Reader = read) -> Tree:
    """The tree under a root template. `address` is the root's own, for a stack that stands apart from others.

    Raises BadTemplate.
    """
    stacks: dict[str, Stack] = {}
    body, lines = reader(file)
    _nest(stacks, Stack(address, file, body, lines), (), reader)
    return Tree(stacks, address)


def _nest(stacks: dict[str, Stack], stack: Stack, parents: tuple[Path, ...], reader: Reader) -> None:
    if stack.file in parents:
        raise BadTemplate(f"{stack.file}: nests itself through {' → '.join(map(str, parents))}")
    stacks[stack.address] = stack
    for name, resource in stack.resources.items():
        child = local_template(resource)
        if child is not None:
            given = resource.properties.get("Parameters") or {}
            nested = Stack(under(stack.address, name), child, *reader(child), stack.address, given)
            _nest(stacks, nested, (*parents, stack.file), reader)


def local_template(resource: Resource) -> Path | None:
    """The file that a nested stack is made of; None where it lies elsewhere, or for any other resource."""
    url = resource.properties.get("TemplateURL")
    if resource.kind != NESTED or not isinstance(url, str) or "://" in url:
        return None
    return resource.file.parent / url


def under(address: str, name: str) -> str:
    return f"{address}/{name}" if address else name


def together(first: Tree, *others: Tree) -> Tree:
    """Trees that are deployed apart, in one account, as one; each but the first must have an address.

    Raises ValueError where two of them use one address.
    """
    stacks = dict(first.stacks)
    for other in others:
        if twice := stacks.keys() & other.stacks.keys():
            raise ValueError(
                f"two trees stand at {', '.join(sorted(twice)) or 'the root'}: load one elsewhere"
            )
        stacks |= other.stacks
    return Tree(stacks, first.top)


def load_directory(directory: Path) -> Tree:
    """All templates of one environment as one tree.

    Whatever no other template nests is a root. The one that nests keeps the empty address; those that stand
    apart from it are found under their file's name: bootstrap.yaml at Bootstrap.
    Raises BadTemplate, also where several roots nest others, since then neither is the one.
    """
    trees = {file: load(file) for file in sorted(directory.glob("*.yaml"))}
    nested = {
        stack.file.resolve()
        for tree in trees.values()
        for stack in tree.stacks.values()
        if stack.parent is not None
    }
    roots = [file for file in trees if file.resolve() not in nested]
    parents = [file for file in roots if len(trees[file].stacks) > 1] or roots
    if len(parents) != 1:
        names = ", ".join(file.name for file in parents) or "no template"
        raise BadTemplate(f"{directory}: needs one root, and has {names}; load each file apart")
    apart = [load(file, _title(file)) for file in roots if file not in parents]
    return together(trees[parents[0]], *apart)


def _title(file: Path) -> str:
    return "".join(map(str.capitalize, file.stem.split("_")))
