"""Registering resource types that upstream lacks, and completing those that it has.

What replaces a resource is each type's `createOnlyProperties` in CloudFormation's resource schemas
(cfn-lint carries them); what `GetAtt` and `Ref` return is the schema's readOnlyProperties and the
user guide's page of the type.
"""

from collections.abc import Callable
from typing import Any

from ministack.services.cloudformation import provisioners

from local.aws.stacks import Json

Made = tuple[str, Json]  # physical id (what Ref returns), attributes
Create = Callable[[str, Json, str], Made]  # logical id, properties, stack name
Complete = Callable[[str, Json, Json], Made]  # physical id, properties, attributes


def register(
    name: str,
    *,
    create: Create,
    update: Callable[[str, Json, Json], Made],
    delete: Callable[[str, Json], None],
    replacing: tuple[str, ...] = (),
    tagged: bool = False,
) -> None:
    """Add a type. `update` takes (physical id, old, new) and sees no change of a `replacing` property.

    Raises LookupError when upstream has the type by now.
    """
    if name in provisioners._RESOURCE_HANDLERS:
        raise LookupError(f"ministack has {name} by now: drop the addition")

    def updated(physical_id: str, old: Json, new: Json, stack_name: str) -> Made:
        return update(physical_id, old, new)

    provisioners._RESOURCE_HANDLERS[name] = {"create": create, "update": updated, "delete": delete}
    provisioners._REPLACING_PROPERTIES[name] = replacing
    if tagged:
        provisioners._STACK_TAG_PROPERTY[name] = ("Tags", "list")


def complete(name: str, completed: Complete) -> None:
    """Let `completed` see, and change, what upstream's create and update of a type return."""
    handlers = provisioners._RESOURCE_HANDLERS[name]

    def after(original: Callable[..., Made], properties: int) -> Callable[..., Made]:
        def wrapped(*arguments: Any) -> Made:
            physical_id, attributes = original(*arguments)
            return completed(physical_id, arguments[properties], attributes)

        return wrapped

    provisioners._RESOURCE_HANDLERS[name] = {
        **handlers,
        "create": after(handlers["create"], 1),
        **({"update": after(handlers["update"], 2)} if "update" in handlers else {}),
    }


def kept(physical_id: str, old: Json, new: Json) -> Made:
    """The update of a type whose every property replaces it, but for its tags."""
    return physical_id, {}


def named(props: Json, key: str, stack_name: str, logical_id: str, longest: int = 255) -> str:
    """The name that the template gives, else one as CloudFormation makes them."""
    name: str = props.get(key) or provisioners._physical_name(stack_name, logical_id, max_len=longest)
    return name


def called(answer: tuple[int, Json, bytes | str], name: str) -> bytes:
    """The body of a service's answer. Raises ValueError with it when it is an error."""
    status, _, body = answer
    raw = body if isinstance(body, bytes) else body.encode()
    if status >= 400:
        raise ValueError(f"{name}: {raw.decode(errors='replace')}")
    return raw


def query(parameters: Json) -> Json:
    """A query-protocol request's parameters as ministack's handlers take them."""
    return {key: [str(value)] for key, value in parameters.items() if value is not None}
