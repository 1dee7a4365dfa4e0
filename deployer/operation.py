"""An operation under way, followed until its stack rests."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Self

from botocore.exceptions import BotoCoreError, ClientError

from deployer import account, interrupt, stack
from deployer.causes import first_cause
from deployer.clock import Clock
from deployer.errors import Cancelled, DeploymentFailed, LostSight, TookTooLong
from deployer.events import Listener, Progress, Streamer, in_time, was_cancelled
from deployer.patience import Patience
from deployer.refusal import refusal
from deployer.target import Target, new_token
from deployer.viewer import Choice, Viewer, as_viewer
from parameters.settings import Environment

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

LONGEST_MINUTES = 180.0  # a Multi-AZ database and its replicas take half an hour


class Operation:
    """Made before the operation starts: what the stack has told by then belongs to earlier ones.

    `began` is for one that runs already: what it has told since then is told again.
    """

    def __init__(
        self,
        cloudformation: "CloudFormationClient",
        stack_name: str,
        stack_id: str,
        environment: Environment,
        *,
        clock: Clock,
        poll: float,
        began: datetime | None = None,
        new_token: Callable[[], str] = new_token,
    ) -> None:
        self._cloudformation = cloudformation
        self._stack_name = stack_name
        self._stack_id = stack_id
        self._environment = environment
        self._clock = clock
        self._poll = poll
        self._began = began
        self._new_token = new_token
        self._streamer = Streamer(cloudformation, stack_id, began)
        if began is None:
            self._streamer.mark()
        self._events: list[Progress] = []
        self._status = ""  # as it was last seen
        self._cancelled = False  # by whoever watches

    @classmethod
    def of(cls, target: Target, stack_name: str, stack_id: str, began: datetime | None = None) -> Self:
        """On one of a target's stacks, or on what they nest."""
        return cls(
            target.clients.cloudformation,
            stack_name,
            stack_id,
            target.environment,
            clock=target.clock,
            poll=target.poll,
            began=began,
            new_token=target.new_token,
        )

    def follow(self, listener: Listener, good: Collection[str]) -> str:
        """Hand every event to the listener until the stack rests; its status then.

        Trouble with credentials, connection and quotas is waited out; Ctrl-C asks the listener, if it is one
        that can be asked. Raises DeploymentFailed with the first cause if the status is none of `good`,
        Cancelled, TookTooLong, LostSight when AWS could not be asked for too long, and KeyboardInterrupt.
        """
        viewer = as_viewer(listener)
        ago = 0.0 if self._began is None else (self._clock.wall() - self._began).total_seconds()
        viewer.begins(max(0.0, ago))
        status = self._until_it_rests(viewer)
        if status not in good:
            raise failure(self._stack_name, status, self._events, cancelled=self._cancelled)
        return status

    def _until_it_rests(self, viewer: Viewer) -> str:
        patience = Patience(self._clock, viewer, self._environment.account, self._poll)
        deadline = self._clock.now() + LONGEST_MINUTES * 60
        pause = self._poll
        while self._clock.now() < deadline:
            try:
                with interrupt.held():
                    try:
                        ended = self._look(viewer, patience)
                        patience.well()
                        if ended:
                            return self._status
                        pause = self._poll
                    except (BotoCoreError, ClientError) as error:
                        pause = self._pause(patience, error)
                self._wait(pause, viewer)
            except KeyboardInterrupt:
                self._answer(viewer)
        raise TookTooLong(what=self._stack_id, minutes=LONGEST_MINUTES, environment=self._environment.name)

    def _look(self, viewer: Viewer, patience: Patience) -> bool:
        """Hand over what is new; whether that was the last."""
        # State before events: what happened in between is fetched, and the last event never missed.
        now = stack.find(self._cloudformation, self._stack_id)
        if now is None and patience.was_refused:
            raise self._lost("the credentials that came after the refused ones know no such stack")
        self._status = now.status if now else "DELETE_COMPLETE"
        self._hand_over(self._streamer.fetch(), viewer)
        if now is not None and now.status != "DELETE_COMPLETE" and not self._rests(now):
            return False
        self._hand_over(self._streamer.finish(), viewer)
        return True

    def _hand_over(self, fresh: list[Progress], viewer: Viewer) -> None:
        for event in fresh:
            self._events.append(event)
            viewer(event)

    def _rests(self, now: stack.Stack) -> bool:
        """State and last event agree; before the first event, the state is the last operation's."""
        return not now.is_moving and now.status == self._streamer.root_status

    def _wait(self, seconds: float, viewer: Viewer) -> None:
        """In steps, so that who watches sees time pass."""
        end = self._clock.now() + seconds
        viewer.tick()
        while (rest := end - self._clock.now()) > 0:
            self._clock.sleep(min(rest, self._poll))
            viewer.tick()

    def _pause(self, patience: Patience, error: BotoCoreError | ClientError) -> float:
        pause = patience.after(error)
        if pause is None:
            raise self._lost(account.explained(error, self._environment.account)) from error
        return pause

    def _lost(self, why: object) -> LostSight:
        token = self._streamer.token
        operation = f" --operation {token}" if token else ""
        return LostSight(
            why=why, stack=self._stack_name, environment=self._environment.name, operation=operation
        )

    def _answer(self, viewer: Viewer) -> None:
        """What becomes of it after Ctrl-C. Raises KeyboardInterrupt to leave."""
        choice = viewer.choose(refusal(self._status, self._environment.name, self._stack_name))
        if choice is Choice.LEAVE:
            raise KeyboardInterrupt
        if choice is Choice.CANCEL:
            try:
                self._cloudformation.cancel_update_stack(
                    StackName=self._stack_id, ClientRequestToken=self._new_token()
                )
                self._cancelled = True
            except (BotoCoreError, ClientError) as error:
                viewer.says(f"not cancelled: {account.explained(error, self._environment.account)}")


def failure(
    stack_name: str, status: str, events: Sequence[Progress], *, cancelled: bool = False
) -> DeploymentFailed:
    """What an operation that did not end well is told as. `cancelled`: it is known to be."""
    if status == "UPDATE_ROLLBACK_COMPLETE" and (cancelled or was_cancelled(events)):
        return Cancelled(stack=stack_name, status=status, cause="cancelled")
    cause = first_cause(in_time(events)) or "none was told; look at the stack's events"
    return DeploymentFailed(stack=stack_name, status=status, cause=cause)
