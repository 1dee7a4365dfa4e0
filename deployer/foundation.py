"""The part of bootstrap that is made first: all but the rights, and so the bucket that the rest is sent by.

Those rights fill a template that is longer than a request should be: CloudFormation takes 51,200 bytes in
one, and a megabyte from S3. So bootstrap is one stack made in two changes. The first sends this part in the
request itself; every later one sends the whole template by its address in the bucket.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
"""

import json
import re
from collections.abc import Mapping
from typing import Any

RIGHTS = "AWS::IAM::"


def of(tree: Mapping[str, Any]) -> str:
    """A template without what holds rights, and without the outputs of it, as it is sent.

    It is JSON, which CloudFormation reads as it reads YAML. `tree`: long functions only.
    """
    kept = {title: made for title, made in tree["Resources"].items() if not made["Type"].startswith(RIGHTS)}
    later = "|".join(tree["Resources"].keys() - kept.keys()) or "(?!)"
    outputs = {
        name: output
        for name, output in tree.get("Outputs", {}).items()
        if not re.search(rf"\b({later})\b", json.dumps(output))
    }
    return json.dumps({**tree, "Resources": kept, "Outputs": outputs}, separators=(",", ":"))
