"""What a change set is asked for: a template, its parameters, what it may do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from deployer.plan import Kind
from deployer.secret_parameters import refuse_value

if TYPE_CHECKING:
    from types_boto3_cloudformation.literals import CapabilityType
    from types_boto3_cloudformation.type_defs import CreateChangeSetInputTypeDef, ParameterTypeDef


@dataclass(frozen=True)
class Request:
    """A template by URL or by body, never both. A parameter that is None keeps its value."""

    stack_name: str
    kind: Kind
    token: str  # names the change set, makes the request safe to repeat
    template_url: str | None = None
    template_body: str | None = None
    parameters: Mapping[str, str | None] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    def arguments(self) -> "CreateChangeSetInputTypeDef":
        """CreateChangeSet's. On failure while creating, the stack rolls back and stays to be looked at.

        `OnStackFailure` is for CREATE only and excludes execute's `DisableRollback`, which says the same
        for UPDATE: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
        """
        arguments: CreateChangeSetInputTypeDef = {
            "StackName": self.stack_name,
            "ChangeSetName": self.token,
            "ClientToken": self.token,
            "ChangeSetType": self.kind.value,
            "IncludeNestedStacks": True,
            "Parameters": [_parameter(name, value) for name, value in self.parameters.items()],
            "Capabilities": [cast("CapabilityType", name) for name in self.capabilities],
            "Tags": [{"Key": key, "Value": value} for key, value in self.tags.items()],
        }
        if self.template_url is not None:
            arguments["TemplateURL"] = self.template_url
        if self.template_body is not None:
            arguments["TemplateBody"] = self.template_body
        if self.kind is Kind.CREATE:
            arguments["OnStackFailure"] = "ROLLBACK"
        return arguments


def _parameter(name: str, value: str | None) -> "ParameterTypeDef":
    if value is None:
        return {"ParameterKey": name, "UsePreviousValue": True}
    refuse_value(name, value, "the change set")
    return {"ParameterKey": name, "ParameterValue": value}
