"""Where that lies whose name is taken."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from deployer.errors import is_absent
from deployer.evidence.question import Evidence, Question

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import StackResourceTypeDef

# CloudFormation's own sentence names the stack; a service's names the thing, or leaves it to the error code.
# https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html
TAKEN = re.compile(r"already exists|AlreadyExists")
NAMED = re.compile(r"[\"'\[(]?(?P<name>[\w/.:+=@-]{3,})[\"'\])]? already exists")
IN_STACK = re.compile(r"already exists in stack (?P<stack>arn:\S+)")


def gather(question: Question) -> Iterator[Evidence]:
    reason = question.event.reason
    if not TAKEN.search(reason):
        return
    if found := IN_STACK.search(reason):
        stack = found["stack"].rstrip(".,;")
        yield Evidence("where the name is taken", (f"in the stack {stack}",))
        return
    name = _name(question)
    if not name:
        return
    holder = _holder(question, name)
    if holder is None:
        told = (
            f"{name} lies in no stack of {question.region}: an orphan, or made by hand; import or delete it"
        )
    else:
        told = f"{name} is {holder['LogicalResourceId']} in the stack {holder['StackName']}"
    yield Evidence("where the name is taken", (told,))


def _name(question: Question) -> str:
    """The physical id where there is one; the name that was asked for; the one in the sentence."""
    asked = [str(value) for key, value in question.properties.items() if key.endswith("Name")]
    if len(asked) == 1:
        return asked[0]
    found = NAMED.search(question.event.reason)
    return found["name"] if found else question.event.physical_id


def _holder(question: Question, name: str) -> "StackResourceTypeDef | None":
    try:
        answer = question.clients.cloudformation.describe_stack_resources(PhysicalResourceId=name)
    except ClientError as error:
        if is_absent(error):
            return None
        raise
    for resource in answer["StackResources"]:
        if resource.get("PhysicalResourceId") == name and resource.get("StackId") != question.event.stack_id:
            return resource
    return None
