"""Roles that their own policies let at a resource, and that its policy turns away: a denial wins."""

from collections.abc import Iterator

from rules.families.grants.grant_book import ROLE, Book, Line, book
from rules.families.grants.grant_needs import OF_A_ROLE
from rules.families.grants.grant_texts import may
from rules.families.grants.refusals import ELEMENTS, USES
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource

KEYS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"
BY_OTHERS = ("AWS::KMS::Key", "AWS::ECR::Repository")  # E9220 asks for keys, E9201 for images


@rule(
    "E9228",
    cause="{role} may {action} on {guarded} by its own policy, and {statement} of {policy} refuses it",
    remedy="except it by ArnNotEquals on aws:PrincipalArn, where its sessions have its own ARN too; or take "
    "the right from the role",
    sources=(KEYS, ELEMENTS),
)
def a_role_that_a_resource_turns_away(site: Site) -> Iterator[Finding]:
    known = book(site)
    for kind, actions in USES.items():
        for guarded in site.all(kind) if kind not in BY_OTHERS else ():
            for role in site.all(ROLE):
                for action in actions:
                    line = _refusing(known, role, action, guarded)
                    if line is not None:
                        yield found(
                            line.policy.resource,
                            *line.path,
                            role=role,
                            action=action,
                            guarded=guarded,
                            statement=line.statement.name,
                            policy=line.policy.resource,
                        )


def _refusing(known: Book, role: Resource, action: str, guarded: Resource) -> Line | None:
    """The statement of what guards it by which the role is surely refused what it is surely allowed."""
    arn, on = known.wording.arn(role), known.wording.arn(guarded)
    # A session's own ARN is another; the key has the role's all the same.
    request = {**OF_A_ROLE, "aws:principalarn": arn, "aws:principalisawsservice": "false"}
    allowed = any(
        line.surely_covers(action) and line.surely_reaches(on) and "*" not in line.resources
        for line in known.allowing(known.held(role), action, on, request)
    )
    about = tuple(
        line
        for line in known.guards(guarded)
        if any(kind == "*" or (kind == "AWS" and may(name, arn)) for kind, name in line.principals)
    )
    return next(known.denying(about, action, on, request), None) if allowed else None
