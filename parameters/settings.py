"""What differs between environments: one typed, checked structure per parameters/<environment>.yaml.

Each section is the `settings` of the stack with the same name. Read it with `load`; a wrong value is
refused with its field, what was found and what is allowed.
"""

from enum import StrEnum
from ipaddress import IPv4Network
from itertools import combinations
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from parameters import windows
from parameters.hours import WorkingHours, check_zone
from parameters.refusal import explain
from parameters.windows import DailyWindow, WeeklyWindow

DIRECTORY = Path(__file__).parent

OCTET = r"(25[0-5]|2[0-4]\d|1?\d?\d)"

# A description is what a refusal says is allowed; where there is none, the bounds are.
AccountId = Annotated[str, Meta(pattern=r"^[0-9]{12}$", description="twelve digits, in quotes")]
Cidr = Annotated[
    str,
    Meta(pattern=rf"^({OCTET}\.){{3}}{OCTET}/\d{{1,2}}$", description="an IPv4 block such as 10.0.0.0/16"),
]
PrefixList = Annotated[
    str, Meta(pattern=r"^pl-[0-9a-f]{8}([0-9a-f]{9})?$", description="the id of a prefix list: pl-…")
]
Days = Annotated[int, Meta(ge=1)]
# MiB of memory that Fargate offers for so many CPU units.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
FARGATE_MIB = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4096 + 1, 1024)),
    1024: tuple(range(2048, 8192 + 1, 1024)),
    2048: tuple(range(4096, 16384 + 1, 1024)),
    4096: tuple(range(8192, 30720 + 1, 1024)),
}


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """A section of an environment's parameters; a field that nobody knows is refused."""


class Nat(StrEnum):
    NONE = "none"
    ONE = "one"
    PER_AZ = "per-az"


class StreamMode(StrEnum):
    PROVISIONED = "PROVISIONED"
    ON_DEMAND = "ON_DEMAND"


class OnDelete(StrEnum):
    """What becomes of a resource that holds data when its stack lets go of it."""

    DELETE = "Delete"
    SNAPSHOT = "Snapshot"


# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
LogRetention = Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653]


class Keys(Section, frozen=True):
    rotation_days: Annotated[int, Meta(ge=90, le=2560)]  # KMS's own bounds
    deletion_window_days: Annotated[int, Meta(ge=7, le=30)]


class Alerts(Section, frozen=True):
    monthly_budget_usd: Annotated[int, Meta(ge=1)]


class Zone(Section, frozen=True):
    """One availability zone's subnets, a tier each."""

    name: Annotated[
        str, Meta(pattern=r"^eu-west-2[abc]$", description="eu-west-2a, eu-west-2b or eu-west-2c")
    ]
    public_cidr: Cidr
    app_cidr: Cidr
    data_cidr: Cidr


class Network(Section, frozen=True):
    vpc_cidr: Cidr
    zones: Annotated[tuple[Zone, ...], Meta(min_length=2, max_length=3)]
    nat: Nat
    interface_endpoints: bool
    flow_log_retention_days: LogRetention
    # The addresses of the gateway endpoints, as AWS lists them in eu-west-2. CloudFormation cannot look them
    # up and no page of AWS's names them. To see that they are right, and what they are elsewhere:
    # aws ec2 describe-managed-prefix-lists --query 'PrefixLists[].[PrefixListName,PrefixListId]'
    s3_prefix_list: PrefixList = "pl-7ca54015"
    dynamodb_prefix_list: PrefixList = "pl-b3a742da"

    def __post_init__(self) -> None:
        if self.nat is Nat.NONE and not self.interface_endpoints:
            raise ValueError("interface_endpoints must be true with nat: none, or nothing reaches AWS")
        names = [zone.name for zone in self.zones]
        if len(set(names)) < len(names):
            raise ValueError(f"zones are {', '.join(names)}; each may stand once")
        whole = _block(self.vpc_cidr)
        cidrs = [cidr for zone in self.zones for cidr in (zone.public_cidr, zone.app_cidr, zone.data_cidr)]
        for cidr in cidrs:
            if not _block(cidr).subnet_of(whole):
                raise ValueError(f"{cidr} lies outside vpc_cidr {self.vpc_cidr}")
        for one, other in combinations(cidrs, 2):
            if _block(one).overlaps(_block(other)):
                raise ValueError(f"{one} overlaps {other}; each subnet needs a block of its own")


def _block(cidr: str) -> IPv4Network:
    """Raises ValueError for what only looks like a block; a VPC and a subnet are /16 to /28."""
    block = IPv4Network(cidr)
    if not 16 <= block.prefixlen <= 28:
        raise ValueError(f"{cidr} is a /{block.prefixlen}; AWS takes /16 to /28")
    return block


class Stream(Section, frozen=True):
    mode: StreamMode
    retention_hours: Annotated[int, Meta(ge=24, le=8760)]
    shards: Annotated[int, Meta(ge=1, le=200)] | None = None  # with PROVISIONED only

    def __post_init__(self) -> None:
        if (self.mode is StreamMode.PROVISIONED) != (self.shards is not None):
            raise ValueError("shards goes with mode PROVISIONED, and only with it")


class Database(Section, frozen=True):
    engine_version: Annotated[
        str,
        Meta(pattern=r"^1[78]\.\d+$", description='PostgreSQL 17 or 18 in full, in quotes, such as "18.6"'),
    ]
    instance_class: Annotated[
        str, Meta(pattern=r"^db\.[a-z0-9]+\.[a-z0-9]+$", description="such as db.t4g.micro")
    ]
    multi_az: bool
    storage_gib: Annotated[int, Meta(ge=20, le=65536)]
    max_storage_gib: Annotated[int, Meta(ge=20, le=65536)]
    backup_days: Annotated[int, Meta(ge=1, le=35)]
    backup_window: DailyWindow
    maintenance_window: WeeklyWindow
    deletion_protection: bool
    on_delete: OnDelete
    insights: Literal["standard", "advanced"]
    insights_retention_days: Annotated[int, Meta(ge=7, le=731)]
    log_retention_days: LogRetention

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
    engine_version: Annotated[
        str, Meta(pattern=r"^\d+\.\d+$", description='major and minor, in quotes, such as "8.2"')
    ]
    node_type: Annotated[
        str, Meta(pattern=r"^cache\.[a-z0-9]+\.[a-z0-9]+$", description="such as cache.t4g.micro")
    ]
    nodes: Annotated[int, Meta(ge=2, le=6)]
    snapshot_days: Annotated[int, Meta(ge=0, le=35)]
    snapshot_window: DailyWindow
    maintenance_window: WeeklyWindow
    on_delete: OnDelete
    log_retention_days: LogRetention

    def __post_init__(self) -> None:
        windows.check("snapshot_window", self.snapshot_window, self.maintenance_window, least=60)


class Rotation(Section, frozen=True):
    every_days: Annotated[int, Meta(ge=1, le=30)]  # over 30 days is more than the security baseline allows
    log_retention_days: LogRetention


class Processor(Section, frozen=True):
    cpu: Literal[256, 512, 1024, 2048, 4096]
    memory_mib: Annotated[int, Meta(ge=512, le=30720)]
    architecture: Literal["ARM64", "X86_64"]
    tasks_min: Annotated[int, Meta(ge=1)]
    # Where shards are fixed, at most as many. On demand they are not: a new stream takes 4 MB/s, as four
    # shards do, and grows: https://docs.aws.amazon.com/streams/latest/dev/how-do-i-size-a-stream.html
    tasks_max: Annotated[int, Meta(ge=1)]
    on_demand_tasks: Annotated[int, Meta(ge=1)]  # the first so many are never on Fargate Spot
    # Per cent of the tasks beyond those. Not all: what ECS does with a provider of weight 0 is "no tasks".
    spot_share: Annotated[int, Meta(ge=0, le=99)]
    log_retention_days: LogRetention
    oldest_reading_days: Days
    newest_reading_minutes: Annotated[int, Meta(ge=0)]
    reading_retention_days: Days
    site_time_zone: str | None = None
    working_hours: WorkingHours | None = None

    def __post_init__(self) -> None:
        offered = FARGATE_MIB[self.cpu]
        if self.memory_mib not in offered:
            listed = ", ".join(map(str, offered))
            raise ValueError(f"memory_mib is {self.memory_mib}; Fargate offers with cpu {self.cpu}: {listed}")
        if self.site_time_zone is not None:
            check_zone("site_time_zone", self.site_time_zone)
        if self.tasks_min > self.tasks_max:
            raise ValueError(f"tasks_min is {self.tasks_min}; it must be at most tasks_max, {self.tasks_max}")
        if self.working_hours and not self.tasks_min <= self.working_hours.tasks_min <= self.tasks_max:
            raise ValueError(
                f"working_hours.tasks_min is {self.working_hours.tasks_min}; it must be from tasks_min, "
                f"{self.tasks_min}, to tasks_max, {self.tasks_max}"
            )


class Observability(Section, frozen=True):
    lag_alarm_seconds: Annotated[int, Meta(ge=30)]
    expiry_alarm_hours: Annotated[int, Meta(ge=1)]  # below the stream's retention
    free_storage_alarm_gib: Annotated[int, Meta(ge=1)]
    free_memory_alarm_mib: Annotated[int, Meta(ge=16)]
    secret_age_alarm_days: Annotated[int, Meta(ge=2)]  # above the rotation's days
    silence_alarm_minutes: Annotated[int, Meta(ge=1, le=1440)] | None = None  # where the plant never stops


class Bootstrap(Section, frozen=True):
    key_rotation_days: Annotated[int, Meta(ge=90, le=2560)]  # KMS's own bounds
    key_deletion_window_days: Annotated[int, Meta(ge=7, le=30)]
    access_log_retention_days: Days
    artefact_retention_days: Days
    lock_artefacts: bool  # until then nobody deletes them; a bucket so locked cannot be destroyed sooner
    images_kept: Annotated[int, Meta(ge=1)]


class Environment(Section, frozen=True):
    """parameters/<name>.yaml, whole."""

    name: Literal["dev", "prod"]
    account: AccountId
    region: Literal["eu-west-2"]
    termination_protection: bool
    notification_address: Annotated[
        str, Meta(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", description="a mail address")
    ]
    tags: dict[str, str]
    keys: Keys
    alerts: Alerts
    network: Network
    stream: Stream
    database: Database
    cache: Cache
    rotation: Rotation
    processor: Processor
    observability: Observability
    bootstrap: Bootstrap

    def __post_init__(self) -> None:
        """What one section must know of another."""
        shards, tasks = self.stream.shards, self.processor.tasks_max
        if shards is not None and tasks > shards:
            raise ValueError(
                f"processor.tasks_max is {tasks}; it must be at most stream.shards, {shards}: a task beyond "
                "them would have nothing to read"
            )
        expiry, retention = self.observability.expiry_alarm_hours, self.stream.retention_hours
        if expiry >= retention:
            raise ValueError(
                f"observability.expiry_alarm_hours is {expiry}; it must be below stream.retention_hours, "
                f"{retention}, or the alarm comes when readings are lost already"
            )
        age, every = self.observability.secret_age_alarm_days, self.rotation.every_days
        if not every < age <= every + 7:
            raise ValueError(
                f"observability.secret_age_alarm_days is {age}; with rotation.every_days {every} it must be "
                f"from {every + 1} to {every + 7}: a rotation has its day, and no more than a week's grace"
            )


class ParameterError(ValueError):
    """{file}: {why}"""

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(f"{file}: {why}")


def environments(directory: Path = DIRECTORY) -> list[str]:
    """The names of the environments that have a file, sorted."""
    return sorted(file.stem for file in directory.glob("*.yaml"))


def load(name: str, directory: Path = DIRECTORY) -> Environment:
    """Read and check parameters/<name>.yaml.

    Raises ParameterError when there is no such environment or a value is not allowed.
    """
    file = directory / f"{name}.yaml"
    if name not in environments(directory):
        known = ", ".join(environments(directory))
        raise ParameterError(file, f"there is no environment {name!r}; there are: {known}")
    try:
        found = msgspec.yaml.decode(file.read_bytes())
    except OSError as error:
        raise ParameterError(file, f"cannot be read: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise ParameterError(file, f"is no YAML: {' '.join(str(error).split())}") from error
    try:
        environment = msgspec.convert(found, Environment)
    except msgspec.ValidationError as error:
        raise ParameterError(file, explain(error, found, Environment)) from error
    if environment.name != name:
        raise ParameterError(file, f"name is {environment.name!r}; it must be {name!r}, as its file")
    return environment
