"""Parameters: what is taken, and how a wrong one is refused."""

from pathlib import Path

import pytest

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
        ("rotation_days: 365", "rotation_days: 5000", "keys.rotation_days is 5000; Expected `int` <= 2560"),
        ("shards: 2", "shards: many", "stream.shards is 'many'; Expected `int | null`, got `str`"),
        ("nat: one", "nat: maybe", "network.nat is 'maybe'; allowed are none, one, per-az"),
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
        ("10.0.21.0/24", "10.0.999.0/24", "network: Octet 999 (> 255) not permitted in '10.0.999.0'"),
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


def test_a_document_that_is_no_mapping_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dev.yaml").write_text("- dev")
    with pytest.raises(ParameterError, match="Expected `object`, got `array`"):
        load("dev", tmp_path)


def test_nobody_s_path_climbs_out_of_the_directory(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="there is no environment"):
        load("../parameters/dev", tmp_path)
