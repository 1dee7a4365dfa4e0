"""The region that is meant: the environment's. Who names another one is refused before AWS is asked anything.

Every client asks in the environment's region whatever the shell says (clients), so nothing of another region
is ever read or changed. But who types `--region us-east-1`, or whose shell says so, means another place, and
must not learn afterwards where it went. What a profile's file says is a default for all that is done with the
profile, and often another on purpose: that is told, and refuses nothing.
"""

from collections.abc import Mapping

import botocore.session

from deployer.errors import UsageError
from parameters.settings import Environment

# The first that is set counts, as for the AWS CLI; botocore itself reads the second alone.
# https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-envvars.html
VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")


class WrongRegion(UsageError):
    """environment {environment} is in {expected}, and {source} says {found}: to go on in {expected} all the
    same, say so with --region {expected}; nothing was changed"""


def check(environment: Environment, option: str | None, shell: Mapping[str, str]) -> bool:
    """Whether somebody said where, so that no default counts. Raises WrongRegion.

    `option` is what --region says, None without; `shell` the variables of the process.
    """
    named = {"--region": option or "", **{name: shell.get(name, "") for name in VARIABLES}}
    source, found = next(((source, value) for source, value in named.items() if value), ("", ""))
    if found and found != environment.region:
        raise WrongRegion(
            environment=environment.name, expected=environment.region, source=source, found=found
        )
    return bool(found)


def note(environment: Environment, profile: str | None) -> str:
    """What to know where the profile's file has another region; "" where there is none.

    Raises botocore's ProfileNotFound, ConfigParseError.
    """
    own = botocore.session.Session(profile=profile)
    found = own.get_scoped_config().get("region", "")
    if found in {"", environment.region}:
        return ""
    name = own.profile or "default"
    return (
        f"profile {name} has {found}; environment {environment.name} is in {environment.region}, and only "
        "that is asked"
    )
