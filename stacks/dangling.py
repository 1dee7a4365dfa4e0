"""References that lead nowhere: within a template, and between a root and what it nests.

CloudFormation refuses most of them, but only once the artefacts are uploaded, and some only when the stack is
half made.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from stacks.functions import Function, functions

# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/pseudo-parameter-reference.html
PSEUDO_PARAMETERS = {
    "AWS::AccountId",
    "AWS::NotificationARNs",
    "AWS::NoValue",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
}
NESTED = "AWS::CloudFormation::Stack"

Tree = dict[str, Any]


def within(tree: Tree) -> Iterator[str]:
    """One line per reference of a template to something that it does not have."""
    resources = set(tree["Resources"])
    values = {*resources, *tree.get("Parameters", {}), *PSEUDO_PARAMETERS}
    conditions = set(tree.get("Conditions", {}))
    for function in functions(tree):
        match function.name, function.argument:
            case "Ref", str(name):
                yield from _missing(function, name, values)
            case "Fn::GetAtt", _ if found := function.attribute():
                yield from _missing(function, found[0], resources)
            case "Fn::Sub", _:
                for name in function.substituted():
                    title, dot, _ = name.partition(".")
                    yield from _missing(function, title, resources if dot else values)
            case ("Condition", str(name)) | ("Fn::If", [str(name), *_]):
                yield from _missing(function, name, conditions)
            case "Fn::FindInMap", [str(name), *keys]:
                yield from _missing_in_map(function, name, keys, tree.get("Mappings", {}))
    for title, resource in tree["Resources"].items():
        before = resource.get("DependsOn", [])
        for name in [before] if isinstance(before, str) else before:
            yield from _missing(Function(f"Resources.{title}", "DependsOn", name), name, resources - {title})


def _missing(function: Function, name: str, known: set[str]) -> Iterator[str]:
    if name not in known:
        yield f"{function.place}: {function.name} names {name}, which the template does not have"


def _missing_in_map(function: Function, name: str, keys: list[Any], mappings: Tree) -> Iterator[str]:
    found: Any = mappings
    path = ""
    for key in (name, *keys):
        if not isinstance(key, str):
            return  # worked out by a function: known to CloudFormation alone
        path = f"{path}.{key}" if path else key
        if key not in found:
            yield from _missing(function, path, set())
            return
        found = found[key]


def between(root: Tree, children: Mapping[str, Tree]) -> Iterator[str]:
    """One line per wire of the root that ends nowhere. `children`: file name → template."""
    inside: dict[str, Tree] = {}
    for title, made in root["Resources"].items():
        if made["Type"] != NESTED:
            continue
        file = made["Properties"]["TemplateURL"]
        if file not in children:
            yield f"{title}.TemplateURL is {file}; there are: {', '.join(sorted(children))}"
            continue
        inside[title] = children[file]
        yield from _unmatched(title, set(made["Properties"].get("Parameters", {})), file, children[file])
    for function in functions(root):
        for title, attribute in _attributes(function):
            if title in inside and attribute.removeprefix("Outputs.") not in inside[title].get("Outputs", {}):
                yield f"{function.place} reads {title}.{attribute}, which {title} does not put out"


def _unmatched(title: str, given: set[str], file: str, child: Tree) -> Iterator[str]:
    asked = child.get("Parameters", {})
    for name in sorted(given - set(asked)):
        yield f"{title} is given {name}, which {file} does not ask for"
    for name in sorted(name for name in set(asked) - given if "Default" not in asked[name]):
        yield f"{title} is not given {name}, which {file} asks for"


def _attributes(function: Function) -> Iterator[tuple[str, str]]:
    """(logical id, attribute) of a GetAtt, or of each `${A.B}`."""
    if found := function.attribute():
        yield found
    for name in function.substituted():
        title, dot, attribute = name.partition(".")
        if dot:
            yield title, attribute
