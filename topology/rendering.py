"""Resolved values as text with stand-ins, so that a policy becomes the document that AWS would be sent.

A stand-in is what AWS would answer in form: an ARN of the resource's type, a name made of its address. The
same tree gives the same text everywhere; two resources never give one ARN.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from string import Formatter
from typing import Any

from topology.arns import ATTRIBUTES, FORMS, Form
from topology.resolution import Resolver
from topology.tree import Resource, Tree
from topology.values import REF, Given, Reference, Text, Unknown, Value

ACCOUNT = "111122223333"  # one that AWS's documentation uses, and nobody has
UNLISTED = Form("", "")  # of a type of which only single attributes have a form


class NoForm(ValueError):
    """{address}: {what cannot be written}"""


@dataclass(frozen=True)
class Place:
    """Where the stand-ins pretend to stand."""

    region: str = "eu-west-2"
    account: str = ACCOUNT
    partition: str = "aws"
    given: Mapping[str, str] = field(default_factory=dict)  # values of parameters, where they matter
    root: str = ""  # the root stack's name, where names are to read as CloudFormation makes them

    @cached_property
    def pseudo(self) -> Mapping[str, str]:
        return {
            "AWS::AccountId": self.account,
            "AWS::Partition": self.partition,
            "AWS::Region": self.region,
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": "stack",
            "AWS::StackId": f"arn:{self.partition}:cloudformation:{self.region}:{self.account}:stack/stack/1",
        }


class Renderer:
    """Writes resolved values of one tree."""

    def __init__(self, tree: Tree, place: Place | None = None, resolver: Resolver | None = None) -> None:
        self.resolver = resolver or Resolver(tree)
        self.place = place or Place()

    def document(self, value: Value) -> Any:
        """The same structure with every leaf a scalar. Raises NoForm, Unresolvable."""
        if isinstance(value, list):
            return [self.document(item) for item in value]
        if isinstance(value, dict):
            return {key: self.document(item) for key, item in value.items()}
        if isinstance(value, Reference | Given | Text | Unknown):
            return self.text(value)
        return value

    def text(self, value: Value) -> str:
        """One leaf as text. Raises NoForm, Unresolvable."""
        if isinstance(value, Text):
            return "".join(self.text(part) for part in value.parts)
        if isinstance(value, Reference):
            return self._answer(value.resource, value.attribute)
        if isinstance(value, Given):
            known = {**self.place.pseudo, **self.place.given}
            return known.get(value.name, _words(value.name))
        if isinstance(value, Unknown):
            raise NoForm(value.why)
        if isinstance(value, list | dict):
            raise NoForm(f"{value}: is no single text")
        return str(value)

    def arn(self, resource: Resource) -> str:
        """Raises NoForm for a type whose ARN is not in topology/arns.py."""
        form = self._form(resource, "its ARN")
        return self._filled(form.arn, resource, form)

    @cached_property
    def arns(self) -> Mapping[str, Resource]:
        """ARN -> resource, of every resource whose type has a form."""
        found = self.resolver.tree.resources(*FORMS)
        return {self.arn(resource): resource for resource in found}

    def _answer(self, resource: Resource, attribute: str) -> str:
        special = ATTRIBUTES.get((resource.kind, attribute))
        if special is not None:
            return self._filled(special, resource, FORMS.get(resource.kind, UNLISTED))
        if attribute == REF:
            form = self._form(resource, "what Ref answers")
            patterns = {"name": "{name}", "arn": form.arn}
            return self._filled(patterns.get(form.ref, form.ref), resource, form)
        if re.search(r"(Arn|ARN)$", attribute) and "." not in attribute:
            return self.arn(resource)
        # An address, a port, a name: nothing asks for its form.
        return _words(f"{resource.address}-{attribute}")

    def _form(self, resource: Resource, what: str) -> Form:
        if resource.kind not in FORMS:
            raise NoForm(
                f"{resource.address}: {what} is unknown; add {resource.kind} to topology/arns.py, from the "
                "service authorization reference"
            )
        return FORMS[resource.kind]

    def _filled(self, pattern: str, resource: Resource, form: Form) -> str:
        digest = hashlib.sha256(resource.address.encode()).hexdigest()
        fields = {
            "partition": self.place.partition,
            "service": form.service,
            "region": self.place.region,
            "account": self.place.account,
            "id": digest[:17],
            "uuid": "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32])),
        }
        for _, name, _, _ in Formatter().parse(pattern):
            if name == "name":
                fields[name] = self._name(resource, form)
            elif name is not None and name not in fields:
                fields[name] = self.text(self.resolver.property(resource, name) or "").removeprefix(
                    "https://"
                )
        return pattern.format_map(fields)

    def _name(self, resource: Resource, form: Form) -> str:
        fixed = self.resolver.property(resource, form.name) if form.name else None
        if fixed is not None:
            return self.text(fixed)
        return _generated(resource, self.place.root) if self.place.root else _words(resource.address)


def _generated(resource: Resource, root: str) -> str:
    """A name as CloudFormation makes it, the part that it draws being always the same.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/cfn-example_secret.html
    """
    drawn = "1A2B3C4D5E6F"
    if resource.kind == "AWS::SecretsManager::Secret":
        return f"{resource.name}-{drawn}"
    nested = f"-{resource.stack}-{drawn}" if resource.stack else ""
    stack = f"{root}-bootstrap" if resource.stack == "Bootstrap" else root + nested
    return f"{stack}-{resource.name}-{drawn}"


def _words(name: str) -> str:
    """Processor/TaskRole -> processor-task-role"""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)
    return re.sub(r"[^A-Za-z0-9]+", "-", apart).strip("-").lower()
