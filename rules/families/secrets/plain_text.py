"""No secret in plain text, wherever somebody reads it who reads no secrets."""

import re
from collections.abc import Iterator, Mapping

from rules.families.secrets.credential_forms import (
    NAMED,
    NO_NAME,
    PASSWORD,
    PROPERTY,
    SAID,
    decoded,
    form,
    in_command,
    in_json,
    literal,
)
from rules.families.secrets.readable_places import COMMANDS, Leaf, leaves
from rules.seam.rule import Finding, rule
from rules.seam.site import Site
from topology.tree import Resource, Stack
from topology.values import Given

PRACTICES = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/best-practices.html"
CLOUDFORMATION = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/security-best-practices.html"
DYNAMIC = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html"
)
NOECHO = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html"
INJECTED = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specifying-sensitive-data.html"
VISIBLE = (
    ("AWS::ECS::", "ContainerDefinitions"),
    ("AWS::Lambda::Function", "Environment"),
    ("AWS::Lambda::Function", "Code"),
    ("AWS::Serverless::Function", "Environment"),
    ("AWS::EC2::", "UserData"),
    ("AWS::EC2::LaunchTemplate", "LaunchTemplateData"),
    ("AWS::AutoScaling::LaunchConfiguration", "UserData"),
    ("AWS::SSM::Parameter", "Value"),
    ("AWS::CodeBuild::Project", "Environment"),
    ("AWS::Batch::JobDefinition", "ContainerProperties"),
    ("AWS::Events::Rule", "Targets"),
    ("AWS::StepFunctions::StateMachine", "DefinitionString"),
    ("AWS::AppRunner::Service", "SourceConfiguration"),
    ("AWS::", "Tags"),
    ("AWS::", "Description"),
)
USER = re.compile(r"user(?:_?name)?$|login$", re.IGNORECASE)  # kept from sight as well, and no secret
CODE = frozenset({"ZipFile", "InlineCode", "DefinitionString", "DashboardBody", "BuildSpec"})


@rule(
    "E9370",
    cause="{what} stands in plain text",
    remedy="revoke it, keep the new one in Secrets Manager, and let the program read it there",
    sources=(PRACTICES, CLOUDFORMATION),
)
def a_credential_by_its_form(site: Site) -> Iterator[Finding]:
    for leaf in leaves(site):
        if isinstance(leaf.value, str) or "${" in leaf.text:
            what = form(decoded(leaf.text) if leaf.name == "UserData" else leaf.text)
            if what:
                yield _at(leaf, what=what)


@rule(
    "E9371",
    cause="{name} is given a credential in plain text",
    remedy="keep it in Secrets Manager, and give the program its ARN",
    sources=(PRACTICES, INJECTED, CLOUDFORMATION),
)
def a_credential_by_its_name(site: Site) -> Iterator[Finding]:
    for leaf in leaves(site):
        name = _named(leaf, site)
        if name:
            yield _at(leaf, name=name)


def _named(leaf: Leaf, site: Site) -> str:
    if isinstance(leaf.place, Resource) and leaf.place.kind == "AWS::SSM::Parameter" and leaf.name == "Value":
        named = str(site.get(leaf.place, "Name"))
        return named if NAMED.search(named) and literal(leaf.value, named) else ""
    known_names = NAMED if leaf.environment else PROPERTY
    if NO_NAME.search(leaf.name) or "TokenValidityUnits" in leaf.path:
        return ""
    asked, declared = _parameter(site, leaf)
    stack = _stack(site, leaf)
    # Its default is told where it stands. What a parent hands down is told here as well.
    own = stack.parent is None or asked not in stack.arguments
    told = own and (_is_hidden(declared) or _asks_for_password(asked, declared))
    if known_names.search(leaf.name) and literal(leaf.value, leaf.name) and not told:
        return leaf.name
    if leaf.environment and _hidden(site, leaf):
        return leaf.name
    return _within(leaf)


def _within(leaf: Leaf) -> str:
    """The name within a text: of a command, a connection string, a JSON object, a sentence."""
    text = leaf.text
    if leaf.name in CODE or not isinstance(leaf.place, Resource):
        return _sentence(text) if leaf.name == "Description" else ""
    if leaf.name in ("SecretString", "SecretStringTemplate"):
        bare = leaf.name == "SecretString" and isinstance(leaf.value, str) and not text.startswith("{")
        return leaf.name if bare and literal(leaf.value, "password") else in_json(text)
    if leaf.name in ("Description", "AlarmDescription"):
        return _sentence(text)
    if leaf.name in COMMANDS or "UserData" in leaf.path:
        return in_command(decoded(text))
    if "=" in text and (leaf.environment or leaf.place.kind == "AWS::SSM::Parameter"):
        return in_command(text)
    return in_json(text) if leaf.environment else ""


def _sentence(text: str) -> str:
    match = SAID.search(text)
    return match[1] if match else ""


def _hidden(site: Site, leaf: Leaf) -> bool:
    """A parameter that is kept from sight, and shown here."""
    if "Tags" in leaf.path or leaf.path[:2] == ("Properties", "Parameters"):
        return False
    return _is_hidden(_parameter(site, leaf)[1])


def _stack(site: Site, leaf: Leaf) -> Stack:
    return site.tree.stacks[leaf.place.stack] if isinstance(leaf.place, Resource) else leaf.place


def _parameter(site: Site, leaf: Leaf) -> tuple[str, object]:
    """The parameter that a place refers to, and its declaration: one with a default is its default there."""
    root = site.tree.root
    if isinstance(leaf.value, Given):
        return leaf.value.name, root.parameters.get(leaf.value.name)
    stack = _stack(site, leaf)
    node: object = leaf.place.body
    for step in leaf.path:
        if isinstance(node, Mapping):
            node = node.get(step)
        elif isinstance(node, list) and isinstance(step, int) and step < len(node):
            node = node[step]
        else:
            return "", None
    name = str(node.get("Ref")) if isinstance(node, Mapping) else ""
    return name, stack.parameters.get(name)


@rule(
    "E9373",
    cause="the value of a secret is written where it can be read, by {reference}",
    remedy="give the ARN of the secret and let the program read it, or use the Secrets of a container",
    sources=(DYNAMIC, INJECTED),
)
def a_secret_resolved_in_sight(site: Site) -> Iterator[Finding]:
    for leaf in leaves(site):
        text = leaf.text
        if "{{resolve:s" not in text or not ("{{resolve:secretsmanager:" in text or ":ssm-secure:" in text):
            continue
        if not isinstance(leaf.place, Resource) or _in_sight(leaf):
            start = text.index("{{resolve:s")
            yield _at(leaf, reference=text[start : text.find("}}", start) + 2])


def _in_sight(leaf: Leaf) -> bool:
    if not isinstance(leaf.place, Resource) or leaf.path[0] == "Metadata":
        return True
    kind, top = leaf.place.kind, str(leaf.path[1])
    return any(kind.startswith(begin) and top == name for begin, name in VISIBLE)


@rule(
    "E9374",
    cause="the parameter {parameter} is a credential ({where}), and is shown for want of NoEcho",
    remedy="set NoEcho: true, or better, take no password as a parameter",
    sources=(NOECHO, CLOUDFORMATION),
)
def a_parameter_that_is_shown(site: Site) -> Iterator[Finding]:
    told: set[str] = set()
    for stack in site.tree.stacks.values():
        for name, declared in stack.parameters.items():
            if _asks_for_password(name, declared) and not _is_hidden(declared):
                told |= {name} if stack is site.tree.root else set()
                yield Finding(stack, ("Parameters", name), {"parameter": name, "where": "by its name"})
    for leaf in leaves(site):
        named = PROPERTY.search(leaf.name) and not NO_NAME.search(leaf.name)
        place = leaf.place
        if not named or not isinstance(place, Resource):
            continue
        name, _ = _parameter(site, leaf)
        of_root = isinstance(leaf.value, Given) or place.stack == site.tree.root.address
        asked = site.tree.root.parameters.get(name) if of_root else None
        if asked is not None and name not in told and not _is_choice(asked) and not _is_hidden(asked):
            told.add(name)
            parts: dict[str, object] = {"parameter": name, "where": f"{place}.{leaf.name}"}
            yield Finding(site.tree.root, ("Parameters", name), parts)


def _asks_for_password(name: str, declared: object) -> bool:
    kind = str(declared.get("Type")) if isinstance(declared, dict) else ""
    named = PASSWORD.search(name) or PROPERTY.search(name)
    return (
        kind == "String" and named is not None and NO_NAME.search(name) is None and not _is_choice(declared)
    )


def _is_choice(declared: object) -> bool:
    """Yes or no, or one of few: about a password, and none itself."""
    default = declared.get("Default") if isinstance(declared, dict) else None
    return isinstance(declared, dict) and (
        "AllowedValues" in declared or str(default).lower() in ("true", "false")
    )


def _is_hidden(declared: object) -> bool:
    return isinstance(declared, dict) and str(declared.get("NoEcho")).lower() == "true"


@rule(
    "E9375",
    cause="{parameter} is a credential, and has a default in plain text in the template",
    remedy="take the default away, and the value from Secrets Manager",
    sources=(NOECHO, CLOUDFORMATION),
)
def a_default_that_is_a_credential(site: Site) -> Iterator[Finding]:
    for stack in site.tree.stacks.values():
        for name, declared in stack.parameters.items():
            if not isinstance(declared, dict) or not isinstance(declared.get("Default"), str | int):
                continue
            default = declared["Default"]
            hidden = _is_hidden(declared) and not USER.search(name)
            asked = hidden or _asks_for_password(name, declared)
            if (asked and literal(default, name if PASSWORD.search(name) else "password")) or (
                isinstance(default, str) and form(default)
            ):
                yield Finding(stack, ("Parameters", name, "Default"), {"parameter": name})


@rule(
    "E9376",
    cause="{taker} takes its {name} from a plain parameter of Systems Manager",
    remedy="use a dynamic reference to secretsmanager, or ssm-secure where the property supports it",
    sources=(
        DYNAMIC,
        "https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-working-with.html",
    ),
)
def a_password_from_a_plain_parameter(site: Site) -> Iterator[Finding]:
    for leaf in leaves(site):
        if PROPERTY.search(leaf.name) and "{{resolve:ssm:" in leaf.text and isinstance(leaf.place, Resource):
            yield _at(leaf, taker=leaf.place, name=leaf.name)


def _at(leaf: Leaf, **parts: object) -> Finding:
    return Finding(leaf.place, leaf.path, parts)
