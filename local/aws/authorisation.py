"""What a request is authorised on, where upstream cannot tell.

GetRecords names an iterator, not a stream: AWS checks kinesis:GetRecords on the iterator's stream; upstream
checks it on `*`, and so denies every role that may read one stream.

The embedded AWS speaks plain HTTP, on loopback and nowhere else. A policy that refuses what comes without
TLS, as a queue's here does, would refuse everything, so a request counts as one that came over TLS.

Of a session aws:PrincipalArn is the ARN of its role; upstream gives the session's, so a policy that refuses
all but a role refuses that role.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
"""

import json
from collections.abc import Callable
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.services import iam, kinesis

from local.aws.patching import replace


def install() -> None:
    replace(iam_actions.extract_resource_arn, _with_iterators(iam_actions.extract_resource_arn))
    replace(iam_evaluator.pin_request_origin, _over_tls)
    replace(iam_evaluator._resolve_condition_key, _of_roles(iam_evaluator._resolve_condition_key))


_pin_request_origin = iam_evaluator.pin_request_origin


def _over_tls(source_ip: str, secure_transport: bool) -> None:
    _pin_request_origin(source_ip, True)


def _of_roles(original: Callable[..., Any]) -> Callable[..., Any]:
    def value(key: str, context: Any) -> Any:
        found = original(key, context)
        if key.lower() != "aws:principalarn" or ":assumed-role/" not in found:
            return found
        name = found.partition(":assumed-role/")[2].partition("/")[0]
        role = iam._roles.get_scoped(context.principal_account, None, name)
        return role["Arn"] if role else found

    return value


def _with_iterators(original: Callable[..., str]) -> Callable[..., str]:
    def resource_arn(*request: Any) -> str:
        service, _, _, headers, body, *_ = request
        if service == "kinesis" and headers.get("x-amz-target", "").endswith(".GetRecords"):
            known = kinesis._shard_iterators.get(_iterator(body))
            if known is not None:
                return str(known["stream_arn"])
        return original(*request)

    return resource_arn


def _iterator(body: bytes) -> str | None:
    try:
        said = json.loads(body)
    except ValueError:
        return None  # the service itself refuses what cannot be read
    iterator: str | None = said.get("ShardIterator") if isinstance(said, dict) else None
    return iterator
