"""Whose readings a record may hold.

IoT's rule makes the partition key of the topic, which a device's certificate binds to its place and name:
`enterprise/site/area/line/cell/device`. What a payload says of its paths is free, so the two are compared. A
key of another shape binds nothing: a gateway that puts with credentials of its own chooses any, and may speak
for several devices (docs/decisions/binding.md).
"""

from collections.abc import Callable

import numpy as np

from processor.columns import Bool, Int32, Int64
from processor.names import Names

_SLASHES = 5  # in the path of a device


def binds(key: str) -> bool:
    """Whether a partition key is a device's path."""
    return key.count("/") == _SLASHES


def check_device(
    keys: list[str], each: Callable[[Int64], Int64], slot: Int32, names: Names
) -> tuple[Bool, str]:
    """Which rows are of another device than their record's partition key names, and why they are refused.

    `keys` is one a record; `each` makes a column of the readings of one of the records. A row whose path was
    refused has a negative slot, and no device.
    """
    place = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    bound = [binds(key) for key in place]
    if not any(bound) or not names.paths:
        return np.zeros(len(slot), np.bool_), ""
    # Most batches repeat few pairs of key and path, so the texts are compared once for each.
    devices = list(place)
    pairs = each(np.fromiter(map(place.__getitem__, keys), np.int64, len(keys))) * len(names.paths) + slot
    found, which = np.unique(pairs, return_inverse=True)
    wrong = np.zeros(len(found), np.bool_)
    for number, pair in enumerate(found.tolist()):
        key, path = divmod(pair, len(names.paths))
        wrong[number] = bound[key] and not names.paths[path].startswith(f"{devices[key]}/")
    stranger: Bool = wrong[which] & (slot >= 0)
    return stranger, "path is another device's than the record's partition key; a device speaks for itself"
