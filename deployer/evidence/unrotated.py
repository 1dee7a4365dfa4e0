"""A login that a container was handed before its first rotation made it true: why that has not come."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from deployer import function_log
from deployer.evidence.question import LINES, Evidence, Question, short

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import ContainerDefinitionOutputTypeDef

# arn:aws:secretsmanager:<region>:<account>:secret:<name>, and perhaps :<key>:<stage>:<version> behind it.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
PARTS = 7
SERVICE = ":secretsmanager:"


def gather(question: Question, container: "ContainerDefinitionOutputTypeDef") -> Iterator[Evidence]:
    """Of each secret that ECS hands to this container. Raises ClientError."""
    handed = [one["valueFrom"] for one in container.get("secrets", [])]
    for arn in sorted({":".join(value.split(":")[:PARTS]) for value in handed if SERVICE in value}):
        told = question.clients.secrets.describe_secret(SecretId=arn)
        function = told.get("RotationLambdaARN")
        if told.get("LastRotatedDate") or not told.get("RotationEnabled") or not function:
            continue
        logged = function_log.errors(question.clients, function, (question.since, question.until))
        lines = tuple(short(message) for message in logged.messages[-LINES:])
        about = f"{container.get('name')} was handed {told['Name']}, which was never rotated; errors of the "
        about += f"function {logged.function} ({logged.group})"
        yield Evidence(about, lines or ("none in this time",))
