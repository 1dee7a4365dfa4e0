"""The contract as JSON Schema, made from the very constants that the checks use.

`python -m processor schema` prints it; docs/reading.schema.json is that, and a test compares them.
"""

import json
from typing import Any

from processor.names import LONGEST_UNIT, PATH
from processor.validate import LARGEST_SEQ, LONGEST_TEXT
from processor.wire.document import ENVELOPE_FIELDS, MOST_READINGS, READING_FIELDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_READING: dict[str, dict[str, Any]] = {
    "path": {
        "type": "string",
        "pattern": f"^{PATH.pattern}$",
        "description": "enterprise/site/area/line/cell/device/metric",
    },
    "ts": {
        "type": ["integer", "string"],
        "description": "epoch milliseconds, or RFC 3339 with an offset; naive only where the site has a zone",
    },
    "value": {
        "type": ["number", "boolean", "string", "null"],
        "description": f"text of at most {LONGEST_TEXT} bytes of UTF-8; NaN and infinities become null, bad",
    },
    "q": {
        "type": ["integer", "string", "null"],
        "minimum": 0,
        "maximum": 2**32 - 1,
        "description": "192, 64, 0, GOOD, UNCERTAIN, BAD, or an OPC UA status code; missing is good",
    },
    "unit": {"type": ["string", "null"], "maxLength": LONGEST_UNIT},
    "seq": {
        "type": ["integer", "null"],
        "minimum": 0,
        "maximum": LARGEST_SEQ,
        "description": "a counter of the device's own; with it, point and ts it tells readings apart",
    },
    "hist": {
        "type": "boolean",
        "default": False,
        "description": "history: exempt from the age bound, and never the latest value",
    },
}
_ENVELOPE: dict[str, dict[str, Any]] = {
    "v": {"const": 1},
    "id": {},
    "src": {},
    "sent": {},
    "traceparent": {},
    "readings": {
        "type": "array",
        "items": {"$ref": "#/$defs/reading"},
        "minItems": 1,
        "maxItems": MOST_READINGS,
    },
}


def schema() -> dict[str, Any]:
    """The whole contract: an envelope, or a bare reading. Unknown fields are kept, so none is forbidden."""
    if _READING.keys() != READING_FIELDS or _ENVELOPE.keys() != ENVELOPE_FIELDS:
        raise RuntimeError("processor/wire/schema.py does not know the fields of processor/wire/document.py")
    reading = {"type": "object", "properties": _READING, "required": ["path", "ts", "value"]}
    envelope = {"type": "object", "properties": _ENVELOPE, "required": ["readings"]}
    return {
        "$schema": DIALECT,
        "title": "millrace: one record",
        "anyOf": [{"$ref": "#/$defs/envelope"}, {"$ref": "#/$defs/reading"}],
        "$defs": {"envelope": envelope, "reading": reading},
    }


def printed() -> str:
    """The file's text."""
    return json.dumps(schema(), indent=2) + "\n"
