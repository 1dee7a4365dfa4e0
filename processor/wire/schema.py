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
_EVENT: dict[str, dict[str, Any]] = {
    "specversion": {"type": "string", "description": "what tells a CloudEvents document from a reading"},
    "data": {"anyOf": [{"$ref": "#/$defs/envelope"}, {"$ref": "#/$defs/reading"}]},
    "data_base64": {
        "type": "string",
        "contentEncoding": "base64",
        "description": "the body's bytes in the place of data: JSON, or JSON packed by gzip or zstd",
    },
}

READING_EXAMPLE: dict[str, Any] = {
    "path": "acme/lon1/press/line2/cell4/m17/spindle_temp",
    "ts": 1763897519000,
    "value": 73.9,
    "q": 192,
    "unit": "Cel",
    "seq": 4711,
}
ENVELOPE_EXAMPLE: dict[str, Any] = {
    "v": 1,
    "id": "01JDKZ3S6W3N0T4T0M3X9C7QXA",
    "src": "gw-7",
    "sent": 1763897519123,
    "readings": [
        READING_EXAMPLE,
        {
            "path": "acme/lon1/press/line2/cell4/m17/mode",
            "ts": "2025-11-23T11:31:59.250Z",
            "value": "auto",
            "q": "GOOD",
        },
        {
            "path": "acme/lon1/press/line2/cell4/m17/spindle_temp",
            "ts": "2025-11-02T08:00:00+01:00",
            "value": 71.2,
            "hist": True,
        },
    ],
}
EVENT_EXAMPLE: dict[str, Any] = {
    "specversion": "1.0",
    "id": "A234-1234",
    "source": "/acme/lon1/gw-7",
    "type": "com.example.reading",
    "data": READING_EXAMPLE,
}


def schema() -> dict[str, Any]:
    """The whole contract: an envelope, a bare reading, or an event around one of them.

    Unknown fields are kept, so none is forbidden.
    """
    if _READING.keys() != READING_FIELDS or _ENVELOPE.keys() != ENVELOPE_FIELDS:
        raise RuntimeError("processor/wire/schema.py does not know the fields of processor/wire/document.py")
    reading = {"type": "object", "properties": _READING, "required": ["path", "ts", "value"]}
    envelope = {"type": "object", "properties": _ENVELOPE, "required": ["readings"]}
    body = [{"required": ["data"]}, {"required": ["data_base64"]}]
    event = {"type": "object", "properties": _EVENT, "required": ["specversion"], "anyOf": body}
    return {
        "$schema": DIALECT,
        "title": "millrace: one record",
        "description": "as JSON in UTF-8, plain or packed by gzip or zstd, alone or aggregated: docs/wire.md",
        "anyOf": [{"$ref": "#/$defs/event"}, {"$ref": "#/$defs/envelope"}, {"$ref": "#/$defs/reading"}],
        "$defs": {
            "event": {**event, "examples": [EVENT_EXAMPLE]},
            "envelope": {**envelope, "examples": [ENVELOPE_EXAMPLE]},
            "reading": {**reading, "examples": [READING_EXAMPLE]},
        },
    }


def printed() -> str:
    """The file's text."""
    return json.dumps(schema(), indent=2) + "\n"
