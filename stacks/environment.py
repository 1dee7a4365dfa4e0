"""What an artefact is told by its environment, checked against what it asks for.

Processor and function each have a `settings.Settings`: one environment variable per field, in upper case.
The template's variables are made from those fields here, so a setting that nobody wired, and a value that
nobody asked for, break the build instead of the deployed artefact.
"""

import dataclasses
from collections.abc import Mapping

import msgspec
from troposphere import AWSHelperFn

Value = AWSHelperFn | str


class UnwiredError(ValueError):
    """{settings class}: {which fields do not fit, and what to do}"""

    def __init__(self, settings: type, why: str) -> None:
        super().__init__(f"{settings.__module__}.{settings.__qualname__}: {why}")


def variables(settings: type, wired: Mapping[str, Value]) -> dict[str, Value]:
    """The environment of an artefact: variable → value, in the order of the fields of `settings`.

    A field with a default may be left out. Raises UnwiredError when a field without one is not wired, a
    value has no field, or a value is empty (an empty variable reads as a missing one).
    """
    required = _fields(settings)
    if missing := [name for name, needed in required.items() if needed and name not in wired]:
        raise UnwiredError(settings, f"nothing wires {', '.join(missing)}; give each a value or a default")
    if unknown := [name for name in wired if name not in required]:
        raise UnwiredError(settings, f"has no field {', '.join(unknown)}; there are: {', '.join(required)}")
    if empty := [name for name, value in wired.items() if value == ""]:
        raise UnwiredError(settings, f"{', '.join(empty)} would be empty; leave it out or give it a value")
    return {name.upper(): wired[name] for name in required if name in wired}


def _fields(settings: type) -> dict[str, bool]:
    """Field → whether it must be wired."""
    if dataclasses.is_dataclass(settings):
        absent = dataclasses.MISSING
        return {
            field.name: field.default is absent and field.default_factory is absent
            for field in dataclasses.fields(settings)
        }
    return {field.name: field.required for field in msgspec.structs.fields(settings)}
