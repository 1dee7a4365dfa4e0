"""What a template must not do, so that change sets over nested stacks stay readable and no secret leaks.

The rules and the quotas are CloudFormation's own; why each of them binds a nested change set:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html and
https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/759
"""

import re
from collections.abc import Iterator
from typing import Any

from stacks.wiring import StackTemplate, references

# What cannot be worked out for a value that a sibling stack is only about to make.
UNRESOLVABLE = ("Fn::Select", "Fn::Split", "Fn::Cidr")
POLICIES = ("DeletionPolicy", "UpdateReplacePolicy")
QUOTAS = {"Resources": 500, "Parameters": 200, "Outputs": 200}
BODY_BYTES = 1_000_000  # from S3
DYNAMIC_REFERENCES = 60
WARN_AT = 0.8
# `…SecretArn` names where a secret lies; `…Secret` and `…Password` would carry it.
SECRET_NAME = re.compile(r"(secret|password|passphrase|passwd|token|credentials?|privatekey)$", re.IGNORECASE)


class ContractError(ValueError):
    """{stack}: {what it does, and what to do instead}"""

    def __init__(self, stack: str, why: str) -> None:
        super().__init__(f"{stack}: {why}")


def check(template: StackTemplate, text: str, *, child: bool) -> list[str]:
    """Warnings for a template that comes near a quota; `text` is its emitted form.

    Raises ContractError for what must not be deployed.
    """
    tree = template.tree
    for breach in _breaches(tree, child=child):
        raise ContractError(template.name, breach)
    return list(_nearly_full(template.name, tree, text))


def _breaches(tree: dict[str, Any], *, child: bool) -> Iterator[str]:
    if "Transform" in tree or any(key == "Fn::Transform" for key, _ in _walk(tree)):
        yield "uses a Transform; macros cannot run in a nested change set, so write their result out"
    parameters = tree.get("Parameters", {})
    for name, parameter in parameters.items():
        if "NoEcho" in parameter or SECRET_NAME.search(name):
            yield f"parameter {name} carries a secret; pass the ARN of a Secrets Manager secret"
        if parameter["Type"] != "String":
            yield f"parameter {name} is a {parameter['Type']}; only a String crosses as it is"
    for title, resource in tree["Resources"].items():
        for policy in POLICIES:
            if not isinstance(resource.get(policy, ""), str):
                yield f"{title}.{policy} is a function; it is a literal, chosen by environment when built"
    if child:
        for function, _ in _walk(tree):
            if function in UNRESOLVABLE:
                yield f"uses {function}, which fails on a sibling's output; pass each value as its own input"
        for name, condition in tree.get("Conditions", {}).items():
            for parameter in set(references(condition)) & set(parameters):
                yield f"condition {name} depends on the input {parameter}; decide it in parameters/*.yaml"


def _nearly_full(name: str, tree: dict[str, Any], text: str) -> Iterator[str]:
    used = {section: (len(tree.get(section, {})), quota) for section, quota in QUOTAS.items()}
    used["bytes"] = (len(text.encode()), BODY_BYTES)
    used["dynamic references"] = (text.count("{{resolve:"), DYNAMIC_REFERENCES)
    for what, (count, quota) in used.items():
        if count > quota:
            raise ContractError(name, f"{count} {what.lower()} exceed CloudFormation's {quota}; split it")
        if count >= WARN_AT * quota:
            yield f"{name}: {count} {what.lower()} of CloudFormation's {quota}; split it soon"


def _walk(node: object) -> Iterator[tuple[str, object]]:
    """Every key and value of every mapping under `node`."""
    if isinstance(node, list):
        for part in node:
            yield from _walk(part)
    elif isinstance(node, dict):
        for key, value in node.items():
            yield key, value
            yield from _walk(value)
