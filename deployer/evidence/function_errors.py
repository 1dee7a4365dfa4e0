"""What the function behind a resource said when it failed, from its log group."""

from collections.abc import Iterator

from deployer import function_log
from deployer.evidence.question import LINES, Evidence, Question, short

# How a template wires a resource to its function.
WIRED_BY = ("ServiceToken", "RotationLambdaARN")


def gather(question: Question) -> Iterator[Evidence]:
    function = _function(question)
    if not function:
        return
    logged = function_log.errors(question.clients, function, (question.since, question.until))
    lines = tuple(short(message) for message in logged.messages[-LINES:])
    about = f"errors of the function {logged.function} ({logged.group})"
    yield Evidence(about, lines or ("none in this time",))


def _function(question: Question) -> str:
    if question.event.type == "AWS::Lambda::Function":
        return question.event.physical_id
    return next((str(question.properties[key]) for key in WIRED_BY if key in question.properties), "")
