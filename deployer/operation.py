"""An operation under way, followed until its stack rests."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from deployer import account, stack
from deployer.clock import Clock
from deployer.diagnosis import first_cause
from deployer.errors import DeploymentFailed, LostSight, TookTooLong
from deployer.events import Listener, Progress, Streamer
from parameters.settings import Environment

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

LONGEST_MINUTES = 180.0  # a Multi-AZ database and its replicas take half an hour


class Operation:
    """Made before the operation starts: what the stack has told by then belongs to earlier ones."""

    def __init__(
        self,
        cloudformation: "CloudFormationClient",
        stack_name: str,
        stack_id: str,
        environment: Environment,
        *,
        clock: Clock,
        poll: float,
    ) -> None:
        self._cloudformation = cloudformation
        self._stack_name = stack_name
        self._stack_id = stack_id
        self._environment = environment
        self._clock = clock
        self._poll = poll
        self._streamer = Streamer(cloudformation, stack_id)
        self._streamer.mark()

    def follow(self, listener: Listener, good: Collection[str]) -> None:
        """Hand every event to the listener until the stack rests.

        Raises DeploymentFailed with the first cause if its status is none of `good`, TookTooLong, and
        LostSight when AWS cannot be asked any more: hours may pass, and a session's credentials end.
        """
        try:
            status, events = self._until_it_rests(listener)
        except (BotoCoreError, ClientError) as error:
            why = account.explained(error, self._environment.account)
            raise LostSight(why=why, stack=self._stack_name, environment=self._environment.name) from error
        if status not in good:
            cause = first_cause(events) or "none was told; look at the stack's events"
            raise DeploymentFailed(stack=self._stack_name, status=status, cause=cause)

    def _until_it_rests(self, listener: Listener) -> tuple[str, list[Progress]]:
        """Its status then, and all events."""
        events: list[Progress] = []

        def hand_over(fresh: list[Progress]) -> None:
            for event in fresh:
                events.append(event)
                listener(event)

        deadline = self._clock.now() + LONGEST_MINUTES * 60
        while self._clock.now() < deadline:
            # State before events: what happened in between is fetched, and the last event never missed.
            now = stack.find(self._cloudformation, self._stack_id)
            hand_over(self._streamer.fetch())
            if now is None or now.status == "DELETE_COMPLETE" or self._rests(now):
                hand_over(self._streamer.finish())
                return now.status if now else "DELETE_COMPLETE", events
            self._clock.sleep(self._poll)
        raise TookTooLong(what=self._stack_id, minutes=LONGEST_MINUTES, environment=self._environment.name)

    def _rests(self, now: stack.Stack) -> bool:
        """State and last event agree; before the first event, the state is the last operation's."""
        return not now.is_moving and now.status == self._streamer.root_status
