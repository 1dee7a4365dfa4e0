"""Who lacks which permission: from the sentence that AWS wrote, or from the one that it encoded.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from deployer.evidence.question import Evidence, Question

PLAIN = re.compile(
    r"(?:User: )?(?P<who>arn:\S+) is not authorized to perform: (?P<action>[a-z0-9-]+:[A-Za-z0-9*]+)"
    r"(?: on resource: \"?(?P<resource>[^\s\"]+)\"?)?(?P<why>[^(]*)"
)
ENCODED = re.compile(r"[Ee]ncoded authorization failure message: (?P<message>[\w+/=-]+)")


@dataclass(frozen=True)
class Denied:
    """`why` is the policy that decided, as far as AWS says."""

    who: str
    action: str
    resource: str
    why: str = ""

    def __str__(self) -> str:
        why = f": {self.why}" if self.why else ""
        return f"{_role(self.who)} lacks {self.action} on {self.resource or '*'}{why}"


def read(text: str) -> Denied | None:
    """The plain sentence in this text, if there is one."""
    found = PLAIN.search(text)
    if found is None:
        return None
    why = (found["why"] or "").strip(" .,;\"'")
    return Denied(found["who"], found["action"], (found["resource"] or "").rstrip(".,;"), why)


def gather(question: Question) -> Iterator[Evidence]:
    reason = question.event.reason
    denied = read(reason)
    if denied is None and (found := ENCODED.search(reason)):
        answer = question.clients.sts.decode_authorization_message(EncodedMessage=found["message"])
        denied = _decoded(answer["DecodedMessage"])
    if denied is not None:
        yield Evidence("the permission that is missing", (str(denied),))


def _decoded(message: str) -> Denied | None:
    told = json.loads(message)
    context = told.get("context", {})
    return Denied(
        who=context.get("principal", {}).get("arn", "the caller"),
        action=context.get("action", "an action that was not told"),
        resource=context.get("resource", ""),
        why="a policy denies it explicitly" if told.get("explicitDeny") else "no policy allows it",
    )


def _role(arn: str) -> str:
    """arn:aws:sts::111122223333:assumed-role/Name/session is a session of the role Name."""
    kind, _, rest = arn.rpartition(":")[2].partition("/")
    return f"the role {rest.split('/')[0]}" if kind == "assumed-role" else arn
