"""What `--json` prints: one document a command, its schema in docs/schemas/.

`python -m deployer.documents` writes the schemas; a test holds that they are what the code says.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from deployer import apply_document, destruction, drift_document, standing
from deployer.diagnosis import Diagnosis
from deployer.ending import Ending
from deployer.images.delivery import Delivered
from deployer.paths import ROOT
from deployer.plan_document import PlanDocument
from deployer.recovery import Recovery

SCHEMAS = ROOT / "docs" / "schemas"
# A command's name → the type of its document.
DOCUMENTS: Mapping[str, Any] = {
    "apply": apply_document.Document,
    "attach": Ending,
    "bootstrap": apply_document.Document,
    "cancel": Ending,
    "destroy": destruction.Document,
    "diagnose": Diagnosis,
    "drift": drift_document.Document,
    "image": Delivered,
    "outputs": dict[str, str],
    "plan": PlanDocument,
    "recover": Recovery,
    "status": standing.Report,
    "up": dict[str, str],  # the outputs
}
# What has none, and why.
WITHOUT = {"completion": "a shell reads it, in its own language"}


def text(document: object) -> str:
    """The document as JSON, indented; enums by value, None where there is nothing."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def schema(command: str) -> str:
    """JSON Schema 2020-12 of a command's document: https://json-schema.org/draft/2020-12."""
    head: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"deploy.py {command} --json",
    }
    return json.dumps(head | msgspec.json.schema(DOCUMENTS[command]), indent=2) + "\n"


def write(directory: Path = SCHEMAS) -> None:
    directory.mkdir(exist_ok=True)
    for command in DOCUMENTS:
        (directory / f"{command}.schema.json").write_text(schema(command), encoding="utf-8")


if __name__ == "__main__":
    write()
