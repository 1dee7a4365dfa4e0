"""What a template names is there: nothing lasts in a stack that cannot be deployed."""

import re
from collections.abc import Iterator

from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import NESTED, Stack
from topology.values import Unknown, leaves

PAGE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/"
# How the resolver says that a name leads nowhere.
NOWHERE = re.compile(r"is neither a resource nor a parameter of|has no resource|has no output|is given no ")
LOOP = "Fn::ForEach"


def _plain(stack: Stack) -> bool:
    """Whether every name of it is written down: no macro makes some, and no condition takes some away."""
    body = stack.body
    made = any(str(name).startswith(LOOP) for name in body.get("Resources") or {})
    return not made and not body.get("Transform") and not body.get("Conditions")


def _nowhere(stack: Stack, leaf: Unknown) -> bool:
    """An attribute of a parameter is what a module asks for: whoever takes the module gives a resource."""
    asked = re.search(r"has no resource (\w+)", leaf.why)
    return bool(NOWHERE.search(leaf.why)) and (asked is None or asked[1] not in stack.parameters)


def _own(stack: Stack, leaf: Unknown) -> bool:
    """Whether the name stands in this stack's own template."""
    of = stack.address or stack.file.name
    return leaf.why.endswith(f"is neither a resource nor a parameter of {of}") or leaf.why.startswith(
        f"{of} has no resource "
    )


@rule(
    "E9497",
    cause="{why}",
    remedy="name what there is, or put back what was taken away",
    sources=(
        f"{PAGE}TemplateReference/intrinsic-function-reference-ref.html",
        f"{PAGE}TemplateReference/intrinsic-function-reference-getatt.html",
    ),
)
def a_name_that_leads_nowhere(site: Site) -> Iterator[Finding]:
    plain = all(map(_plain, site.tree.stacks.values()))
    for resource in site.tree.resources():
        stack = site.tree.stacks[resource.stack]
        if not plain and not _plain(stack):
            continue
        for name, value in site.properties(resource).items():
            for leaf in dict.fromkeys(leaves(value)):
                # Another stack may have under a condition what it gives; its own names a template has or not.
                if isinstance(leaf, Unknown) and _nowhere(stack, leaf) and (plain or _own(stack, leaf)):
                    yield found(resource, name, why=leaf.why)


@rule(
    "E9498",
    cause="output {output} of {stack} leads nowhere: {why}",
    remedy="let it name what there is, or remove it with whoever takes it",
    sources=(f"{PAGE}UserGuide/outputs-section-structure.html",),
)
def an_output_that_leads_nowhere(site: Site) -> Iterator[Finding]:
    if not all(map(_plain, site.tree.stacks.values())):
        return
    for stack in site.tree.stacks.values():
        for name, output in stack.outputs.items():
            for leaf in leaves(site.resolver.value(output, stack.address)):
                if isinstance(leaf, Unknown) and _nowhere(stack, leaf):
                    of = stack.address or stack.file.name
                    yield Finding(stack, ("Outputs", name), {"output": name, "stack": of, "why": leaf.why})


@rule(
    "E9499",
    cause="{what} waits for {name}, which its template does not have",
    remedy="name a resource of the same template, or remove it",
    sources=(f"{PAGE}TemplateReference/aws-attribute-dependson.html",),
)
def a_wait_for_what_there_is_not(site: Site) -> Iterator[Finding]:
    for resource in site.tree.resources():
        stack = site.tree.stacks[resource.stack]
        written = resource.body.get("DependsOn") or []
        if not _plain(stack):
            continue
        for name in [written] if isinstance(written, str) else written:
            if isinstance(name, str) and name not in stack.resources:
                yield Finding(resource, ("DependsOn",), {"what": resource, "name": name})


@rule(
    "E9489",
    cause="{what} is given {name}, and its template {file} has no such parameter",
    remedy="declare the parameter, or do not give it",
    sources=(f"{PAGE}TemplateReference/aws-resource-cloudformation-stack.html",),
)
def a_parameter_that_the_child_does_not_take(site: Site) -> Iterator[Finding]:
    for resource in site.all(NESTED):
        child = site.tree.stacks.get(resource.address)
        if child is None or not _plain(child):
            continue
        given = site.get(resource, "Parameters")
        for name in given if isinstance(given, dict) else ():
            if name not in child.parameters:
                yield found(resource, "Parameters", name, what=resource, name=name, file=child.file.name)


@rule(
    "E9488",
    cause="{what} is not given {name}, which its template {file} asks for",
    remedy="give it, or declare a Default",
    sources=(f"{PAGE}UserGuide/parameters-section-structure.html",),
)
def a_parameter_that_the_child_lacks(site: Site) -> Iterator[Finding]:
    for resource in site.all(NESTED):
        child = site.tree.stacks.get(resource.address)
        given = site.get(resource, "Parameters")
        if child is None or isinstance(given, Unknown):
            continue
        for name, declared in child.parameters.items():
            if "Default" not in declared and name not in child.arguments:
                yield found(resource, "Parameters", what=resource, name=name, file=child.file.name)
