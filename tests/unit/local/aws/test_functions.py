"""What a deployed function writes."""

import time
from collections.abc import Callable
from typing import Any

import pytest

FAILING = """
import logging

log = logging.getLogger("own")
log.setLevel(logging.INFO)

def handle(event, context):
    log.info("it begins")
    logging.getLogger("chatty").info("nobody asked for this")
    raise LookupError("no such thing")
"""


@pytest.mark.parametrize(
    ("permission", "groups"), [("logs:PutLogEvents", []), ("logs:CreateLogGroup", ["/aws/lambda/NAME"])]
)
def test_a_function_makes_its_log_group_where_its_role_allows_it(
    aws: Any, logged: Callable[[Any, str], list[str]], permission: str, groups: list[str]
) -> None:
    assert logged(aws, permission) == groups


def test_a_function_s_log_has_its_levels_and_what_it_raised_and_is_found_by_any_of_several_terms(
    aws: Any, archive: Callable[[str], bytes]
) -> None:
    # Given a function that logs and raises
    name, group = f"failing{time.monotonic_ns()}", "/of/failing"
    trust = '{"Version": "2012-10-17", "Statement": []}'
    role = aws.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    logs = aws.client("logs")
    logs.create_log_group(logGroupName=group)
    aws.client("lambda").create_function(
        FunctionName=name,
        Role=role,
        Runtime="python3.12",
        Handler="handler.handle",
        Code={"ZipFile": archive(FAILING)},
        LoggingConfig={"LogGroup": group},
    )

    # When it is called
    assert "FunctionError" in aws.client("lambda").invoke(FunctionName=name, Payload=b"{}")

    # Then its log is as Lambda's runtime writes it
    def found(pattern: str) -> list[str]:
        events = logs.filter_log_events(logGroupName=group, filterPattern=pattern)["events"]
        return [event["message"] for event in events]

    (begins,) = found("?begins ?nobody")
    assert begins.startswith("[INFO]\t")
    assert found('?CRITICAL ?"[ERROR]"') == ["[ERROR] LookupError: no such thing"]
