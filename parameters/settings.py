"""What differs between environments: one typed, checked structure per parameters/<environment>.yaml.

Each section is the `settings` of the stack with the same name. Read it with `load`; a wrong value is
refused with its field, what was found and what is allowed. The text under a field is what an editor shows
(schema.py): what it is, and in which unit.
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
    rotation_days: Annotated[int, Meta(ge=90, le=2560)]
    """Days after which KMS makes new key material, within its own bounds."""
    deletion_window_days: Annotated[int, Meta(ge=7, le=30)]
    """Days between the deletion of a key and the end of all that it encrypts."""


class Alerts(Section, frozen=True):
    monthly_budget_usd: Annotated[int, Meta(ge=1)]
    """US dollars a month; mail goes out when they are nearly spent."""


class Zone(Section, frozen=True):
    """One availability zone's subnets, a tier each."""

    name: Annotated[
        str, Meta(pattern=r"^eu-west-2[abc]$", description="eu-west-2a, eu-west-2b or eu-west-2c")
    ]
    """The availability zone."""
    public_cidr: Cidr
    """Addresses of the public tier: NAT gateways."""
    app_cidr: Cidr
    """Addresses of the tier of the processor and of the rotation's function."""
    data_cidr: Cidr
    """Addresses of the tier of database and cache, which no route leaves."""


class Network(Section, frozen=True):
    vpc_cidr: Cidr
    """Addresses of the whole network; a /16 to /28 that holds every subnet."""
    zones: Annotated[tuple[Zone, ...], Meta(min_length=2, max_length=3)]
    """Two or three availability zones, each with a subnet a tier; none overlaps another."""
    nat: Nat
    """NAT gateways: none leaves the VPC endpoints as the only way out, per-az survives the loss of a zone."""
    interface_endpoints: bool
    """AWS's services by addresses of the network's own, at a price an hour; nat: none needs them."""
    flow_log_retention_days: LogRetention
    """Days that the network's flow logs are kept."""
    # The addresses of the gateway endpoints, as AWS lists them in eu-west-2. CloudFormation cannot look them
    # up and no page of AWS's names them. To see that they are right, and what they are elsewhere:
    # aws ec2 describe-managed-prefix-lists --query 'PrefixLists[].[PrefixListName,PrefixListId]'
    s3_prefix_list: PrefixList = "pl-7ca54015"
    """AWS's list of the addresses of S3 in the region."""
    dynamodb_prefix_list: PrefixList = "pl-b3a742da"
    """AWS's list of the addresses of DynamoDB in the region."""

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
    """Days between two rotations of the processor's login to the database."""
    log_retention_days: LogRetention
    """Days that the function's log is kept."""


class Processor(Section, frozen=True):
    cpu: Literal[256, 512, 1024, 2048, 4096]
    """CPU units of a task; 1024 are one virtual CPU."""
    memory_mib: Annotated[int, Meta(ge=512, le=30720)]
    """MiB of memory of a task, of those that Fargate offers with cpu."""
    architecture: Literal["ARM64", "X86_64"]
    """What the image is built for."""
    tasks_min: Annotated[int, Meta(ge=1)]
    """Tasks that run at least."""
    tasks_max: Annotated[int, Meta(ge=1)]
    """Tasks that run at most: no more than stream.shards, where those are fixed.

    On demand they are not: a new stream takes 4 MB/s, as four shards do, and grows:
    https://docs.aws.amazon.com/streams/latest/dev/how-do-i-size-a-stream.html
    """
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
    """Days that readings stay in the database."""
    site_time_zone: str | None = None
    """IANA name of the zone in which devices without an offset tell the time."""
    working_hours: WorkingHours | None = None
    """When the plant works, and how many tasks run then at least."""

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


class Environment(Section, frozen=True):
    """parameters/<name>.yaml, whole."""

    name: Literal["dev", "prod"]
    """The environment, as the file is called."""
    account: AccountId
    """The account that is deployed to; any other is refused."""
    region: Literal["eu-west-2"]
    """The region that is deployed to."""
    termination_protection: bool
    """The platform's stack cannot be deleted before this is turned off."""
    notification_address: Annotated[
        str, Meta(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", description="a mail address")
    ]
    """Who is told of alarms and of the budget."""
    tags: dict[str, str]
    """Tags of every resource that takes any."""
    keys: Keys
    """The keys, one a data domain."""
    alerts: Alerts
    """Who is told, and the budget."""
    network: Network
    """The network."""
    stream: Stream
    """The stream of readings."""
    database: Database
    """The PostgreSQL database that keeps the readings."""
    cache: Cache
    """The cache of latest values."""
    rotation: Rotation
    """The rotation of the processor's login to the database."""
    processor: Processor
    """The service that carries readings from the stream into database and cache."""
    observability: Observability
    """The alarms."""
    bootstrap: Bootstrap
    """What stands before the platform: the artefact bucket and the image repository."""

    def __post_init__(self) -> None:
        """What one section must know of another."""
        self._check_tags()
        if self.name == "prod":
            for section, policy in (("database", self.database.on_delete), ("cache", self.cache.on_delete)):
                if policy is OnDelete.DELETE:
                    raise ValueError(f"{section}.on_delete is Delete; prod leaves a last snapshot: Snapshot")
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

    def _check_tags(self) -> None:
        # https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html
        for key, value in self.tags.items():
            if key.lower().startswith("aws:"):
                raise ValueError(f"tags has {key!r}; names that begin with aws: are AWS's own")
            if not key or len(key) > 128 or len(value) > 256:
                raise ValueError(f"tags has {key!r}: {value!r}; AWS takes 1 to 128 and 0 to 256 characters")
        if self.tags.get("Environment") != self.name:
            said = self.tags.get("Environment", "missing")
            raise ValueError(
                f"tags.Environment is {said}; it must be {self.name}, by which bills are told apart"
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
    declared = found.get("name", name) if isinstance(found, dict) else name
    if declared != name:
        raise ParameterError(file, f"name is {declared!r}; it must be {name!r}, as its file")
    try:
        return msgspec.convert(found, Environment)
    except msgspec.ValidationError as error:
        raise ParameterError(file, explain(error, found, Environment)) from error
