"""By which statement each kind of request was decided: told to the log, once for each.

A line says who asked, what for, on what, and the statement's id, or that none allowed it. So a run shows
what of a policy is used.
"""

import logging
from typing import Any

from ministack.core import iam_evaluator

from local.aws.patching import replace

logger = logging.getLogger("local.aws.evaluations")

_seen: set[tuple[str, ...]] = set()
_original = iam_evaluator.evaluate


def install() -> None:
    replace(_original, _told)


def _told(context: Any, policies: Any, *limits: Any) -> Any:
    result = _original(context, policies, *limits)
    role = context.principal_arn.partition(":assumed-role/")[2].partition("/")[0]
    said = (role, context.action, context.resource_arn, result.matched_sid or result.decision)
    if role and said not in _seen:
        _seen.add(said)
        logger.info("decided: %s %s %s %s", *said)
    return result
