"""docs/needs.yaml: who needs which action on which resource, and why."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from topology.rendering import Renderer
from topology.tree import Tree
from topology.values import Reference

ANY = "*"
# Who sets the account up, and has its rights from there: no template here writes that policy.
ADMINISTRATOR = "Administrator"
PACKAGE = re.compile(r"^[a-z_]+$")  # every other party has a capital, a space, a dot or a slash


class BadNeeds(ValueError):
    """{file}: {what is wrong with it}"""


class Need(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Actions of one party on some resources, or managed policies written elsewhere, and why."""

    by: str
    actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()  # service-role/AmazonRDSEnhancedMonitoringRole: a name of AWS's, or an ARN
    why: str = ""
    source: str = ""
    through: str = ""  # kms:ViaService, by its first label: kinesis
    where_there: bool = False  # resources that not every environment has


Needs = Mapping[str, tuple[Need, ...]]  # who holds the policy, or what it guards → needs


@dataclass(frozen=True)
class Wanted:
    """One action on one resource that is needed."""

    holder: str
    need: Need
    action: str
    resource: str  # an ARN, or *


def load(file: Path) -> Needs:
    """Raises BadNeeds."""
    try:
        found = msgspec.yaml.decode(file.read_bytes(), type=dict[str, tuple[Need, ...]])
    except (OSError, msgspec.MsgspecError) as error:
        raise BadNeeds(f"{file}: {error}") from error
    for holder, needs in found.items():
        for need in needs:
            if not PACKAGE.match(need.by) and not need.source.startswith("https://"):
                raise BadNeeds(f"{file}: {holder}: {need.by} is no package here; name the source of its need")
            named = (bool(need.actions), bool(need.resources), bool(need.policies))
            if named not in ((True, True, False), (False, False, True)):
                raise BadNeeds(
                    f"{file}: {holder}: {need.by} needs actions on resources, so name both, or policies alone"
                )
    return found


def wanted(needs: Needs, tree: Tree, renderer: Renderer, environment: str) -> Iterator[Wanted]:
    """Every need that a template here meets, action by action. Raises BadNeeds for an unknown address."""
    for holder, listed in needs.items():
        if holder == ADMINISTRATOR:
            continue
        for need in listed:
            for target in need.resources:
                if need.where_there and not _there(target, tree):
                    continue
                resource = _target(target, tree, renderer, environment)
                for action in need.actions:
                    yield Wanted(holder, need, action, resource)


def _there(named: str, tree: Tree) -> bool:
    """Whether the tree has it. If it is only called otherwise, its statement has no need, which is seen."""
    address = named.partition(" + ")[0].partition(".")[0]
    return any(resource.address == address for resource in tree.resources())


def _target(named: str, tree: Tree, renderer: Renderer, environment: str) -> str:
    if named == ANY or named.startswith("arn:"):
        return named.replace("{environment}", environment)
    place, _, below = named.partition(" + ")
    address, _, attribute = place.partition(".")
    try:
        resource = tree.resource(address)
    except KeyError as error:
        raise BadNeeds(f"docs/needs.yaml: {error.args[0]}") from error
    arn = renderer.text(Reference(resource, attribute)) if attribute else renderer.arn(resource)
    return arn + below
