"""A topic's key, which upstream forgets: without it, every encrypted topic would have drifted."""

from ministack.services import sns

from local.aws.stacks import Json
from local.aws.types import Made, complete


def install() -> None:
    complete("AWS::SNS::Topic", _with_key)


def _with_key(physical_id: str, props: Json, found: Json) -> Made:
    attributes = sns._topics[physical_id]["attributes"]
    attributes.pop("KmsMasterKeyId", None)
    if props.get("KmsMasterKeyId"):
        attributes["KmsMasterKeyId"] = props["KmsMasterKeyId"]
    return physical_id, found
