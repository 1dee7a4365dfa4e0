"""Before a stack is touched: nothing else may be under way on it, or it is waited for."""

from contextlib import suppress

from deployer import attachment
from deployer.errors import Busy, DeploymentFailed
from deployer.events import Listener
from deployer.target import Target
from deployer.viewer import as_viewer


def settle(target: Target, stack_name: str, wait: bool, listener: Listener) -> None:
    """Return once the stack rests, however what ran has ended.

    `wait` follows what runs, and what another may begin then; without it, raises Busy with the token and the
    start. Raises LostSight too, and what `check_account` does.
    """
    target.check_account()
    while (found := attachment.running(target, stack_name)) is not None:
        if not wait:
            who = f" ({found.who})"
            raise Busy(stack=stack_name, status=found.status, environment=target.environment.name, who=who)
        as_viewer(listener).says(f"{stack_name} is {found.status}: waiting for {found.who}")
        with suppress(DeploymentFailed):  # whose it is, learns why; what comes next looks at the state
            attachment.follow(target, found, listener)
        as_viewer(listener).says("")
