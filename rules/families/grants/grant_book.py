"""All statements of a site in one book: who may do what, by which policy, as far as templates say."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from rules.families.grants.aws_managed import ALLOWED
from rules.families.grants.grant_conditions import Holds, Request, conditions, holds
from rules.families.grants.grant_texts import ANY, Wording, may, must, pattern
from rules.seam.site import Site
from topology.policies import MANAGED_BY_AWS, Kind, Policy, Statement
from topology.tree import Resource
from topology.values import Reference, Value

ROLE = "AWS::IAM::Role"
MANAGED = "AWS::IAM::ManagedPolicy"


@dataclass(frozen=True)
class Line:
    """One statement, its parts as text: actions in lower case, resources with what is unknown marked."""

    policy: Policy
    statement: Statement
    position: int
    actions: tuple[str, ...]
    but_actions: tuple[str, ...]
    resources: tuple[str, ...]
    but_resources: tuple[str, ...]
    principals: tuple[tuple[str, str], ...]
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...] = field(hash=False)

    @property
    def allows(self) -> bool:
        return self.statement.allows

    @property
    def path(self) -> tuple[str | int, ...]:
        """Where it stands within its resource's properties."""
        below = self.statement.where[len(self.policy.resource.address) + 1 :]
        return tuple(int(step) if step.isdigit() else step for step in below.split("."))

    def covers(self, action: str) -> bool:
        """Whether the action may be among its own."""
        if self.but_actions:
            return not any(must(one, action) for one in self.but_actions)
        return any(may(one, action) for one in self.actions)

    def surely_covers(self, action: str) -> bool:
        if self.but_actions:
            return not any(may(one, action) for one in self.but_actions)
        return any(must(one, action) for one in self.actions)

    def reaches(self, resource: str) -> bool:
        if self.but_resources:
            return not any(must(one, resource) for one in self.but_resources)
        return any(may(one, resource) for one in self.resources)

    def surely_reaches(self, resource: str) -> bool:
        if self.but_resources:
            return not any(may(one, resource) for one in self.but_resources)
        return any(must(one, resource) for one in self.resources)


class Book:
    """Who may do what."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.wording = Wording(site)
        self.publishers: tuple[object, ...] | None = None  # kept for rules/families/grants/publishers.py

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        return tuple(
            self._line(policy, statement, position)
            for policy in self.site.policies
            for position, statement in enumerate(policy.statements)
        )

    def of(self, kind: Kind) -> Iterator[Line]:
        return (line for line in self.lines if line.policy.kind is kind)

    def _line(self, policy: Policy, statement: Statement, position: int) -> Line:
        said = statement.resolved

        def all_of(name: str) -> tuple[str, ...]:
            return tuple(pattern(text) for text in self.texts(said.get(name)))

        resources = all_of("Resource")
        if policy.kind in (Kind.TRUST, Kind.RESOURCE) and not resources and "NotResource" not in said:
            resources = ("*",)
        if policy.resource.kind == "AWS::Lambda::Permission":  # which names its function as it likes
            resources = tuple(map(self.wording.arn, policy.about)) or (ANY,)
        if policy.resource.kind == "AWS::KMS::Key" and resources == ("*",):
            resources = (self.wording.arn(policy.resource),)
        return Line(
            policy,
            statement,
            position,
            tuple(action.lower() for action in all_of("Action")),
            tuple(action.lower() for action in all_of("NotAction")),
            resources,
            all_of("NotResource"),
            tuple(self._principals(said)),
            tuple(conditions(self.wording, said)),
        )

    def texts(self, value: Value) -> tuple[str, ...]:
        """One value or a list of them, as text."""
        if value is None:
            return ()
        return tuple(map(self.wording.text, value if isinstance(value, list) else [value]))

    def _principals(self, said: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
        if "NotPrincipal" in said:
            yield "*", ANY
        principal = said.get("Principal")
        if isinstance(principal, dict):
            for kind, named in principal.items():
                for text in self.texts(named):
                    yield ("*", "*") if (kind, text) == ("AWS", "*") else (kind, text)
        elif principal is not None:
            yield "*", self.wording.text(principal)

    @cached_property
    def _held(self) -> Mapping[str, tuple[Line, ...]]:
        held: dict[str, list[Line]] = defaultdict(list)
        for line in self.of(Kind.IDENTITY):
            for holder in line.policy.about or (line.policy.resource,):
                held[holder.address].append(line)
        return {address: tuple(lines) for address, lines in held.items()}

    def held(self, holder: Resource) -> tuple[Line, ...]:
        """What a role, or a managed policy that no role here takes, says."""
        return self._held.get(holder.address, ())

    @cached_property
    def _guards(self) -> Mapping[str, tuple[Line, ...]]:
        guards: dict[str, list[Line]] = defaultdict(list)
        for line in self.of(Kind.RESOURCE):
            for guarded in line.policy.about:
                guards[guarded.address].append(line)
        return {address: tuple(lines) for address, lines in guards.items()}

    def guards(self, resource: Resource) -> tuple[Line, ...]:
        """The statements of its own policy."""
        return self._guards.get(resource.address, ())

    def managed(self, role: Resource) -> tuple[str, ...]:
        """The policies that it takes and no template here writes: AWS's by name, ANY where unknown."""
        attached = self.site.get(role, "ManagedPolicyArns")
        items = attached if isinstance(attached, list) else [] if attached is None else [attached]
        outside = (one for one in items if not (isinstance(one, Reference) and one.resource.kind == MANAGED))
        return tuple(self._by_name(self.wording.text(one)) for one in outside)

    def _by_name(self, arn: str) -> str:
        return arn.partition(":iam::aws:policy/")[2] or arn.removeprefix(MANAGED_BY_AWS)

    def open_ended(self, holder: Resource) -> bool:
        """Whether it may be allowed what nothing here shows."""
        if holder.kind != ROLE:
            return holder.kind != MANAGED or holder.address in self.site.unread_policies
        return (
            bool(self._unread & {holder.address, ANY})
            or not isinstance(self.site.get(holder, "Policies"), list | None)
            or any(name not in ALLOWED for name in self.managed(holder))
        )

    @cached_property
    def _unread(self) -> frozenset[str]:
        """The roles of which a policy could not be read; ANY where nobody knows whose it is."""
        found = set()
        for address in self.site.unread_policies:
            resource = self.site.tree.resource(address)
            found.add(address)
            if resource.kind in (MANAGED, "AWS::IAM::Policy", "AWS::IAM::RolePolicy"):
                found.add(ANY)
        return frozenset(found)

    def by_aws(self, holder: Resource, action: str) -> bool:
        """Whether a policy of AWS's own, one that is known here, allows an action."""
        known = (one for name in self.managed(holder) for one in ALLOWED.get(name, ()))
        return holder.kind == ROLE and any(must(one, action.lower()) for one in known)

    def allowing(self, lines: tuple[Line, ...], action: str, on: str, request: Request) -> Iterator[Line]:
        """Those that may allow it."""
        action = action.lower()
        for line in lines:
            if line.allows and line.covers(action) and line.reaches(on) and holds(line.conditions, request):
                yield line

    def denying(self, lines: tuple[Line, ...], action: str, on: str, request: Request) -> Iterator[Line]:
        """Those that deny it in every deployment."""
        action = action.lower()
        for line in lines:
            hit = not line.allows and line.surely_covers(action) and line.surely_reaches(on)
            if hit and holds(line.conditions, request) is Holds.YES:
                yield line


def book(site: Site) -> Book:
    """The one of this site, which lives and dies with it."""
    kept = vars(site)
    found = kept.get("_book_of_grants")
    if not isinstance(found, Book):
        found = kept["_book_of_grants"] = Book(site)
    return found
