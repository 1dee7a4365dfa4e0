r"""Who asked for what: every call that a role made, and whether its policies allowed it.

Kept from the start, each once (local/aws/noting.py). From another process, `make run`'s for one, they are
read with

    curl $AWS_ENDPOINT_URL/_local/asked
"""

import json
import urllib.request
from dataclasses import dataclass

PATH = "/_local/asked"
REQUEST_SECONDS = 10.0


@dataclass(frozen=True, order=True)
class Asked:
    """role: its name. action: `kinesis:GetRecords`. resource: an ARN, or `*`."""

    role: str
    action: str
    resource: str
    allowed: bool


def read(endpoint_url: str) -> list[Asked]:
    """What an embedded AWS has kept. Raises OSError when it is stopped."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{endpoint_url}{PATH}", timeout=REQUEST_SECONDS) as told:
        return [Asked(**one) for one in json.load(told)]
