"""What a Lambda function wrote of errors, from its log group."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from deployer.clients import Clients

if TYPE_CHECKING:
    from types_boto3_logs.type_defs import FilterLogEventsRequestTypeDef

# What Lambda's Python runtime and Lambda itself write of errors, in JSON and in text:
# https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
ERRORS = '?ERROR ?Error ?Exception ?CRITICAL ?"Task timed out"'
FILTERED = 100


@dataclass(frozen=True)
class Logged:
    """Of one function, oldest first, as they were written."""

    function: str  # its name
    group: str
    messages: tuple[str, ...]


def errors(clients: Clients, function: str, between: tuple[datetime, datetime] | None = None) -> Logged:
    """The function by its name or ARN; of all times unless told. Raises ClientError."""
    configured = clients.functions.get_function_configuration(FunctionName=function)
    name = configured["FunctionName"]
    group = configured.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{name}"
    asked: FilterLogEventsRequestTypeDef = {"logGroupName": group, "filterPattern": ERRORS}
    if between is not None:
        since, until = (int(at.timestamp() * 1000) for at in between)
        asked |= {"startTime": since, "endTime": until + 1000, "limit": FILTERED}
    events = clients.logs.filter_log_events(**asked)["events"]
    return Logged(name, group, tuple(event.get("message", "") for event in events))
