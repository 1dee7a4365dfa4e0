"""What holds in every test run: no call of AWS that topology/calls.py did not read from the source."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient

from topology.calls import calls

REPOSITORY = Path(__file__).parents[1]
HERE = f"{REPOSITORY}{os.sep}"
INSTALLED = f"{HERE}.venv{os.sep}"
SHIPPED = ("deployer", "processor", "rotation")


def caller() -> str | None:
    """The package of the innermost frame that is ours; None where a test, or local/, calls by itself."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        frame = frame.f_back
        file = frame.f_code.co_filename
        if file.startswith(HERE) and not file.startswith(INSTALLED) and file != __file__:
            package = file.removeprefix(HERE).partition(os.sep)[0]
            return package if package in SHIPPED else None
    return None


@pytest.fixture(scope="session", autouse=True)
def _every_call_is_known_from_the_source() -> Iterator[None]:
    """Unread calls could have no statement that allows them."""
    read = {
        package: {(call.service, call.operation) for call in calls(REPOSITORY / package, REPOSITORY)}
        for package in SHIPPED
    }
    original = BaseClient._make_api_call  # type: ignore[attr-defined]

    def checked(client: Any, operation: str, request: Any) -> Any:
        package = caller()
        if package is not None:
            service = client.meta.service_model.service_name
            assert (service, operation) in read[package], (
                f"{package} calls {service} {operation} by a name that its source does not show"
            )
        return original(client, operation, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", checked)
        yield
