"""Why an operation cannot be cancelled: AWS cancels an update only, and only until it cleans up.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CancelUpdateStack.html
"""

from deployer import states

CANCELLABLE = "UPDATE_IN_PROGRESS"

# By the first words that are found in the state.
REASONS = (
    ("ROLLBACK", "it rolls back already; {follow}"),
    (
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "the update is done, and only what it replaced is being removed; {follow}, then plan the way back "
        "with `{again}`",
    ),
    (
        "CREATE_IN_PROGRESS",
        "a first creation has nothing to go back to; {follow}, then remove what it made with `{destroy}`",
    ),
    ("DELETE_IN_PROGRESS", "a deletion goes on to its end; {follow}"),
    ("_IN_PROGRESS", "AWS cancels updates only; {follow}"),
    ("", "nothing runs; see how it stands with `python deploy.py status {environment}`"),
)


def refusal(status: str, environment: str, stack_name: str) -> str:
    """Why a stack in this state cannot be cancelled, and the next command; "" when it can."""
    if status == CANCELLABLE:
        return ""
    follow = f"follow it with `python deploy.py attach {environment}`"
    moving = status.endswith("_IN_PROGRESS")
    reason = next(why for words, why in REASONS if words in status and (moving or not words))
    return reason.format(
        follow=follow,
        environment=environment,
        destroy=states.command("destroy", environment, stack_name),
        again=states.next_command("UPDATE_COMPLETE", environment, stack_name),
    )
