"""What an account must have before the first deployment, or its first `apply` is rolled back half-way."""

from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import ClientError

from deployer import stack, templates
from deployer.errors import DeployerError
from deployer.target import Target

# ECS makes it too late for the first cluster with Fargate capacity providers.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html
ECS = "ecs.amazonaws.com"
ECS_ROLE = "AWSServiceRoleForECS"
# "as long as you leave at least 100 simultaneous executions unreserved":
# https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html
KEPT_FREE = 100
QUOTA = "L-B99A9384"  # Lambda's "Concurrent executions", as Service Quotas names it
USUAL = 1000


class QuotaTooLow(DeployerError):
    """this account has {found} concurrent executions of functions left in {region}, and needs {wanted}:
    {reserved} to reserve, and 100 that Lambda keeps free. Ask for more with `aws service-quotas
    request-service-quota-increase --region {region} --service-code lambda --quota-code {quota}
    --desired-value {usual}`, and when it is granted run `python deploy.py up {environment}` again"""


@dataclass(frozen=True)
class Met:
    """`made`: something had to be made; `note` says what there is."""

    made: bool
    note: str


def ensure(target: Target, directory: Path) -> Met:
    """Make the role that ECS works with, and see that Lambda's quota suffices for the templates.

    Raises QuotaTooLow, which only a person can mend.
    """
    target.check_account()
    made = _make_role(target)
    role = f"{ECS_ROLE} {'made' if made else 'present'}"
    if stack.find(target.clients.cloudformation, target.stack_name):
        return Met(made, role)  # what it reserves, it has reserved, or its own failure tells
    settings = target.clients.functions.get_account_settings()["AccountLimit"]
    found, wanted = settings["UnreservedConcurrentExecutions"], reserved(directory) + KEPT_FREE
    if found < wanted:
        raise QuotaTooLow(
            found=found,
            wanted=wanted,
            reserved=wanted - KEPT_FREE,
            region=target.environment.region,
            quota=QUOTA,
            usual=USUAL,
            environment=target.environment.name,
        )
    return Met(made, f"{role}, {found} concurrent executions")


def reserved(directory: Path) -> int:
    """How many executions the functions of these templates reserve."""
    total = 0
    for file in sorted(directory.glob("*.yaml")):
        for resource in templates.resources(templates.parse(templates.read(file), file)).values():
            if resource["Type"] == "AWS::Lambda::Function":
                total += int(resource.get("Properties", {}).get("ReservedConcurrentExecutions", 0))
    return total


def _make_role(target: Target) -> bool:
    iam = target.clients.iam
    try:
        iam.get_role(RoleName=ECS_ROLE)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
    else:
        return False
    try:
        iam.create_service_linked_role(AWSServiceName=ECS)
    except ClientError as error:
        # Somebody made it in between: InvalidInput, with "has been taken in this account".
        why = error.response["Error"].get("Message", "")
        if error.response["Error"]["Code"] != "EntityAlreadyExists" and "has been taken" not in why:
            raise
        return False
    return True
