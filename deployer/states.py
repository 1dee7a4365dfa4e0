"""Every status that a stack can have: what it means for a change, and the command that goes on from it.

The statuses are botocore's StackStatus; what each means is told at
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
"""

from enum import StrEnum

REVIEW = "REVIEW_IN_PROGRESS"  # a stack that is nothing yet but a change set
BOOTSTRAP = "-bootstrap"  # how the name of an environment's other stack ends


class Readiness(StrEnum):
    """What may be done with a stack now."""

    NOTHING = "there is nothing yet, or no more"  # takes a CREATE
    RESTING = "takes changes"
    MOVING = "an operation is under way"
    STUCK = "takes no change before it has been recovered"


NOTHING = frozenset({REVIEW, "DELETE_COMPLETE"})
RESTING = frozenset(
    {
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
        # Kept as it failed, since somebody asked for that: it takes another change, or goes back.
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html
        "UPDATE_FAILED",
    }
)
NEVER_CREATED = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"})

# Why nothing goes on by itself, and what `recover` does about it.
STUCK = {
    **dict.fromkeys(
        NEVER_CREATED, "its first creation failed, and what is left must go before it is made again"
    ),
    "UPDATE_ROLLBACK_FAILED": "its roll-back met a resource that it cannot put back",
    "DELETE_FAILED": "something in it could not be deleted",
    "IMPORT_ROLLBACK_FAILED": "the roll-back of an import failed, and CloudFormation continues no such",
}


def readiness(status: str) -> Readiness:
    """Of any status, those that botocore does not know yet by their ending."""
    if status in NOTHING:
        return Readiness.NOTHING
    if status in STUCK:
        return Readiness.STUCK
    if status in RESTING:
        return Readiness.RESTING
    if status.endswith("_IN_PROGRESS"):
        return Readiness.MOVING
    return Readiness.RESTING if status.endswith("_COMPLETE") else Readiness.STUCK


def command(verb: str, environment: str, stack_name: str) -> str:
    """The command that works on this very stack: an environment has two."""
    which = " --bootstrap" if stack_name.endswith(BOOTSTRAP) else ""
    return f"python deploy.py {verb} {environment}{which}"


def next_command(status: str, environment: str, stack_name: str) -> str:
    """The one command that is safe from here, once the cause is mended where there is one."""
    found = readiness(status)
    if found is Readiness.STUCK:
        return command("recover", environment, stack_name)
    if found is Readiness.MOVING:
        return f"python deploy.py attach {environment}"
    verb = "bootstrap" if stack_name.endswith(BOOTSTRAP) else "plan"
    return f"python deploy.py {verb} {environment}"
