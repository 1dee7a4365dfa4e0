"""What a holder must be allowed, and whether anything allows it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from rules.families.grants.grant_book import ROLE, Book, Line, book
from rules.families.grants.grant_texts import ACCOUNT, ANY, PARTITION, REGION, may, shown
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Value

LOG_GROUP = "AWS::Logs::LogGroup"
KEY = "AWS::KMS::Key"
ROOT = f"arn:{PARTITION}:iam::{ACCOUNT}:root"
# What a request with a role's credentials has, and what it has not.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
OF_A_ROLE: Mapping[str, str | None] = {
    "aws:sourcearn": None,
    "aws:sourceaccount": None,
    "aws:securetransport": "true",
    "aws:principalaccount": ACCOUNT,
    "aws:resourceaccount": ACCOUNT,
}
OF_THE_SERVICE = {**OF_A_ROLE, "lambda:sourcefunctionarn": None}  # before there is any function that runs


@dataclass(frozen=True)
class Need:
    """One action on one resource, and who asks for it."""

    holder: Resource
    action: str
    on: str
    by: Resource
    request: Mapping[str, str | None] = field(default_factory=lambda: OF_A_ROLE, hash=False)
    guarded: Resource | None = None  # what has a policy of its own that may allow or deny it

    @property
    def shown(self) -> str:
        return shown(self.on)


def arn(service: str, rest: str, account: str = ACCOUNT) -> str:
    return f"arn:{PARTITION}:{service}:{REGION}:{account}:{rest}"


def through(service: str) -> Mapping[str, str | None]:
    """A request to KMS that a service makes for whoever asked it."""
    return {
        **OF_A_ROLE,
        "kms:viaservice": f"{service}.{REGION}.amazonaws.com",
        "kms:calleraccount": ACCOUNT,
    }


def role_of(site: Site, value: Value) -> Resource | None:
    return site.target(value, ROLE)


def log_streams(site: Site, group: Value) -> str | None:
    """The ARN of any stream of a log group that is given by its name; None where nobody knows it."""
    name = book(site).wording.text(group)
    return None if name == ANY else arn("logs", f"log-group:{name}:log-stream:{ANY}")


def unmet(site: Site, needs: Iterable[Need]) -> Iterator[tuple[Need, str]]:
    """Needs that nothing can meet, with the reason."""
    known = book(site)
    for need in dict.fromkeys(needs):
        if not known.open_ended(need.holder):
            why = _why(known, need)
            if why:
                yield need, why


def _why(known: Book, need: Need) -> str:
    lines = known.held(need.holder)
    guards = _about(known, need)
    for line in known.denying((*lines, *guards), need.action, need.on, need.request):
        return f"{line.statement.name} of {line.policy.resource} denies it"
    if known.by_aws(need.holder, need.action):
        return ""
    own = lines if _left_to_iam(known, need) else ()
    if any(known.allowing((*own, *guards), need.action, need.on, need.request)):
        return ""
    if own != lines:
        return f"the policy of {need.guarded} leaves that to no policy of IAM"
    return _nearest(known, lines, need)


def _left_to_iam(known: Book, need: Need) -> bool:
    """Whether a role's own policy counts: for a key it does where the key's policy allows it to the account.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    guards = known.guards(need.guarded) if need.guarded and need.guarded.kind == KEY else ()
    to_account = tuple(
        line
        for line in guards
        if any(kind == "*" or (kind == "AWS" and may(name, ROOT)) for kind, name in line.principals)
    )
    return not guards or any(known.allowing(to_account, need.action, need.on, need.request))


def _about(known: Book, need: Need) -> tuple[Line, ...]:
    """The statements of what guards the resource that are about the holder."""
    if need.guarded is None:
        return ()
    role = known.wording.arn(need.holder)
    return tuple(
        line
        for line in known.guards(need.guarded)
        if any(kind == "*" or (kind == "AWS" and may(name, role)) for kind, name in line.principals)
    )


def _nearest(known: Book, lines: tuple[Line, ...], need: Need) -> str:
    """Which statement was perhaps meant to."""
    action = need.action.lower()
    for line in lines:
        if line.allows and line.covers(action):
            if not line.reaches(need.on):
                resources = ", ".join(map(shown, line.resources)) or "other resources"
                return f"{line.statement.name} allows it on {resources}"
            return f"the condition of {line.statement.name} cannot hold"
    return "no statement allows it"
