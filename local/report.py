"""The end of a run, as JSON for programs."""

import tempfile
from pathlib import Path

import msgspec

from deployer.plan import Plan
from local.audit import Audit
from local.platform import Size
from local.rehearsal import Rehearsal
from local.watching import Watched


class Latency(msgspec.Struct):
    """From put to committed, milliseconds; null where nothing was newly stored."""

    p50: float | None
    p99: float | None


class Changes(msgspec.Struct):
    """Resources of all stacks, as the plan had them."""

    add: int
    modify: int
    remove: int


class Rotated(msgspec.Struct):
    rotated: bool


class Rehearsed(msgspec.Struct):
    """A second deployment: what was edited, the exit code of its plan, what `apply` said without the
    acknowledgement; then the first cause of a change that failed, as what the root ended, and whether a
    further plan found nothing to do.
    """

    edits: list[str]
    plan: int
    refused: str
    cause: str
    status: str
    restored: bool


class Alarms(msgspec.Struct):
    """Raised in this run, cleared of those, and messages that SNS has taken of them by its end."""

    raised: int
    cleared: int
    told: int


class Report(msgspec.Struct):
    """sent = stored + quarantined + absorbed + lost."""

    sent: int
    stored: int
    quarantined: int
    lost: int
    duplicated: int
    absorbed: int
    latency_ms: Latency
    seconds: float  # the whole run, from its start to the end of the audit
    stacks: int
    resources: int
    plan: Changes
    rotation: Rotated
    alarms: Alarms
    rehearsal: Rehearsed | None = None  # null with --no-rehearsal

    @property
    def clean(self) -> bool:
        """What the run's exit code says. What did not go as it must in the rehearsal has ended it before."""
        return self.lost == 0 and self.duplicated == 0 and self.rotation.rotated


def report(
    audit: Audit, plan: Plan, size: Size, seconds: float, watched: Watched, *, rotated: bool
) -> Report:
    """Everything in one place."""
    latency = audit.latency_ms
    return Report(
        sent=audit.sent,
        stored=audit.stored,
        quarantined=audit.quarantined,
        lost=audit.lost,
        duplicated=audit.duplicated,
        absorbed=audit.absorbed,
        latency_ms=Latency(latency.p50, latency.p99) if latency else Latency(None, None),
        seconds=round(seconds, 1),
        stacks=size.stacks,
        resources=size.resources,
        plan=Changes(plan.counts.add, plan.counts.modify, plan.counts.remove),
        rotation=Rotated(rotated),
        alarms=Alarms(len(watched.alarms), watched.cleared, watched.told),
    )


def of_rehearsal(rehearsal: Rehearsal) -> Rehearsed:
    return Rehearsed(
        list(rehearsal.edits),
        rehearsal.verdict,
        rehearsal.refused,
        rehearsal.cause,
        rehearsal.status,
        rehearsal.restored,
    )


def write(report: Report, file: Path) -> None:
    """Whole or not at all: a reader never sees half a file."""
    content = msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"
    if file.exists() and not file.is_file():  # /dev/stdout and its like
        file.write_bytes(content)
        return
    with tempfile.NamedTemporaryFile(dir=file.parent, prefix=".millrace-", delete=False) as staged:
        try:
            staged.write(content)
            staged.flush()
            Path(staged.name).chmod(0o644)
            Path(staged.name).replace(file)
        except BaseException:
            Path(staged.name).unlink(missing_ok=True)
            raise
