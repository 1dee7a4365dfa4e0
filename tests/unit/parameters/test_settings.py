"""Parameters: what is taken, and how a wrong one is refused."""

from pathlib import Path

import msgspec
import pytest

from parameters.sections import OnDelete
from parameters.settings import DIRECTORY, ParameterError, environments, load


def changed(directory: Path, old: str, new: str) -> str:
    """dev.yaml with one change, refused: the message, which is one line and names the file first."""
    text = (DIRECTORY / "dev.yaml").read_text(encoding="utf-8")
    assert text.count(old) == 1
    (directory / "dev.yaml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ParameterError) as refused:
        load("dev", directory)
    (line,) = str(refused.value).splitlines()
    file, _, why = line.partition(": ")
    assert file == str(directory / "dev.yaml")
    return why


@pytest.mark.parametrize("name", environments())
def test_every_environment_is_taken_as_it_stands(name: str) -> None:
    assert load(name).name == name


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (
            "keys: {rotation_days: 365",
            "keys: {rotation_days: 5000",
            "keys.rotation_days is 5000; allowed is a whole number from 90 to 2560",
        ),
        (
            "shards: 2",
            "shards: many",
            "stream.shards is 'many'; allowed is a whole number from 1 to 200, or nothing",
        ),
        ("nat: one", "nat: maybe", "network.nat is 'maybe'; allowed are none, one, per-az"),
        (
            "nat: one",
            "nat: none",
            "network: interface_endpoints must be true with nat: none, or nothing reaches AWS",
        ),
        (
            "nat: one",
            "nat: one\n  s3_prefix_list: com.amazonaws.eu-west-2.s3",
            "network.s3_prefix_list is 'com.amazonaws.eu-west-2.s3'; allowed is the id of a prefix list",
        ),
        (
            "architecture: ARM64",
            "architecture: ARM",
            "processor.architecture is 'ARM'; allowed are ARM64, X86_64",
        ),
        ("nodes: 2", "nodes: 2\n  node: 3", "cache: Object contains unknown field `node`"),
        ("  nodes: 2\n", "", "cache: Object missing required field `nodes`"),
        (
            "name: eu-west-2b",
            "name: eu-west-2a",
            "network: zones are eu-west-2a, eu-west-2a; each may stand once",
        ),
        ("10.0.21.0/24", "10.1.21.0/24", "network: 10.1.21.0/24 lies outside vpc_cidr 10.0.0.0/16"),
        (
            "10.0.21.0/24",
            "10.0.1.0/25",
            "network: 10.0.1.0/24 overlaps 10.0.1.0/25; each subnet needs a block",
        ),
        ("10.0.21.0/24", "10.0.21.0/29", "network: 10.0.21.0/29 is a /29; AWS takes /16 to /28"),
        (
            "10.0.21.0/24",
            "10.0.999.0/24",
            "network.zones[0].data_cidr is '10.0.999.0/24'; allowed is an IPv4 block",
        ),
        ("10.0.21.0/24", "10.0.21.5/24", "network: 10.0.21.5/24 has host bits set"),
        (
            "max_storage_gib: 100",
            "max_storage_gib: 21",
            "database: max_storage_gib must be at least 10 % above storage_gib",
        ),
        (
            "insights_retention_days: 7",
            "insights_retention_days: 90",
            "database: insights_retention_days is 90; RDS takes 7, n * 31 up to 713, and 731",
        ),
        (
            "backup_window: 03:00-04:00",
            "backup_window: 25:00-26:00",
            "database.backup_window is '25:00-26:00'; allowed is hh:mm-hh:mm in UTC",
        ),
        (
            "backup_window: 03:00-04:00",
            "backup_window: 05:00-05:45",
            "database: backup_window 05:00-05:45 overlaps maintenance_window sun:04:30-sun:05:30",
        ),
        (
            "backup_window: 03:00-04:00",
            "backup_window: 23:50-00:10",
            "database: backup_window is 23:50-00:10; it must be 30 minutes or longer",
        ),
        (
            "maintenance_window: sun:04:30-sun:05:30",
            "maintenance_window: sun:04:30-tue:05:30",
            "database: maintenance_window is sun:04:30-tue:05:30; it must be 30 minutes to 24 hours long",
        ),
        (
            "maintenance_window: sun:05:30-sun:06:30",
            "maintenance_window: xyz:05:30-sun:06:30",
            "cache.maintenance_window is 'xyz:05:30-sun:06:30'; allowed is ddd:hh:mm-ddd:hh:mm in UTC",
        ),
        ("multi_az: true", "multi_az: perhaps", "database.multi_az is 'perhaps'; allowed are true, false"),
        (
            'account: "111122223333"',
            "account: 111122223333",
            "account is 111122223333; allowed is twelve digits",
        ),
        (
            "memory_mib: 1024",
            "memory_mib: 1025",
            "processor: memory_mib is 1025; Fargate offers with cpu 512: 1024, 2048, 3072, 4096",
        ),
        (
            "reading_retention_days: 30",
            "reading_retention_days: 30\n  site_time_zone: Mars/Olympus",
            "processor: site_time_zone is 'Mars/Olympus'; it is an IANA name such as Europe/London",
        ),
        (
            "tasks_max: 2",
            "tasks_max: 3",
            "processor.tasks_max is 3; it must be at most stream.shards, 2: a task beyond them would have",
        ),
        (
            "tasks_min: 2",
            "tasks_min: 3",
            "processor: tasks_min is 3; it must be at most tasks_max, 2",
        ),
        (
            "spot_share: 75",
            "spot_share: 100",
            "processor.spot_share is 100; allowed is a whole number from 0 to 99",
        ),
        *(
            (
                "reading_retention_days: 30",
                f"reading_retention_days: 30\n  working_hours: {{{hours}}}",
                f"processor{why}",
            )
            for hours, why in (
                (
                    "days: MON-FRI, hours: 06:00-22:00, time_zone: Europe/London, tasks_min: 1",
                    ": working_hours.tasks_min is 1; it must be from tasks_min, 2, to tasks_max, 2",
                ),
                (
                    "days: MON-FRI, hours: 06:00-22:00, time_zone: Mars/Olympus, tasks_min: 2",
                    ".working_hours: time_zone is 'Mars/Olympus'; it is an IANA name such as Europe/London",
                ),
                (
                    "days: MON-FRI, hours: 22:00-06:00, time_zone: Europe/London, tasks_min: 2",
                    ".working_hours: hours are 22:00-06:00; they must end after they begin, within the day",
                ),
                (
                    "days: MON-FRI, hours: 6-22, time_zone: Europe/London, tasks_min: 2",
                    ".working_hours.hours is '6-22'; allowed is hh:mm-hh:mm by the plant's clock",
                ),
                (
                    "days: weekdays, hours: 06:00-22:00, time_zone: Europe/London, tasks_min: 2",
                    ".working_hours.days is 'weekdays'; allowed is a weekday or a range, such as MON-FRI",
                ),
            )
        ),
        ("shards: 2, ", "", "stream: shards goes with mode PROVISIONED, and only with it"),
        ("name: dev", "name: prod", "name is 'prod'; it must be 'dev', as its file"),
        ("region: eu-west-2", "region: us-east-1", "region is 'us-east-1'; allowed are eu-west-2"),
        ("name: dev", "name: [dev", "is no YAML: while parsing a flow sequence"),
    ],
)
def test_a_wrong_value_is_named_with_its_field_and_what_is_allowed(
    tmp_path: Path, old: str, new: str, why: str
) -> None:
    assert changed(tmp_path, old, new).startswith(why)


def test_an_unknown_environment_is_refused_with_the_known(tmp_path: Path) -> None:
    (tmp_path / "dev.yaml").write_text("")
    with pytest.raises(ParameterError, match="there is no environment 'staging'; there are: dev"):
        load("staging", tmp_path)


def test_a_directory_in_a_file_s_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dev.yaml").mkdir()
    with pytest.raises(ParameterError, match=r"dev\.yaml: cannot be read: Is a directory"):
        load("dev", tmp_path)


def test_a_document_that_is_no_mapping_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dev.yaml").write_text("- dev")
    with pytest.raises(ParameterError, match="Expected `object`, got `array`"):
        load("dev", tmp_path)


def test_nobody_s_path_climbs_out_of_the_directory(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="there is no environment"):
        load("../parameters/dev", tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (
            "expiry_alarm_hours: 12",
            "expiry_alarm_hours: 24",
            "observability.expiry_alarm_hours is 24; it must be below stream.retention_hours, 24, "
            "or the alarm comes when readings are lost already",
        ),
        (
            "secret_age_alarm_days: 31",
            "secret_age_alarm_days: 30",
            "observability.secret_age_alarm_days is 30; with rotation.every_days 30 it must be from 31 to "
            "37: a rotation has its day, and no more than a week's grace",
        ),
        (
            "every_days: 30",
            "every_days: 7",
            "observability.secret_age_alarm_days is 31; with rotation.every_days 7 it must be from 8 to 14: "
            "a rotation has its day, and no more than a week's grace",
        ),
        (
            "  Environment: dev",
            "  Environment: test",
            "tags.Environment is test; it must be dev, by which bills are told apart",
        ),
        (
            "  Environment: dev\n",
            "",
            "tags.Environment is missing; it must be dev, by which bills are told apart",
        ),
        (
            "Project: millrace",
            "aws:project: millrace",
            "tags has 'aws:project'; names that begin with aws: are AWS's own",
        ),
        (
            "Project: millrace",
            '"": millrace',
            "tags has '': 'millrace'; AWS takes 1 to 128 and 0 to 256 characters",
        ),
    ],
)
def test_what_one_section_must_know_of_another_is_checked(
    tmp_path: Path, old: str, new: str, why: str
) -> None:
    assert changed(tmp_path, old, new) == why


def test_a_rotation_has_a_week_s_grace_at_most(tmp_path: Path) -> None:
    assert "must be from 31 to 37" in changed(tmp_path, "age_alarm_days: 31", "age_alarm_days: 38")


@pytest.mark.parametrize("section", ["database", "cache"])
def test_prod_loses_no_data_with_its_stack(section: str) -> None:
    prod = load("prod")
    careless = msgspec.structs.replace(getattr(prod, section), on_delete=OnDelete.DELETE)
    with pytest.raises(ValueError, match=rf"{section}\.on_delete is Delete; prod leaves a last snapshot"):
        msgspec.structs.replace(prod, **{section: careless})
