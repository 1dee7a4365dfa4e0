"""Emitted templates as they lie on disk: read, never made; parsed only to see what is in them."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # PyYAML without libyaml: slower, the same trees
    from yaml import SafeLoader  # type: ignore[assignment]  # two classes, one interface

from deployer.errors import BadTemplate, TemplateMissing

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import GetTemplateInputTypeDef

NESTED = "AWS::CloudFormation::Stack"
Tree = dict[str, Any]

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/control-access-with-iam.html#using-iam-capabilities
IAM_NAMES = frozenset(
    {"GroupName", "InstanceProfileName", "ManagedPolicyName", "PolicyName", "RoleName", "UserName"}
)
NAMED_IAM_TYPES = re.compile(r"AWS::IAM::(Group|InstanceProfile|ManagedPolicy|Role|User)$")


class Loader(SafeLoader):
    """Reads short functions (`!Sub text`) as their long form, and leaves dates and `yes` alone otherwise."""


def _function(loader: Loader, suffix: str, node: yaml.Node) -> Tree:
    argument: object
    if isinstance(node, yaml.ScalarNode):
        argument = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        argument = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)  # noqa: S101 -- YAML has three kinds of nodes
        argument = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": argument}


Loader.add_multi_constructor("!", _function)
# 2010-09-09 is text to CloudFormation, and two readings of one file must compare.
Loader.yaml_implicit_resolvers = {
    letter: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in SafeLoader.yaml_implicit_resolvers.items()
}


def read(file: Path) -> str:
    """The file's text. Raises TemplateMissing."""
    try:
        return file.read_bytes().decode()
    except FileNotFoundError:
        raise TemplateMissing(file=file) from None
    except UnicodeDecodeError as error:
        raise BadTemplate(file=file, why=f"is not UTF-8 ({error})") from error


def parse(text: str, file: Path | str) -> Tree:
    """The tree with long functions. Raises BadTemplate with the line that is wrong."""
    try:
        tree = yaml.load(text, Loader)  # noqa: S506 -- Loader is a SafeLoader
    except yaml.YAMLError as error:
        raise BadTemplate(file=file, why=f"is not YAML ({' '.join(str(error).split())})") from error
    if not isinstance(tree, dict) or not isinstance(tree.get("Resources"), dict):
        raise BadTemplate(file=file, why="has no Resources")
    return tree


def fetched(cloudformation: "CloudFormationClient", stack: str, change_set_id: str | None = None) -> Tree:
    """The deployed template of a stack, or the one that a change set of it would deploy."""
    which: GetTemplateInputTypeDef = {"StackName": stack}
    if change_set_id is not None:
        which["ChangeSetName"] = change_set_id
    # boto3 hands a JSON template over as a mapping, a YAML one as text; its stubs know the mapping only.
    body: object = cloudformation.get_template(**which)["TemplateBody"]
    return parse(body if isinstance(body, str) else json.dumps(body), stack)


def resources(tree: Tree) -> Mapping[str, Tree]:
    """Logical id -> resource."""
    found: Mapping[str, Tree] = tree["Resources"]
    return found


def nested(tree: Tree) -> Iterator[tuple[str, str]]:
    """The logical id and TemplateURL of each nested stack."""
    for title, resource in resources(tree).items():
        if resource["Type"] == NESTED:
            yield title, resource["Properties"]["TemplateURL"]


def capabilities(trees: list[Tree]) -> list[str]:
    """What must be acknowledged for these templates together, no more."""
    every = [resource for tree in trees for resource in resources(tree).values()]
    needed = set()
    for resource in every:
        if resource["Type"].startswith("AWS::IAM::"):
            needed.add("CAPABILITY_IAM")
            if NAMED_IAM_TYPES.match(resource["Type"]) and IAM_NAMES & set(resource.get("Properties", {})):
                needed.add("CAPABILITY_NAMED_IAM")
    return sorted(needed)
