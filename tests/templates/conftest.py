"""The committed templates, read as cfn-lint reads them: functions in their long form."""

from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import decode

TEMPLATES = Path(__file__).parents[2] / "templates"

Templates = dict[str, dict[str, Any]]


def read(environment: str) -> Templates:
    """Stack → template."""
    decoded: Templates = {}
    for file in sorted((TEMPLATES / environment).glob("*.yaml")):
        template, errors = decode(str(file))
        assert template is not None, errors
        decoded[file.stem] = template
    return decoded


@pytest.fixture(scope="session")
def dev() -> Templates:
    return read("dev")


@pytest.fixture(scope="session")
def prod() -> Templates:
    return read("prod")


@pytest.fixture(params=["dev", "prod"])
def templates(request: pytest.FixtureRequest, dev: Templates, prod: Templates) -> Templates:
    """Each environment in turn."""
    return {"dev": dev, "prod": prod}[request.param]
