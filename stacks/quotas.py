"""CloudFormation's quotas, and how much of them a template may use.

A full stack is too late to split: what is in it would have to be moved while it runs. So the build refuses
more than four fifths.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
"""

from collections.abc import Iterator
from typing import Any

ROOM = 0.8

SECTIONS = {"Resources": 500, "Parameters": 200, "Outputs": 200, "Mappings": 200}
MAPPING_ATTRIBUTES = 200  # of one mapping
NAME_CHARACTERS = 255  # of a resource, a parameter, an output, a mapping
DESCRIPTION_BYTES = 1_024
PARAMETER_BYTES = 4_096  # what one parameter's value may hold; a default is one
BODY_BYTES = 1_000_000  # of an object in S3
REQUEST_BYTES = 51_200  # of a body that is sent in the request itself
DYNAMIC_REFERENCES = 60
NESTED_RESOURCES = 2_500  # that one operation on a root may create, update or delete


def overfull(tree: dict[str, Any], text: str, sent: str = "") -> Iterator[str]:
    """One line per quota of which a template uses more than its room; `text` is its emitted form.

    `sent`: what of it is sent in a request itself, since no bucket is there yet.
    """
    for section, quota in SECTIONS.items():
        yield from _over(len(tree.get(section, {})), quota, section.lower())
        for name in tree.get(section, {}):
            yield from _over(len(name), NAME_CHARACTERS, f"characters in the name {name}")
    for name, mapping in tree.get("Mappings", {}).items():
        yield from _over(len(mapping), MAPPING_ATTRIBUTES, f"attributes of mapping {name}")
        for key, attributes in mapping.items():
            yield from _over(len(attributes), MAPPING_ATTRIBUTES, f"attributes of mapping {name}.{key}")
            for attribute in (key, *attributes):
                yield from _over(len(attribute), NAME_CHARACTERS, f"characters in the name {attribute}")
    for name, parameter in tree.get("Parameters", {}).items():
        default = str(parameter.get("Default", ""))
        yield from _over(len(default.encode()), PARAMETER_BYTES, f"bytes in the default of parameter {name}")
    yield from _over(len(tree.get("Description", "").encode()), DESCRIPTION_BYTES, "bytes of description")
    yield from _over(len(text.encode()), BODY_BYTES, "bytes")
    yield from _over(len(sent.encode()), REQUEST_BYTES, "bytes in a request")
    yield from _over(text.count("{{resolve:"), DYNAMIC_REFERENCES, "dynamic references")


def overfull_together(trees: dict[str, dict[str, Any]]) -> Iterator[str]:
    """The same for a root and all that it nests, which one operation changes."""
    resources = sum(len(tree["Resources"]) for tree in trees.values())
    yield from _over(resources, NESTED_RESOURCES, "resources in all nested stacks")


def _over(count: int, quota: int, what: str) -> Iterator[str]:
    room = int(quota * ROOM)
    if count > room:
        yield f"{count} {what} are more than {ROOM:.0%} of CloudFormation's {quota} ({room}); split the stack"
