"""What a template must not do, so that change sets over nested stacks stay readable and no secret leaks.

Why each of the rules binds a nested change set:
https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/759
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from stacks import dangling, quotas
from stacks.functions import Function, functions, names
from stacks.wiring import StackTemplate

# What cannot be worked out for a value that a sibling stack is only about to make.
UNRESOLVABLE = ("Fn::Select", "Fn::Split", "Fn::Cidr", "Fn::FindInMap")
# Functions of the AWS::LanguageExtensions transform; Fn::ForEach stands as a key of its own.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-languageextensions.html
OF_A_TRANSFORM = ("Fn::Transform", "Fn::Length", "Fn::ToJsonString", "Fn::ForEach::")
POLICIES = ("DeletionPolicy", "UpdateReplacePolicy")
# `…SecretArn` says where a secret lies, `TokenSeconds` nothing of it; `…Secret`, `…Password` would carry it.
SECRET = re.compile(
    r"secret|passw(or)?d|pass(phrase|code)?\d*$|pwd|token|credential|conn(ection)?(string|ur[il])"
    r"|(private|api|access|signing|encryption|ssh|licen[cs]e|shared|webhook|tls|ssl|hmac|session|auth|sas)key"
    r"|(webhook|database|broker|redis|cache|sas)ur[il]|jwt|bearer|cookie|otpseed"
    r"|(auth|authheader|pin|otp|pw|psk|pem|dsn|hmac)\d*$",
    re.IGNORECASE,
)
NO_SECRET = re.compile(
    r"(?<!AccessKey)(Arns?|Names?|Ids?|Path|Stage|Seconds|Minutes|Hours|Days|Length|Count)\d*$"
)
RESOLVED_SECRET = re.compile(r"\{\{resolve:(secretsmanager|ssm-secure):")
# A value that is one, whatever its name: an access key, a private key, a password in an address.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
PLAIN_SECRET = re.compile(r"\bA[KS]IA[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY|://[^/\s:@]*:[^/\s@]+@")


class ContractError(ValueError):
    """{stack}: {what it does, and what to do instead}"""

    def __init__(self, stack: str, why: str) -> None:
        super().__init__(f"{stack}: {why}")


def check(template: StackTemplate, text: str, *, child: bool, sent: str = "") -> None:
    """One template by itself, and `text`, its emitted form. Raises ContractError for what must not be.

    `sent`: what of it is sent in a request itself, since no bucket is there yet.
    """
    tree = template.tree
    _refuse(template, _breaches(tree, child=child))
    _refuse(template, dangling.within(tree))
    _refuse(template, quotas.overfull(tree, text, sent))


def check_together(root: StackTemplate, children: Sequence[StackTemplate]) -> None:
    """The root with all that it nests. Raises ContractError as `check` does."""
    inside = {child.file_name: child.tree for child in children}
    _refuse(root, dangling.between(root.tree, inside))
    _refuse(root, quotas.overfull_together({root.file_name: root.tree, **inside}))


def _refuse(template: StackTemplate, breaches: Iterator[str]) -> None:
    for breach in breaches:
        raise ContractError(template.name, breach)


def _breaches(tree: dict[str, Any], *, child: bool) -> Iterator[str]:
    if (
        "Transform" in tree
        or any(name.startswith(OF_A_TRANSFORM) for name in _keys(tree))
        or any(_has_a_default(function) for function in functions(tree))
    ):
        yield "uses a Transform; macros cannot run in a nested change set, so write their result out"
        return  # what stands there is not the template that would be deployed
    for function in functions(tree):
        if function.name == "Fn::ImportValue":
            yield f"{function.place}: Fn::ImportValue names what this tree does not make; wire it by the root"
    parameters = tree.get("Parameters", {})
    for name, parameter in parameters.items():
        if "NoEcho" in parameter or (SECRET.search(name) and not NO_SECRET.search(name)):
            yield f"parameter {name} carries a secret; pass the ARN of a Secrets Manager secret"
        if parameter["Type"] != "String":
            yield f"parameter {name} is a {parameter['Type']}; only a String crosses as it is"
        if _is_secret(str(parameter.get("Default", ""))):
            yield f"parameter {name} is given a secret's value; pass the secret's ARN"
    yield from _exported(tree)
    for title, resource in tree["Resources"].items():
        if resource["Type"] == dangling.NESTED and _is_secret(json.dumps(resource)):
            yield f"{title} is given a secret's value; pass the secret's ARN"
        for policy in POLICIES:
            if not isinstance(resource.get(policy, ""), str):
                yield f"{title}.{policy} is a function; it is a literal, chosen by environment when built"
    nested = {title for title, made in tree["Resources"].items() if made["Type"] == dangling.NESTED}
    yield from _worked_out(tree, nested | set(parameters) if child else nested)


def _exported(tree: dict[str, Any]) -> Iterator[str]:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html"""
    for name, output in tree.get("Outputs", {}).items():
        if "Export" in output:
            yield (
                f"output {name} is exported, and CloudFormation neither changes nor removes it while another "
                "stack imports it; leave Export out, and wire it by the root"
            )


def _worked_out(tree: dict[str, Any], to_come: set[str]) -> Iterator[str]:
    """`to_come`: the names of what a change set cannot know yet, a child's inputs and outputs."""
    for function in functions(tree):
        given = sorted(names(function.argument) & to_come)
        if function.name in UNRESOLVABLE and given:
            yield (
                f"{function.place}: {function.name} on {given[0]} fails before the stack that makes it "
                "stands; pass each value as its own input"
            )
    for name, condition in tree.get("Conditions", {}).items():
        for given_name in sorted(names(condition) & to_come):
            yield f"condition {name} depends on the input {given_name}; decide it in parameters/*.yaml"
    for name, rule in tree.get("Rules", {}).items():
        for given_name in sorted(names(rule) & to_come):
            yield f"rule {name} depends on the input {given_name}; decide it in parameters/*.yaml"


def _is_secret(value: str) -> bool:
    return bool(RESOLVED_SECRET.search(value) or PLAIN_SECRET.search(value))


def _has_a_default(function: Function) -> bool:
    """A map is looked up with a fourth argument, `DefaultValue`, by the transform alone.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-findinmap-enhancements.html
    """
    return (
        function.name == "Fn::FindInMap"
        and isinstance(function.argument, list)
        and len(function.argument) > 3
    )


def _keys(node: object) -> Iterator[str]:
    """Every key of every mapping under `node`."""
    if isinstance(node, list):
        for part in node:
            yield from _keys(part)
    elif isinstance(node, dict):
        for key, value in node.items():
            yield str(key)
            yield from _keys(value)
