"""What a deployed function writes."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("permission", "groups"), [("logs:PutLogEvents", []), ("logs:CreateLogGroup", ["/aws/lambda/NAME"])]
)
def test_a_function_makes_its_log_group_where_its_role_allows_it(
    aws: Any, logged: Callable[[Any, str], list[str]], permission: str, groups: list[str]
) -> None:
    assert logged(aws, permission) == groups
