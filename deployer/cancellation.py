"""Cancelling what runs, whoever began it, and following it back to where it was."""

from botocore.exceptions import ClientError

from deployer import attachment, stack
from deployer.attachment import Running
from deployer.errors import DeployerError
from deployer.events import Listener
from deployer.refusal import refusal
from deployer.target import Target

CANCELLED = frozenset({"UPDATE_ROLLBACK_COMPLETE"})


class CannotCancel(DeployerError):
    """{stack} is {status} and cannot be cancelled: {why}"""


def cancellable(target: Target) -> Running:
    """The update that runs now, whoever began it. Raises MissingStack, CannotCancel."""
    target.check_account()
    name = target.environment.name
    found = attachment.running(target)
    if found is None:
        present = stack.find(target.clients.cloudformation, target.stack_name)
        if present is None or present.status == stack.REVIEW:
            raise target.missing(target.stack_name)
        why = refusal(present.status, name, target.stack_name)
        raise CannotCancel(stack=target.stack_name, status=present.status, why=why)
    if why := refusal(found.status, name, target.stack_name):
        raise CannotCancel(stack=target.stack_name, status=found.status, why=why)
    return found


def cancel(target: Target, update: Running, listener: Listener) -> str:
    """Cancel it and follow it back; its status then.

    Raises CannotCancel when it was too late, DeploymentFailed when the way back failed.
    """
    try:
        target.clients.cloudformation.cancel_update_stack(
            StackName=update.stack_id, ClientRequestToken=target.new_token()
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        why = (
            f"{error.response['Error'].get('Message', '')}; see how it ends with `python deploy.py attach "
            f"{target.environment.name}`"
        )
        raise CannotCancel(stack=update.stack_name, status=update.status, why=why) from error
    return attachment.follow(target, update, listener, CANCELLED)
