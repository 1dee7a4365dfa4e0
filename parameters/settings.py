"""What differs between environments: one typed, checked structure per parameters/<environment>.yaml.

Read it with `load`; a wrong value is refused with its field, what was found and what is allowed. The text
under a field is what an editor shows (schema.py).
"""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from parameters import memory
from parameters.network import Network
from parameters.refusal import explain
from parameters.section import Section
from parameters.sections import (
    Alerts,
    Bootstrap,
    Cache,
    Database,
    Keys,
    Observability,
    OnDelete,
    Processor,
    Rotation,
    Stream,
)

DIRECTORY = Path(__file__).parent

AccountId = Annotated[str, Meta(pattern=r"^[0-9]{12}$", description="twelve digits, in quotes")]


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
    rollback_minutes: Annotated[int, Meta(ge=0, le=180)]  # CloudFormation's own bounds
    """Minutes after a deployment in which its alarms still roll it back; during it they always do."""
    notification_address: Annotated[
        str, Meta(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", description="a mail address")
    ]
    """Who is told of alarms and of the budget."""
    plant_address: Annotated[str, Meta(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", description="a mail address")]
    """Who is told of what the plant's readings are watched for: its own people."""
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
        memory.check(shards, self.processor.memory_mib, self.processor.tasks_min)
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
