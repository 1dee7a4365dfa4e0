"""What there is to see of a failure beside its reason: asked of the service that knows, never required.

Each module asks one service, in a few calls and lines, in the time of the operation. What is refused is
told as evidence too, with the permission that is missing.
"""

from collections.abc import Callable, Iterator, Mapping

from botocore.exceptions import BotoCoreError, ClientError

from deployer.evidence import alarms, authorisation, function_errors, names, quotas, service_events, tasks
from deployer.evidence.question import Evidence, Question

Gatherer = Callable[[Question], Iterator[Evidence]]

BY_TYPE: Mapping[str, Gatherer] = {
    "AWS::CloudFormation::CustomResource": function_errors.gather,
    "AWS::ECS::Service": tasks.gather,
    "AWS::ElastiCache::ReplicationGroup": service_events.of_cache,
    "AWS::Lambda::Function": function_errors.gather,
    "AWS::RDS::DBInstance": service_events.of_database,
    "AWS::SecretsManager::RotationSchedule": function_errors.gather,
}
# Of any type: each says nothing where the reason is not its own.
BY_REASON: tuple[Gatherer, ...] = (authorisation.gather, quotas.gather, names.gather, alarms.gather)


def gather(question: Question) -> tuple[Evidence, ...]:
    """All of it; raises nothing that AWS refuses."""
    kind = question.event.type
    own = BY_TYPE.get("AWS::CloudFormation::CustomResource" if kind.startswith("Custom::") else kind)
    found: list[Evidence] = []
    for gatherer in (*BY_REASON, *([own] if own else [])):
        try:
            found.extend(gatherer(question))
        except (BotoCoreError, ClientError) as error:
            found.append(Evidence(f"{kind} {question.event.path}", (_refused(error),)))
    return tuple(found)


def _refused(error: BotoCoreError | ClientError) -> str:
    if not isinstance(error, ClientError):
        return f"not read: {error}"
    message = error.response["Error"].get("Message", "")
    denied = authorisation.read(message)
    if denied is not None:
        return f"not read: these credentials lack {denied.action}"
    return f"not read: {error.operation_name} was refused ({error.response['Error']['Code']}: {message})"
