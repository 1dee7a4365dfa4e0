"""What can stop a deployment, each with the command or change that mends it.

DeployerError                  exit 1
├── UsageError                 exit 2: nothing was touched
│   ├── MissingCredentials
│   ├── RejectedCredentials
│   ├── WrongAccount
│   ├── TemplateMissing
│   ├── BadImage
│   ├── BadPlan
│   ├── MissingImage
│   ├── MissingStack
│   ├── ApprovalNeeded
│   ├── LibraryMissing         functions
│   ├── LibraryOther           functions
│   ├── LibraryUnfit           functions
│   ├── Unreadable             images.archive
│   ├── BadArchive             images.archive
│   ├── WrongPlatform          images.archive
│   ├── Damaged                images.archive
│   ├── NoBuilder              images.builder
│   ├── NoCommit               images.builder
│   ├── NoSuchName             naming
│   ├── Ambiguous              naming
│   ├── NotBlocking            recovery
│   ├── WrongOption            recovery
│   └── WrongRegion            region
├── NotApproved
│   └── Mistyped
├── Unreachable
├── ServiceError
├── BadTemplate
├── ArtefactReplaced
├── NotBootstrapped
├── Stuck
├── Busy
├── Protected
├── Guarded
├── DataLossNotAccepted
│   └── DataAtStake            recovery
├── ChangeSetFailed
├── PlanOutdated
│   ├── Unsealed               seal
│   └── SealBroken             seal
├── NeverSettled
├── TookTooLong
├── NoSuchOperation
├── LostSight
├── Unread
├── Unwritten
├── Interrupted                exit 130
├── LetRun                     exit 130
├── DeploymentFailed
│   ├── Diagnosed
│   └── Cancelled
├── CannotCancel               cancellation
├── StillLocked                contents
├── NotEmptied                 contents
├── PlatformStands             destruction
├── NotEmpty                   destruction
├── CannotDetect               drift
├── Drifted                    drift
├── NotRotated                 first_rotation
├── BuildFailed                images.builder
├── TagTaken                   images.repository
├── FindingsRefused            images.scan
├── QuotaTooLow                preconditions
├── Unrecoverable              recovering
├── ProtectedRemains           recovering
├── MissingAlarm               rollback_alarms
├── AlarmRaised                rollback_alarms
├── SecretParameter            secret_parameters
├── NotSteady                  steadiness
└── NeedsReview                up
"""

from inspect import cleandoc

from botocore.exceptions import ClientError


class DeployerError(Exception):
    """The deployment cannot go on: {why}"""

    # A subclass's docstring is its message, remedy included, and the keywords fill it in.
    exit_code = 1

    def __init__(self, **fields: object) -> None:
        # A docstring wraps where its line ends; a message does only where it lists a cause.
        sentence = " ".join(cleandoc(self.__doc__ or "").split("\n"))
        self.fields = fields
        super().__init__(sentence.format(**fields))


class UsageError(DeployerError):
    """{why}"""

    exit_code = 2


class MissingCredentials(UsageError):
    """no AWS credentials for account {account} ({why}): set AWS_PROFILE, or run
    `aws sso login`, and try again"""


class RejectedCredentials(UsageError):
    """AWS refuses the credentials ({why}): renew them, for instance with `aws sso login`, and try again"""


class WrongAccount(UsageError):
    """environment {environment} belongs to account {expected}, these credentials to {found} ({identity}): use
    credentials of {expected}, or correct `account` in parameters/{environment}.yaml; nothing was changed"""


class TemplateMissing(UsageError):
    """there is no {file}: emit the templates first with `python build.py`"""


class BadImage(UsageError):
    """--image is {found!r}; it must be a digest: sha256: and 64 hexadecimal digits"""


class BadPlan(UsageError):
    """--plan is {found!r}; it must be a name that `python deploy.py plan` printed: millrace-deploy-…"""


class MissingImage(UsageError):
    """{stack} has no image yet: name one with --image sha256:<digest>, which `python deploy.py image
    {environment}` prints; later changes keep it by themselves"""


class MissingStack(UsageError):
    """there is no stack {stack} in {region}: create it with `python deploy.py {command} {environment}`"""


class ApprovalNeeded(UsageError):
    """nobody can be asked for approval, since there is no terminal: add --yes once you have read the plan"""


class NotApproved(DeployerError):
    """not approved; nothing was changed"""


class Mistyped(NotApproved):
    """{typed!r} was typed, and not {wanted}; nothing was changed"""


class Unreachable(DeployerError):
    """AWS cannot be reached ({why}): check the network and AWS_ENDPOINT_URL, and try again"""


class ServiceError(DeployerError):
    """AWS refused {operation}: {why}"""


class BadTemplate(DeployerError):
    """{file}: {why}; emit it again with `python build.py`"""


class ArtefactReplaced(DeployerError):
    """s3://{bucket}/{key} does not hold what its name says, but something with the SHA-256 {found}: somebody
    replaced it. See who in the bucket's access log, delete that version of the object (`aws s3api
    list-object-versions --bucket {bucket} --prefix {key}`), and try again; nothing was deployed"""


class NotBootstrapped(DeployerError):
    """{stack} does not offer {output}, without which nothing is deployed: run `python deploy.py bootstrap
    {environment}` first"""


class Stuck(DeployerError):
    """{stack} is {status}{why} and takes no change: {meaning}. See why with `{look}`, mend it with
    `{mend}`"""


class Busy(DeployerError):
    """{stack} is {status}, another operation is under way{who}: follow it with `python deploy.py attach
    {environment}`, and try again when it has ended, or wait for that with --wait"""

    def __init__(self, *, who: str = "", **fields: object) -> None:
        super().__init__(who=who, **fields)


class Protected(DeployerError):
    """{stack} is protected against deletion: set `termination_protection: false` in
    parameters/{environment}.yaml, run `python deploy.py {command} {environment}`, then destroy it"""


class Guarded(DeployerError):
    """{stack} holds what refuses to be deleted ({paths}): set `deletion_protection: false` in
    parameters/{environment}.yaml, run `python build.py` and `python deploy.py apply {environment}`, then
    destroy it"""


class DataLossNotAccepted(DeployerError):
    """{stack} would lose data, and nobody accepted that for {paths}: read what would be lost; to go on all
    the same, run the command again with {options}; nothing was changed"""


class ChangeSetFailed(DeployerError):
    """the change set for {stack} could not be made: {why}. Mend it, then `python build.py` and
    `python deploy.py plan` again; nothing was changed"""


class PlanOutdated(DeployerError):
    """{stack} has moved since the plan was made ({why}): plan again with `python deploy.py plan`"""


class NeverSettled(DeployerError):
    """the change set {change_set} did not settle within {minutes:.0f} minutes: look at it with `aws
    cloudformation describe-change-set --region {region} --change-set-name {change_set}`, then run
    `python deploy.py plan` again"""


class TookTooLong(DeployerError):
    """{what} did not settle within {minutes:.0f} minutes: look with `python deploy.py
    status {environment}`"""


class NoSuchOperation(DeployerError):
    """{stack} tells of no operation {operation}, which is a plan's name or an id of AWS's: see the last
    one with `python deploy.py {command} {environment}`"""


class LostSight(DeployerError):
    """{why}. What was begun on {stack} goes on in AWS: follow it again with `python deploy.py attach
    {environment}{operation}`"""


class Unread(DeployerError):
    """the output was not read to its end"""


class Unwritten(DeployerError):
    """the output cannot be written ({why}): make room for it, or write it elsewhere; what stands is told by
    `python deploy.py status`"""


class Interrupted(DeployerError):
    """interrupted; no change of a stack was begun"""

    exit_code = 130  # 128 + SIGINT, as shells count


class LetRun(DeployerError):
    """{why}; what runs in AWS goes on: follow it again with `python deploy.py attach {environment}`"""

    exit_code = Interrupted.exit_code


class DeploymentFailed(DeployerError):
    """{stack} ended as {status}; first cause: {cause}"""


class Diagnosed(DeploymentFailed):
    """{stack} ended as {status}; its first cause and the next command stand above"""


class Cancelled(DeploymentFailed):
    """the update of {stack} was {cause}, and it ended as {status}: it is as it was before"""


def is_absent(error: ClientError) -> bool:
    """Whether CloudFormation says that there is no such stack, or no such change set."""
    # A change set has a code of its own; a stack, also that of a change set, only a sentence.
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
    code, why = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    return code == "ChangeSetNotFound" or (code == "ValidationError" and "does not exist" in why)
