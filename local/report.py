"""The end of a run, as JSON for programs."""

import tempfile
from pathlib import Path

import msgspec

from deployer.plan import Plan
from local.audit import Audit
from local.platform import Size


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

    @property
    def clean(self) -> bool:
        """What the run's exit code says."""
        return self.lost == 0 and self.duplicated == 0 and self.rotation.rotated


def report(audit: Audit, plan: Plan, size: Size, seconds: float, *, rotated: bool) -> Report:
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
