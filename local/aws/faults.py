r"""Faults and delays that a test, or whoever looks at the deployer, asks for. Without asking there are none.

What is injected stands between CloudFormation and the resource's own service: the resource is not touched
by an act that fails. From another process, `make run`'s for one, the same is asked for with

    curl -X PUT $AWS_ENDPOINT_URL/_local/faults \
         -d '[{"logical_id": "Readings", "action": "update", "message": "no"}, {"seconds": 5}]'

where an empty list ends all faults.
"""

import json
import urllib.request
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

from local.aws.refusals import Refusal, Refusals, answer, read

PATH = "/_local/faults"  # no bucket's name begins with an underscore, so no request to S3 is taken for this
REQUEST_SECONDS = 10.0

Action = Literal["create", "update", "delete", "revert", "*"]
ACTIONS = ("create", "update", "delete", "revert", "*")


@dataclass(frozen=True)
class Fault:
    """What happens to a resource of this type, logical id and stack (shell patterns) before it is acted on.

    `action` is what is about to be done; all that a rollback does is "revert". `seconds` pass first, then the
    act fails with `message`, unless that is empty. After `times` acts the fault is over; None is always.
    The creation of a root's change set is an act on AWS::CloudFormation::ChangeSet, by the change set's name;
    a drift detection is the creation of an AWS::CloudFormation::StackDriftDetection, by the stack's.
    """

    resource_type: str = "*"
    logical_id: str = "*"
    stack: str = "*"
    action: Action = "*"
    message: str = ""
    seconds: float = 0.0
    times: int | None = None

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise ValueError(f"action {self.action!r} is none of {', '.join(ACTIONS)}")

    def meets(self, *, resource_type: str, logical_id: str, stack: str, action: str) -> bool:
        return (
            fnmatchcase(resource_type, self.resource_type)
            and fnmatchcase(logical_id, self.logical_id)
            and fnmatchcase(stack, self.stack)
            and self.action in ("*", action)
        )


class Faults:
    """The faults that are asked for now, and how often each has happened."""

    def __init__(self) -> None:
        self._left: list[tuple[Fault, list[int]]] = []

    def replace(self, faults: Sequence[Fault]) -> None:
        self._left = [(fault, [0]) for fault in faults]

    def delay(self, resource_type: str) -> bool:
        """Whether an act on such a resource may have to wait."""
        return any(f.seconds > 0 and fnmatchcase(resource_type, f.resource_type) for f, _ in self._left)

    def due(self, **act: str) -> list[Fault]:
        """The faults of this act, each counted as happening."""
        met = []
        for fault, count in self._left:
            if (fault.times is None or count[0] < fault.times) and fault.meets(**act):
                count[0] += 1
                met.append(fault)
        return met


def inject(endpoint_url: str, *faults: Fault | Refusal) -> None:
    """Have these, and no others, in the embedded AWS at an endpoint. Raises OSError without one."""
    body = json.dumps([asdict(fault) for fault in faults]).encode()
    request = urllib.request.Request(f"{endpoint_url}{PATH}", body, method="PUT")  # noqa: S310 -- loopback
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=REQUEST_SECONDS):
        pass


def taking(application: Any, faults: Faults, refusals: Refusals) -> Any:
    """An ASGI application (ministack's, untyped) with the path that takes faults in front of it."""

    async def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await application(scope, receive, send)
            return
        status, said = _taken(scope["method"], await read(receive), faults, refusals)
        await answer(send, status, b"application/json", said)

    return serve


def _taken(method: str, body: bytes, faults: Faults, refusals: Refusals) -> tuple[int, bytes]:
    """What names an operation is a refusal, everything else a fault."""
    if method != "PUT":
        return 405, b'{"message": "PUT a list of faults"}'
    try:
        said = json.loads(body)
        asked = [Refusal(**each) for each in said if "operation" in each]
        faults.replace([Fault(**each) for each in said if "operation" not in each])
        refusals.replace(asked)
    except (TypeError, ValueError) as error:
        return 400, json.dumps({"message": str(error)}).encode()
    return 200, b"{}"
