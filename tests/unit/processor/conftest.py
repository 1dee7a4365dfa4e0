"""Records as a stream hands them over."""

import json
from collections.abc import Callable

import pytest
from hypothesis import settings

from processor.source.records import Record

# On a shared machine an example may take any time.
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")

NOW = 1_763_897_519.0  # when each record arrived


@pytest.fixture
def record() -> Callable[..., Record]:
    def make(document: object, number: int = 1) -> Record:
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        return Record(data, str(number), NOW)

    return make
