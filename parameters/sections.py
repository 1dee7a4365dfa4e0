"""What each stack is told: one typed, checked structure a stack, the `settings` of the stack of that name.

The text under a field is what an editor shows (schema.py): what it is, and in which unit.
"""

from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Meta

from parameters import windows
from parameters.hours import WorkingHours, check_zone
from parameters.section import Days, LogRetention, Section
from parameters.windows import DailyWindow, WeeklyWindow

# MiB of memory that Fargate offers for so many CPU units.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
FARGATE_MIB = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4096 + 1, 1024)),
    1024: tuple(range(2048, 8192 + 1, 1024)),
    2048: tuple(range(4096, 16384 + 1, 1024)),
    4096: tuple(range(8192, 30720 + 1, 1024)),
}


class StreamMode(StrEnum):
    PROVISIONED = "PROVISIONED"
    ON_DEMAND = "ON_DEMAND"


class OnDelete(StrEnum):
    """What becomes of a resource that holds data when its stack lets go of it."""

    DELETE = "Delete"
    SNAPSHOT = "Snapshot"


class Keys(Section, frozen=True):
    rotation_days: Annotated[int, Meta(ge=90, le=2560)]
    """Days after which KMS makes new key material, within its own bounds."""
    deletion_window_days: Annotated[int, Meta(ge=7, le=30)]
    """Days between the deletion of a key and the end of all that it encrypts."""


class Alerts(Section, frozen=True):
    monthly_budget_usd: Annotated[int, Meta(ge=1)]
    """US dollars a month; mail goes out when they are nearly spent."""


class Stream(Section, frozen=True):
    mode: StreamMode
    """PROVISIONED has a fixed number of shards, ON_DEMAND follows the load."""
    retention_hours: Annotated[int, Meta(ge=24, le=8760)]
    """Hours that the stream keeps a reading: so long may the processor be down."""
    shards: Annotated[int, Meta(ge=1, le=200)] | None = None
    """Shards, with mode PROVISIONED only; each takes 1 MB or 1,000 records a second."""

    def __post_init__(self) -> None:
        if (self.mode is StreamMode.PROVISIONED) != (self.shards is not None):
            raise ValueError("shards goes with mode PROVISIONED, and only with it")


class Database(Section, frozen=True):
    engine_version: Annotated[
        str,
        Meta(pattern=r"^1[78]\.\d+$", description='PostgreSQL 17 or 18 in full, in quotes, such as "18.6"'),
    ]
    """Version of PostgreSQL."""
    instance_class: Annotated[
        str, Meta(pattern=r"^db\.[a-z0-9]+\.[a-z0-9]+$", description="such as db.t4g.micro")
    ]
    """Size of the database's host."""
    multi_az: bool
    """A second host in another zone takes over when the first one fails."""
    storage_gib: Annotated[int, Meta(ge=20, le=65536)]
    """GiB of storage to begin with."""
    max_storage_gib: Annotated[int, Meta(ge=20, le=65536)]
    """GiB up to which RDS lets the storage grow; 10 % above storage_gib or more."""
    backup_days: Annotated[int, Meta(ge=1, le=35)]
    """Days back to which the database can be restored."""
    backup_window: DailyWindow
    """When the daily backup begins; 30 minutes or longer, apart from maintenance_window."""
    maintenance_window: WeeklyWindow
    """When AWS may maintain the database, once a week."""
    deletion_protection: bool
    """The database cannot be deleted before this is turned off."""
    on_delete: OnDelete
    """What becomes of the database when its stack lets go of it."""
    insights: Literal["standard", "advanced"]
    """CloudWatch Database Insights; advanced needs insights_retention_days of 465 or more."""
    insights_retention_days: Annotated[int, Meta(ge=7, le=731)]
    """Days that Performance Insights keeps its figures: 7, n * 31 up to 713, or 731."""
    log_retention_days: LogRetention
    """Days that the database's logs are kept."""

    def __post_init__(self) -> None:
        # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html
        if self.max_storage_gib * 10 < self.storage_gib * 11:
            raise ValueError("max_storage_gib must be at least 10 % above storage_gib, or RDS refuses it")
        # botocore's model of RDS, CreateDBInstance, PerformanceInsightsRetentionPeriod: 7, whole months, 731.
        days = self.insights_retention_days
        if days not in (7, 731) and (days % 31 or days > 23 * 31):
            raise ValueError(f"insights_retention_days is {days}; RDS takes 7, n * 31 up to 713, and 731")
        if self.insights == "advanced" and days < 465:
            raise ValueError("insights_retention_days must be at least 465 with insights: advanced")
        windows.check("backup_window", self.backup_window, self.maintenance_window, least=30)


class Cache(Section, frozen=True):
    engine: Literal["valkey", "redis"]
    """Valkey, or Redis up to 7.1."""
    engine_version: Annotated[
        str, Meta(pattern=r"^\d+\.\d+$", description='major and minor, in quotes, such as "8.2"')
    ]
    """Version of the engine."""
    node_type: Annotated[
        str, Meta(pattern=r"^cache\.[a-z0-9]+\.[a-z0-9]+$", description="such as cache.t4g.micro")
    ]
    """Size of each node."""
    nodes: Annotated[int, Meta(ge=2, le=6)]
    """Nodes: one takes writes, the others stand by and take over."""
    snapshot_days: Annotated[int, Meta(ge=0, le=35)]
    """Days that the daily snapshots are kept; 0 takes none."""
    snapshot_window: DailyWindow
    """When the daily snapshot begins; 60 minutes or longer, apart from maintenance_window."""
    maintenance_window: WeeklyWindow
    """When AWS may maintain the cache, once a week."""
    on_delete: OnDelete
    """What becomes of the cache when its stack lets go of it."""
    log_retention_days: LogRetention
    """Days that the cache's logs are kept."""

    def __post_init__(self) -> None:
        windows.check("snapshot_window", self.snapshot_window, self.maintenance_window, least=60)


class Rotation(Section, frozen=True):
    every_days: Annotated[int, Meta(ge=1, le=30)]  # over 30 days is more than the security baseline allows
    """Days between two rotations of each login to the database."""
    log_retention_days: LogRetention
    """Days that the function's log is kept."""


class Processor(Section, frozen=True):
    cpu: Literal[256, 512, 1024, 2048, 4096]
    """CPU units of a task; 1024 are one virtual CPU."""
    memory_mib: Annotated[int, Meta(ge=512, le=30720)]
    """MiB of memory of a task, of those that Fargate offers with cpu; each shard that it reads takes 200."""
    architecture: Literal["ARM64", "X86_64"]
    """What the image is built for."""
    tasks_min: Annotated[int, Meta(ge=1)]
    """Tasks that run at least."""
    tasks_max: Annotated[int, Meta(ge=1)]
    """Tasks that run at most: no more than stream.shards, where those are fixed.

    On demand they are not: a new stream takes 4 MB/s, as four shards do, and grows:
    https://docs.aws.amazon.com/streams/latest/dev/how-do-i-size-a-stream.html
    """
    retrieval: Literal["polling", "fan_out"]
    """Whether the stream is asked for records, or pushes them to a consumer of our own, which costs more."""
    on_demand_tasks: Annotated[int, Meta(ge=1)]
    """The first so many tasks are never on Fargate Spot."""
    # Not all: a provider of weight 0 can place no tasks at all.
    spot_share: Annotated[int, Meta(ge=0, le=99)]
    """Per cent of the tasks beyond on_demand_tasks that are on Fargate Spot."""
    log_retention_days: LogRetention
    """Days that the processor's log is kept."""
    oldest_reading_days: Days
    """Days before its arrival that a reading may date from; older ones go to quarantine."""
    newest_reading_minutes: Annotated[int, Meta(ge=0)]
    """Minutes by which a device's clock may be ahead; what is newer goes to quarantine."""
    reading_retention_days: Days
    """Days that readings stay in the database, from when they were measured or, if later, stored."""
    minute_retention_days: Days
    """Days that the sums of each minute stay; no less than reading_retention_days."""
    hour_retention_days: Days
    """Days that the sums of each hour stay; no less than minute_retention_days."""
    quarantine_retention_days: Days
    """Days that refused readings wait to be taken again."""
    site_time_zone: str | None = None
    """IANA name of the zone in which devices without an offset tell the time."""
    bind_devices: bool = True
    """Whether a record whose partition key is a device's path may hold that device's readings only."""
    working_hours: WorkingHours | None = None
    """When the plant works, and how many tasks run then at least."""

    def __post_init__(self) -> None:
        offered = FARGATE_MIB[self.cpu]
        if self.memory_mib not in offered:
            listed = ", ".join(map(str, offered))
            raise ValueError(f"memory_mib is {self.memory_mib}; Fargate offers with cpu {self.cpu}: {listed}")
        if self.site_time_zone is not None:
            check_zone("site_time_zone", self.site_time_zone)
        if not self.reading_retention_days <= self.minute_retention_days <= self.hour_retention_days:
            raise ValueError(
                f"minute_retention_days is {self.minute_retention_days}; it must be from "
                f"reading_retention_days, {self.reading_retention_days}, to hour_retention_days, "
                f"{self.hour_retention_days}"
            )
        if self.tasks_min > self.tasks_max:
            raise ValueError(f"tasks_min is {self.tasks_min}; it must be at most tasks_max, {self.tasks_max}")
        if self.working_hours and not self.tasks_min <= self.working_hours.tasks_min <= self.tasks_max:
            raise ValueError(
                f"working_hours.tasks_min is {self.working_hours.tasks_min}; it must be from tasks_min, "
                f"{self.tasks_min}, to tasks_max, {self.tasks_max}"
            )


class Observability(Section, frozen=True):
    lag_alarm_seconds: Annotated[int, Meta(ge=30)]
    """Seconds behind the stream from which the alarm on lag sounds."""
    expiry_alarm_hours: Annotated[int, Meta(ge=1)]
    """Hours that a reading waits from which the alarm on its loss sounds; below stream.retention_hours."""
    free_storage_alarm_gib: Annotated[int, Meta(ge=1)]
    """GiB of free storage of the database below which the alarm sounds."""
    free_memory_alarm_mib: Annotated[int, Meta(ge=16)]
    """MiB of free memory of the database below which the alarm sounds."""
    secret_age_alarm_days: Annotated[int, Meta(ge=2)]
    """Days without a rotation from which the alarm sounds; 1 to 7 above rotation.every_days."""
    silence_alarm_minutes: Annotated[int, Meta(ge=1, le=1440)] | None = None
    """Minutes without a reading from which the alarm sounds, where the plant never stops."""


class Pipeline(Section, frozen=True):
    repository: Annotated[
        str, Meta(pattern=r"^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$", description="GitHub's owner/name")
    ]
    """The repository whose runs may deploy."""
    environment: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]+$", description="a name without spaces")]
    """The environment of that repository which a run must have."""
    makes_provider: bool = True
    """Whether this environment makes GitHub's identity provider; an account can have only one."""


class Bootstrap(Section, frozen=True):
    key_rotation_days: Annotated[int, Meta(ge=90, le=2560)]  # KMS's own bounds
    """Days after which the key of artefacts and images gets new material."""
    key_deletion_window_days: Annotated[int, Meta(ge=7, le=30)]
    """Days that this key waits before it is deleted."""
    access_log_retention_days: Days
    """Days that the log of who asked for artefacts is kept."""
    artefact_retention_days: Days
    """Days that deleted or replaced artefacts can be brought back."""
    lock_artefacts: bool
    """Whether nobody can delete an artefact before those days are over; its bucket goes no sooner either."""
    images_kept: Annotated[int, Meta(ge=1)]
    """Images of the processor that the repository keeps, the newest ones."""
    pipeline: Pipeline | None = None
    """Who may deploy without a person's credentials; nobody where it is left out."""
