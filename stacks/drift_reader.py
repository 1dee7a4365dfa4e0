"""What who detects drift must be allowed to read, beside the deployer's own policy: docs/drift-reader.json.

CloudFormation reads each resource with the rights of whoever asks, and not with the execution role's:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html#drift-considerations
What it calls for that, each type's schema names as its reading handler. `python -m stacks.drift_reader`
writes the policy; a test holds that it is what the templates ask for.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from stacks import handlers, linter_data

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docs" / "drift-reader.json"
LETTERS = 6144  # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
NESTED = "AWS::CloudFormation::Stack"  # of nested stacks each is asked by itself
# A reader of settings learns no secret, opens nothing under a key and hands on no role. Without the first,
# CloudFormation may not tell of a secret whether it has drifted, and then says so.
NEVER = frozenset({"secretsmanager:GetSecretValue", "kms:Decrypt", "iam:PassRole"})
# The page above names the first two. The third, of types' configurations, is in roles that detect drift; it
# reads nothing of a resource, and takes none: https://docs.aws.amazon.com/service-authorization/latest/reference/
DETECTING = ("cloudformation:DetectStackDrift", "cloudformation:DetectStackResourceDrift")
OF_TYPES = "cloudformation:BatchDescribeTypeConfigurations"
STACKS = "arn:aws:cloudformation:*:*:stack/millrace-*"


def kinds(directory: Path) -> frozenset[str]:
    """The types in all emitted templates below it."""
    found = set()
    for file in directory.glob("*/*.yaml"):
        template = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 -- a safe one
        found |= {resource["Type"] for resource in template["Resources"].values()}
    return frozenset(found)


def actions(types: Iterable[str]) -> frozenset[str]:
    """IAM's actions that read resources of these types. Raises handlers.UnknownType."""
    found: set[str] = set()
    for kind in types:
        if kind == NESTED:
            continue
        try:
            handler = linter_data.schema(kind, handlers.REGION)["handlers"].get("read", {})
        except KeyError as error:
            raise handlers.UnknownType(kind) from error
        found.update(handler.get("permissions", ()))
    return frozenset(found - NEVER)


def policy(types: Iterable[str]) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "DetectDrift", "Effect": "Allow", "Action": list(DETECTING), "Resource": STACKS},
            {
                "Sid": "ReadWhatStands",
                "Effect": "Allow",
                # Most of them know no single resource, and all of them read settings.
                "Action": sorted({*actions(types), OF_TYPES}),
                "Resource": "*",
            },
        ],
    }


def text(directory: Path = ROOT / "templates") -> str:
    return json.dumps(policy(kinds(directory)), indent=2) + "\n"


class _Loader(yaml.SafeLoader):
    """Of CloudFormation's short functions nothing is needed here."""


_Loader.add_multi_constructor("!", lambda *_: None)


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
