"""The named statements of sql/queries.sql."""

import re
from importlib import resources

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def load_queries() -> dict[str, bytes]:
    """Statement by name, with psycopg's placeholders; bytes, so that psycopg takes them as they are."""
    text = resources.files("processor").joinpath("sql", "queries.sql").read_text(encoding="utf-8")
    _, *parts = _NAME.split(text)
    return {
        name: body.strip().rstrip(";").encode() for name, body in zip(parts[::2], parts[1::2], strict=True)
    }
