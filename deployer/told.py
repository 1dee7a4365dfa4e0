"""What a root change set says of itself, its changes apart."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import DescribeChangeSetOutputTypeDef


@dataclass(frozen=True)
class Told:
    id: str
    name: str
    stack_id: str
    stack_name: str
    description: str
    parameters: dict[str, str]  # those that keep their value apart
    tags: dict[str, str]
    capabilities: tuple[str, ...]

    @classmethod
    def of(cls, root: "DescribeChangeSetOutputTypeDef") -> Self:
        return cls(
            id=root["ChangeSetId"],
            name=root["ChangeSetName"],
            stack_id=root["StackId"],
            stack_name=root["StackName"],
            description=root.get("Description", ""),
            parameters={
                parameter["ParameterKey"]: parameter["ParameterValue"]
                for parameter in root.get("Parameters", [])
                if "ParameterValue" in parameter and not parameter.get("UsePreviousValue")
            },
            tags={tag["Key"]: tag["Value"] for tag in root.get("Tags", [])},
            capabilities=tuple(sorted(root.get("Capabilities", []))),
        )
