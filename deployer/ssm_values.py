"""What templates take from the Parameter Store: values that differ tomorrow though no file did.

CloudFormation fetches them when it needs them, during stack and change set operations:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-ssm.html
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from deployer.acceptance import Path, shown
from deployer.errors import BadTemplate
from deployer.templates import Tree, resources

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

TYPED = "AWS::SSM::Parameter::Value<"
REFERENCE = re.compile(r"\{\{resolve:(?:ssm|ssm-secure):(?P<name>(?:[^{}]|\$\{[^{}]*\})+)\}\}")
AT_ONCE = 10  # botocore's model of SSM, GetParameters


def names(trees: Mapping[Path, Tree], given: Mapping[str, str]) -> frozenset[str]:
    """Every parameter of the Parameter Store, with `:version` where one is named.

    `trees` are the root's () and its nested stacks' templates, `given` the root's parameters. Raises
    BadTemplate for a name that nobody can know beforehand.
    """
    found = set()
    for path, tree in trees.items():
        passed = given if not path else _passed(trees[path[:-1]], path[-1], given)
        for name in [*_typed(tree, passed), *_referred(tree)]:
            if "${" in name:
                why = f"takes {name} from the Parameter Store; a name in full can be sealed, this one not"
                raise BadTemplate(file=shown(path) or "the root template", why=why)
            found.add(name)
    return frozenset(found)


def read(ssm: "SSMClient", names: frozenset[str]) -> dict[str, str]:
    """Name → version, and a digest of the value unless it is secret. What is not there is `missing`."""
    told = {}
    ordered = sorted(names)
    for first in range(0, len(ordered), AT_ONCE):
        batch = ordered[first : first + AT_ONCE]
        # Nothing is decrypted: of a secret the version says enough.
        answer = ssm.get_parameters(Names=batch, WithDecryption=False)
        for parameter in answer["Parameters"]:
            version = f"version {parameter['Version']}"
            if parameter["Type"] != "SecureString":
                version += f" #{hashlib.sha256(parameter['Value'].encode()).hexdigest()[:12]}"
            told[parameter["Name"] + parameter.get("Selector", "")] = version
    return {name: told.get(name, "missing") for name in ordered}


def _typed(tree: Tree, passed: Mapping[str, str]) -> Iterator[str]:
    for name, parameter in tree.get("Parameters", {}).items():
        if parameter["Type"].startswith(TYPED):
            yield passed.get(name) or parameter.get("Default") or f"${{{name}}}"


def _passed(parent: Tree, title: str, given: Mapping[str, str]) -> dict[str, str]:
    """The literal parameters of a nested stack, and those that are the root's own."""
    passed = {}
    for name, value in resources(parent)[title].get("Properties", {}).get("Parameters", {}).items():
        if isinstance(value, str):
            passed[name] = value
        elif isinstance(value, dict):
            passed[name] = given.get(value.get("Ref", ""), f"${{{name}}}")
    return passed


def _referred(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield from (found["name"] for found in REFERENCE.finditer(node))
    elif isinstance(node, list):
        for part in node:
            yield from _referred(part)
    elif isinstance(node, dict):
        for part in node.values():
            yield from _referred(part)
