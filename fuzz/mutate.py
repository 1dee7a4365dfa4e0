"""A batch with one thing changed in the document of one record: what a change of bytes seldom reaches."""

import gzip
import json
import zlib
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from fuzz.aggregation import MAGIC, Part, parts
from fuzz.seeds import NUMBERS, PATH, QUALITIES, READING, TIMES, VALUES, put_together, sealed

ODD: tuple[Any, ...] = (*VALUES, *TIMES, *QUALITIES, *NUMBERS, READING, [READING], {}, [], PATH, "é" * 2049)
KEYS = ("m17", "", PATH.rpartition("/")[0], "a/b/c/d/e/f")
NAMES = (*READING, "hist", "readings", "v", "data", "data_base64", "specversion", "other", "")


def mutated(batch: Sequence[bytes], chance: Random) -> list[bytes]:
    """One record changed, by its document if it has one, else by its bytes; or two, cut at another place."""
    changed = list(batch) or [b""]
    place = chance.randrange(len(changed))
    if chance.random() < 0.1 and len(changed) > 1:
        whole = b"".join(changed)
        cut = chance.randrange(len(whole) + 1)
        return [whole[:cut], whole[cut:]]
    data = changed[place]
    if data.startswith(MAGIC) and chance.random() < 0.9:
        changed[place] = _put_together(data, chance)
        return changed
    if chance.random() < 0.03:
        return [put_together([(chance.choice(KEYS), one) for one in changed])]
    zipped = data[:2] == b"\x1f\x8b"
    try:
        document = json.loads(gzip.decompress(data) if zipped else data)
    except (ValueError, OSError, EOFError, RecursionError, zlib.error):
        changed[place] = _bytes(data, chance)
        return changed
    text = json.dumps(chance.choice(CHANGES)(document, chance), separators=chance.choice(((",", ":"), None)))
    changed[place] = gzip.compress(text.encode()) if zipped or chance.random() < 0.05 else text.encode()
    return changed


def _put_together(data: bytes, chance: Random) -> bytes:
    """Another of the records in one, or another message, under a checksum that fits."""
    found = parts(data, "")
    if found == [Part(data, "")] or chance.random() < 0.3:
        return sealed(_bytes(data[4:-16], chance))
    users = [(part.key, part.data) for part in found]
    at = chance.randrange(len(users))
    key = chance.choice((users[at][0], *KEYS))
    return put_together(
        [*users[:at], *((key, one) for one in mutated([users[at][1]], chance)), *users[at + 1 :]]
    )


def _replaced(node: Any, chance: Random) -> Any:
    """Some node is another one."""
    inner = _inside(node)
    if not inner or chance.random() < 0.2:
        return chance.choice(ODD)
    name = chance.choice(inner)
    return _with(node, name, _replaced(node[name], chance))


def _added(node: Any, chance: Random) -> Any:
    """Somewhere there is more."""
    inner = _inside(node)
    if inner and chance.random() < 0.6:
        name = chance.choice(inner)
        return _with(node, name, _added(node[name], chance))
    if isinstance(node, list):
        return [*node, chance.choice(node or [READING])]
    return {**node, chance.choice(NAMES): chance.choice(ODD)} if isinstance(node, dict) else [node]


def _removed(node: Any, chance: Random) -> Any:
    """Somewhere there is less."""
    inner = _inside(node)
    if not inner:
        return node
    name = chance.choice(inner)
    if chance.random() < 0.6:
        return _with(node, name, _removed(node[name], chance))
    if isinstance(node, list):
        return [item for place, item in enumerate(node) if place != name]
    return {key: value for key, value in node.items() if key != name}


CHANGES: tuple[Callable[[Any, Random], Any], ...] = (_replaced, _replaced, _added, _removed)


def _inside(node: Any) -> list[Any]:
    return list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []


def _with(node: Any, name: Any, value: Any) -> Any:
    changed = node.copy()
    changed[name] = value
    return changed


def _bytes(data: bytes, chance: Random) -> bytes:
    place = chance.randrange(len(data) + 1)
    return chance.choice(
        (
            data[:place],
            data[:place] + chance.randbytes(1) + data[place + 1 :],
            data[:place]
            + chance.choice((b"\n", b"}{", b"}\n{", b'"', b"\\", b"\xff", b"NaN", b"0"))
            + data[place:],
        )
    )
