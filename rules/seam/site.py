"""One tree as rules ask about it: resolved values, what refers to what, policies, reach.

Nothing here raises for what cannot be followed. It is an `Unknown` (or, where a deployment decides it, a
`Given`), and a rule that needs it says nothing.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from rules.seam.durable import durable
from topology.policies import Policy, UnknownPolicy, policies_of
from topology.reach import Reach, reach
from topology.rendering import NoForm, Renderer
from topology.resolution import Resolver, Unresolvable
from topology.tree import NESTED, Resource, Tree
from topology.values import Given, Reference, Unknown, Value, references


@dataclass(frozen=True)
class Use:
    """One resource that names another."""

    user: Resource
    property: str
    reference: Reference


class Patient(Renderer):
    """Writes what has no form as CloudFormation does: `${Stack/Resource.Attribute}`, or `${?}`.

    Such text compares equal to itself alone, and never matches an ARN.
    """

    def text(self, value: Value) -> str:
        try:
            return super().text(value)
        except (NoForm, Unresolvable):
            return str(value)


class Site:
    """A tree, in one of its scenarios: no `Fn::If` and no `Condition` is left in it."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.resolver = Resolver(tree, patient=True)
        self.renderer = Patient(tree, resolver=self.resolver)
        self._properties: dict[str, dict[str, Value]] = {}

    @cached_property
    def _kinds(self) -> Mapping[str, tuple[Resource, ...]]:
        found: dict[str, list[Resource]] = defaultdict(list)
        for resource in self.tree.resources():
            found[resource.kind].append(resource)
        return {kind: tuple(resources) for kind, resources in found.items()}

    def all(self, *kinds: str) -> Iterator[Resource]:
        """Every resource of these types, in any stack."""
        for kind in kinds:
            yield from self._kinds.get(kind, ())

    def properties(self, resource: Resource) -> dict[str, Value]:
        """All properties, resolved."""
        if resource.address not in self._properties:
            self._properties[resource.address] = self.resolver.properties(resource)
        return self._properties[resource.address]

    def get(self, resource: Resource, *path: str | int) -> Value:
        """One property, or what lies in it; None where it is left out, Unknown where none can tell."""
        value: Value = self.properties(resource)
        for step in path:
            if isinstance(value, dict) and isinstance(step, str):
                value = value.get(step)
            elif isinstance(value, list) and isinstance(step, int):
                value = value[step] if step < len(value) else None
            elif isinstance(value, Given | Unknown):
                return Unknown(f"{resource.address}.{step}: lies in what only a deployment knows")
            else:
                return None
        return value

    def items(self, resource: Resource, *path: str | int) -> list[Value]:
        """A list; a value alone as a list of one, as many properties take it; nothing where there is none."""
        value = self.get(resource, *path)
        return value if isinstance(value, list) else [] if value is None else [value]

    def target(self, value: Value, *kinds: str) -> Resource | None:
        """The resource that a value refers to, of one of these types if any are given."""
        if isinstance(value, Reference) and (not kinds or value.resource.kind in kinds):
            return value.resource
        return None

    def named(self, kind: str, property: str, name: Value) -> Resource | None:
        """The resource whose own property fixes a name that others write as text: a log group, a cluster."""
        if name is None or isinstance(name, Unknown):
            return None
        return next((one for one in self.all(kind) if self.get(one, property) == name), None)

    @cached_property
    def _uses(self) -> Mapping[str, tuple[Use, ...]]:
        found: dict[str, list[Use]] = defaultdict(list)
        for resource in self.tree.resources():
            if resource.kind != NESTED:  # what a parent hands down is used by what takes it
                for name, value in self.properties(resource).items():
                    for reference in dict.fromkeys(references(value)):
                        found[reference.resource.address].append(Use(resource, name, reference))
        return {address: tuple(uses) for address, uses in found.items()}

    def uses(self, resource: Resource, *kinds: str) -> tuple[Use, ...]:
        """What names a resource, of these types if any are given; through the wiring, at any depth."""
        found = self._uses.get(resource.address, ())
        return tuple(use for use in found if not kinds or use.user.kind in kinds)

    @cached_property
    def _policies(self) -> tuple[tuple[Policy, ...], Mapping[str, str]]:
        read: list[Policy] = []
        unread: dict[str, str] = {}
        for resource in self.tree.resources():
            try:
                read += policies_of(self.tree, resource, self.renderer)
            except (UnknownPolicy, NoForm, Unresolvable) as error:
                unread[resource.address] = str(error)
        return tuple(read), unread

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Every policy of which the form is known. Its documents hold `${…}` where a value is not."""
        return self._policies[0]

    @property
    def unread_policies(self) -> Mapping[str, str]:
        """Address of a resource whose policies could not be read → why. Conclude nothing from its silence."""
        return self._policies[1]

    @cached_property
    def reach(self) -> Reach:
        """Groups, rules and routes. Rules of groups that stand elsewhere are left out."""
        return reach(self.tree, self.renderer)

    @cached_property
    def says_its_environment(self) -> bool:
        """Whether anything tells what environment this is: a sample or a library's module does not."""
        return durable(self.tree, None, self._tags) is not None

    @cached_property
    def _tags(self) -> list[Value]:
        """Of all that has some."""
        return [tags for one in self.tree.resources() if (tags := self.get(one, "Tags")) is not None]

    def durable(self, resource: Resource) -> bool | None:
        """Whether its environment demands that data outlive mistakes; None where nothing says so."""
        return durable(self.tree, self.get(resource, "Tags"), self._tags)
