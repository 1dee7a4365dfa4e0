from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deployer import function_log
from deployer.clients import Clients

FUNCTION = "arn:aws:lambda:eu-west-2:111122223333:function:rotation"
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
UNTIL = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)


def clients(aws: Any) -> Clients:
    made: Clients = aws.deployment(Path()).target.clients
    return made


def test_a_function_that_names_its_log_group_is_read_there_and_of_all_times(aws: Any) -> None:
    configured = {"FunctionName": "rotation", "LoggingConfig": {"LogGroup": "/millrace/dev/rotation"}}
    aws.answers("lambda", "get_function_configuration", configured, FunctionName=FUNCTION)
    aws.answers(
        "logs",
        "filter_log_events",
        {"events": [{"message": "[ERROR] 1"}, {}]},
        logGroupName="/millrace/dev/rotation",
        filterPattern=function_log.ERRORS,
    )

    logged = function_log.errors(clients(aws), FUNCTION)

    assert logged == function_log.Logged("rotation", "/millrace/dev/rotation", ("[ERROR] 1", ""))


def test_a_function_that_names_none_has_lambdas_own_and_is_read_to_the_end_of_the_last_second(
    aws: Any,
) -> None:
    aws.answers("lambda", "get_function_configuration", {"FunctionName": "rotation"})
    aws.answers(
        "logs",
        "filter_log_events",
        {"events": []},
        logGroupName="/aws/lambda/rotation",
        filterPattern=function_log.ERRORS,
        startTime=1767225600000,
        endTime=1767225661000,
        limit=100,
    )

    logged = function_log.errors(clients(aws), FUNCTION, (SINCE, UNTIL))

    assert (logged.group, logged.messages) == ("/aws/lambda/rotation", ())
