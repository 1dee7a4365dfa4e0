"""What the function behind a resource said when it failed, from its log group."""

from collections.abc import Iterator

from deployer.evidence.question import LINES, Evidence, Question, short

# How a template wires a resource to its function.
WIRED_BY = ("ServiceToken", "RotationLambdaARN")
# What Lambda's Python runtime and Lambda itself write of errors, in JSON and in text:
# https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
ERRORS = '?ERROR ?Error ?Exception ?CRITICAL ?"Task timed out"'
FILTERED = 100


def gather(question: Question) -> Iterator[Evidence]:
    function = _function(question)
    if not function:
        return
    described = question.clients.functions.get_function_configuration(FunctionName=function)
    name = described["FunctionName"]
    group = described.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{name}"
    events = question.clients.logs.filter_log_events(
        logGroupName=group,
        startTime=int(question.since.timestamp() * 1000),
        endTime=int(question.until.timestamp() * 1000) + 1000,
        filterPattern=ERRORS,
        limit=FILTERED,
    )["events"]
    lines = tuple(short(event.get("message", "")) for event in events[-LINES:])
    yield Evidence(f"errors of the function {name} ({group})", lines or ("none in this time",))


def _function(question: Question) -> str:
    if question.event.type == "AWS::Lambda::Function":
        return question.event.physical_id
    return next((str(question.properties[key]) for key in WIRED_BY if key in question.properties), "")
