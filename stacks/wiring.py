"""The seam between nested stacks: typed values, and the function that makes parameters and outputs of them.

Every stack module has `Inputs`, `Outputs` (frozen dataclasses of the types below, or tuples of them)
and `build(template, inputs, settings) -> Outputs`. `Root.nest` makes a child's parameters from its
`Inputs` and its outputs from its `Outputs`, and hands the root `GetAtt` values of the same types. So
mypy sees a misspelt output, a wrong kind of ARN and a forgotten input, and no string names either side.

`settings` is the stack's own section of the environment's parameters. The little that every stack must
know of its environment (its name, its log groups' names, what becomes of data) comes with the template,
a `StackTemplate`; a stack that asks for more is asking for another stack's settings.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, dataclass, fields
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar, NewType, Protocol, TypeVar

from troposphere import AWSHelperFn, BaseAWSObject, GetAtt, Output, Parameter, Ref, Sub, Tags, Template
from troposphere.budgets import Budget, ResourceTag
from troposphere.cloudformation import Stack
from troposphere.iam import Role

from parameters.settings import Environment
from stacks.context import why
from stacks.functions import names

KeyArn = NewType("KeyArn", AWSHelperFn)
TopicArn = NewType("TopicArn", AWSHelperFn)
TopicName = NewType("TopicName", AWSHelperFn)
AlarmArn = NewType("AlarmArn", AWSHelperFn)
VpcId = NewType("VpcId", AWSHelperFn)
SubnetId = NewType("SubnetId", AWSHelperFn)
SecurityGroupId = NewType("SecurityGroupId", AWSHelperFn)
NatGatewayId = NewType("NatGatewayId", AWSHelperFn)
StreamArn = NewType("StreamArn", AWSHelperFn)
StreamName = NewType("StreamName", AWSHelperFn)
ConsumerName = NewType("ConsumerName", AWSHelperFn)
TopicRuleName = NewType("TopicRuleName", AWSHelperFn)
QueueArn = NewType("QueueArn", AWSHelperFn)
QueueName = NewType("QueueName", AWSHelperFn)
QueueUrl = NewType("QueueUrl", AWSHelperFn)
SecretArn = NewType("SecretArn", AWSHelperFn)
FunctionArn = NewType("FunctionArn", AWSHelperFn)
FunctionName = NewType("FunctionName", AWSHelperFn)
HostName = NewType("HostName", AWSHelperFn)
Port = NewType("Port", AWSHelperFn)
DatabaseId = NewType("DatabaseId", AWSHelperFn)
ReplicationGroupId = NewType("ReplicationGroupId", AWSHelperFn)
CacheMemberId = NewType("CacheMemberId", AWSHelperFn)
CacheUserId = NewType("CacheUserId", AWSHelperFn)
ClusterName = NewType("ClusterName", AWSHelperFn)
ServiceName = NewType("ServiceName", AWSHelperFn)
TableName = NewType("TableName", AWSHelperFn)
BucketName = NewType("BucketName", AWSHelperFn)
ObjectKey = NewType("ObjectKey", AWSHelperFn)
ImageUri = NewType("ImageUri", AWSHelperFn)
RoleArn = NewType("RoleArn", AWSHelperFn)
PolicyArn = NewType("PolicyArn", AWSHelperFn)
Address = NewType("Address", AWSHelperFn)

# Types that take tags by CloudFormation's schema, though troposphere's classes do not know it yet.
TAKE_TAGS_TOO = ("AWS::IoT::TopicRule",)

HERE = Path(__file__)
ROOT = "platform"
Made = TypeVar("Made", bound=BaseAWSObject | list[BaseAWSObject])
Wired = Mapping[str, AWSHelperFn]  # the name that crosses the seam -> the value on this side of it


class WiringError(ValueError):
    """{stack}: {what does not fit, and what to do}"""

    def __init__(self, stack: str, why: str) -> None:
        super().__init__(f"{stack}: {why}")


@dataclass(frozen=True)
class Origin:
    """A line of Python that made a resource."""

    file: Path
    line: int


def origin() -> Origin:
    """The innermost call in a stack's module: not in this one, and not in a library that it asks."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = Path(frame.f_code.co_filename)
        if file.parent == HERE.parent and file != HERE:
            return Origin(file, frame.f_lineno)
        frame = frame.f_back
    return Origin(HERE, 1)  # a stack that stands in no module, as in a test


class StackTemplate(Template):
    """A template that knows which environment it is made for."""

    def __init__(self, name: str, module: str, environment: Environment) -> None:
        """`name` is the file's stem; `module` the dotted name of what builds it."""
        source = sys.modules[module].__doc__ or ""
        super().__init__(Description=source.partition("\n")[0])
        self.set_version("2010-09-09")
        self.name = name
        self.module = module
        self.environment: str = environment.name
        self._tags = environment.tags
        self.origins: dict[str, Origin] = {}  # logical id → where its resource is made

    def add_resource(self, resource: Made) -> Made:
        for one in resource if isinstance(resource, list) else [resource]:
            self.origins[str(one.title)] = origin()
        return super().add_resource(resource)

    @property
    def title(self) -> str:
        """The logical id that its nested stack has in the root; of the root itself none."""
        return "" if self.name == ROOT else _camel(self.name)

    @property
    def file_name(self) -> str:
        return f"{self.name}.yaml"

    @property
    def retention(self) -> dict[str, Any]:
        """The two policies of a resource that holds data: prod lets go of nothing, dev deletes cleanly.

        `RetainExceptOnCreate`: a first creation that fails leaves no orphan that blocks the second.
        """
        if self.environment == "prod":
            return {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
        return {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete"}

    @cached_property
    def tree(self) -> dict[str, Any]:
        """The finished template as plain dicts and lists, rendered once: ask for it when nothing is added."""
        return self.to_dict()

    def log_group_name(self, stem: str) -> str:
        """Fixed names, since the key policy that admits /millrace/<environment>/* is made before them."""
        return f"/millrace/{self.environment}/{stem}"

    def bound_roles(self) -> None:
        """No role of the platform goes beyond the boundary, which bootstrap makes under this name."""
        arn = "arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/"
        for resource in self.resources.values():
            if isinstance(resource, Role):
                resource.PermissionsBoundary = Sub(f"{arn}millrace-{self.environment}-boundary")

    def tag_resources(self) -> None:
        """Give each resource the environment's tags in the shape that its type has; its own tags win."""
        for resource in self.resources.values():
            if isinstance(resource, Budget):  # the one type here that spells them otherwise
                resource.ResourceTags = [ResourceTag(Key=key, Value=tag) for key, tag in self._tags.items()]
            elif "Tags" in resource.props:
                own = resource.properties.get("Tags")
                if resource.props["Tags"][0] is dict:
                    resource.Tags = self._tags | (own or {})
                else:
                    pairs = {tag["Key"]: tag["Value"] for tag in own.to_dict()} if own else {}
                    resource.Tags = Tags(self._tags | pairs)
            elif resource.resource_type in TAKE_TAGS_TOO:
                resource.properties["Tags"] = Tags(self._tags)


class Wires(Protocol):
    """A frozen dataclass whose fields are values of the types above, or tuples of them."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


InputsOf = TypeVar("InputsOf", bound=Wires)
OutputsOf = TypeVar("OutputsOf", bound=Wires)
SettingsOf = TypeVar("SettingsOf")


class Root:
    """The template that nests all others, in the order in which they were nested."""

    def __init__(self, template: StackTemplate, environment: Environment) -> None:
        self.template = template
        # "Template needs packaging" (W3002): local paths are what lets cfn-lint check values across stacks.
        # Said in the template, so that everybody's cfn-lint knows.
        template.set_metadata({"cfn-lint": {"config": {"ignore_checks": ["W3002"]}}})
        self.children: dict[str, StackTemplate] = {}
        self._environment = environment

    def nest(
        self,
        build: Callable[[StackTemplate, InputsOf, SettingsOf], OutputsOf],
        inputs: InputsOf,
        settings: SettingsOf,
    ) -> OutputsOf:
        """Build a stack, nest it under its module's name and return its outputs as the root sees them.

        Raises WiringError when the stack is nested twice, a value is no intrinsic function, or a child
        ignores one of its inputs.
        """
        name = build.__module__.rpartition(".")[2]
        title = _camel(name)
        if title in self.children:
            raise WiringError(name, "is nested twice; a module is one nested stack")
        child = StackTemplate(name, build.__module__, self._environment)
        given, seen_inside = _cross(name, inputs, Ref)
        for parameter in given:
            child.add_parameter(Parameter(parameter, Type="String"))
        outputs = build(child, seen_inside, settings)
        made, seen_outside = _cross(name, outputs, lambda output: GetAtt(title, f"Outputs.{output}"))
        for output, value in made.items():
            child.add_output(Output(output, Value=value))
        child.tag_resources()
        child.bound_roles()
        _refuse_unused(child)
        self.children[title] = child
        parameters: dict[str, Any] = {"Parameters": dict(given)} if given else {}
        self.template.add_resource(
            Stack(
                title,
                Metadata=why(f"{child.description}"),
                # The stack may go: what it holds has policies of its own.
                DeletionPolicy="Delete",
                UpdateReplacePolicy="Delete",
                TemplateURL=child.file_name,
                **parameters,
            )
        )
        return seen_outside


def apart(
    build: Callable[[StackTemplate, SettingsOf], Wires], settings: SettingsOf, environment: Environment
) -> StackTemplate:
    """Build a stack that stands by itself: no inputs, and outputs that people and the deployer read."""
    name = build.__module__.rpartition(".")[2]
    template = StackTemplate(name, build.__module__, environment)
    outputs, _ = _cross(name, build(template, settings), Ref)
    for output, value in outputs.items():
        template.add_output(Output(output, Value=value))
    template.tag_resources()
    return template


W = TypeVar("W", bound=Wires)


def _cross(stack: str, wires: W, reference: Callable[[str], AWSHelperFn]) -> tuple[Wired, W]:
    """Name each value for the crossing, and make the same structure of references to those names."""
    named: dict[str, AWSHelperFn] = {}
    other_side: dict[str, Any] = {}
    for field in fields(wires):
        value = getattr(wires, field.name)
        names = list(_names(field.name, value))
        for name, part in names:
            if not isinstance(part, AWSHelperFn):
                raise WiringError(
                    stack, f"{field.name} is {part!r}; what crosses is a Ref, a GetAtt or a Sub, typed"
                )
            named[name] = part
        references = tuple(reference(name) for name, _ in names)
        other_side[field.name] = references if isinstance(value, tuple) else references[0]
    return named, type(wires)(**other_side)


def _names(field: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, tuple):
        # Scalars, since Fn::Select on a list that comes from a sibling fails in a nested change set.
        yield from ((f"{_camel(field)}{position}", part) for position, part in enumerate(value, start=1))
    else:
        yield _camel(field), value


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _refuse_unused(child: StackTemplate) -> None:
    used = names(child.tree)
    if unused := [parameter for parameter in child.parameters if parameter not in used]:
        raise WiringError(child.name, f"never uses its inputs {', '.join(unused)}; drop them from Inputs")
