"""What becomes of the starting point, as docs/migrating-from-cdktf.md says it: each row holds in templates/dev.

The page is the one list of its resources, its figures and our successors. Here it is read and compared with
the templates, in both directions: what a row says is so, and what is so has a row.
"""

import io
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from jsonschema import Draft202012Validator

from deployer import outputs
from stacks.platform import OLD_NAMES

Templates = dict[str, dict[str, Any]]

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "migrating-from-cdktf.md").read_text(encoding="utf-8")
ABSENT = "—"
STEP = re.compile(r"([^.\[\]]+)(?:\[([^\]]+)\])?")


@dataclass(frozen=True)
class Row:
    """One line of a table of successors."""

    theirs: str  # aws_vpc.iot_vpc, or .argument of the resource above it
    says: str  # empty for a resource
    ours: str  # stack.LogicalId.Property, in full
    says_in_dev: str
    why: str

    @property
    def is_resource(self) -> bool:
        return self.theirs.startswith("aws_")

    @property
    def successor(self) -> str:
        """stack.LogicalId"""
        return ".".join(self.ours.split(".")[:2])

    @property
    def property(self) -> str:
        return self.ours.split(".", 2)[2]

    def __str__(self) -> str:
        return f"{self.theirs} → {self.ours}"


def tables(*columns: str) -> Iterator[list[str]]:
    """The cells of each line of each table with these column heads, code marks taken off."""
    for block in re.findall(r"(?:^\|.*\|\n)+", PAGE, re.MULTILINE):
        head, _, *lines = [
            [cell.strip() for cell in line.strip("|\n").split("|")] for line in block.splitlines()
        ]
        if head == list(columns):
            yield from lines


def rows() -> list[Row]:
    found: list[Row] = []
    for cells in tables("the starting point", "says", "ours", "says in dev", "why it differs"):
        theirs, says, ours, says_in_dev, why = cells
        above = next((row.ours for row in reversed(found) if row.is_resource), "")
        ours = above + bare(ours) if bare(ours).startswith(".") else bare(ours)
        found.append(Row(bare(theirs), bare(says), ours, bare(says_in_dev), why))
    return found


def bare(cell: str) -> str:
    return cell.removeprefix("`").removesuffix("`")


ROWS = rows()
RESOURCES = [row for row in ROWS if row.is_resource]
FIGURES = [row for row in ROWS if not row.is_resource]
SUCCESSORS = {row.successor for row in ROWS}
NEW = {name for cells in tables("ours", "what it is for") for name in re.findall(r"`([^`]+)`", cells[0])}
PROMISES = [
    (bare(ours), bare(says)) for _, ours, says in tables("it says, or calls future", "ours", "says in dev")
]
OLD_OUTPUTS = {bare(old): (bare(new), why) for old, new, why in tables("old name", "ours", "what differs")}


def resource(templates: Templates, address: str) -> dict[str, Any]:
    stack, title = address.split(".")[:2]
    assert title in templates[stack]["Resources"], f"{stack} has no {title}"
    found: dict[str, Any] = templates[stack]["Resources"][title]
    return found


def value(made: dict[str, Any], path: str) -> str:
    """What stands at `A.B[2].C`, or `A[Name].C` for the one of that name, as short YAML; a dash for nothing."""
    if path in ("DeletionPolicy", "UpdateReplacePolicy"):
        return shown(made.get(path))
    found: Any = made.get("Properties", {})
    for name, which in STEP.findall(path):
        found = found.get(name) if isinstance(found, dict) else None
        if which and isinstance(found, list):
            found = found[int(which)] if which.isdigit() else named(found).get(which)
    return shown(found)


def named(parts: list[Any]) -> dict[str, Any]:
    return {part.get("Sid") or part.get("Name") or part.get("PolicyName"): part for part in parts}


def shown(found: Any) -> str:
    match found:
        case None:
            return ABSENT
        case bool():
            return str(found).lower()
        case list():
            return f"[{', '.join(map(shown, found))}]"
        case {"Ref": name}:
            return f"!Ref {name}"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"!GetAtt {name}.{attribute}"
        case {"Fn::Sub": str(text)}:
            return f"!Sub {text}"
    return str(found)


def test_the_page_has_all_thirty_resources_and_each_once() -> None:
    names = [row.theirs for row in RESOURCES]

    assert len(names) == len(set(names)) == 30


@pytest.mark.parametrize("row", RESOURCES, ids=str)
def test_a_resource_has_its_successor_of_that_type(dev: Templates, row: Row) -> None:
    assert resource(dev, row.ours)["Type"] == row.says_in_dev


@pytest.mark.parametrize("row", FIGURES, ids=str)
def test_a_figure_is_what_the_page_says(dev: Templates, row: Row) -> None:
    assert value(resource(dev, row.ours), row.property) == row.says_in_dev


@pytest.mark.parametrize("row", FIGURES, ids=str)
def test_a_figure_that_differs_says_why_and_only_that(row: Row) -> None:
    assert bool(row.why) == (row.says != row.says_in_dev)


def test_what_is_of_a_known_type_is_a_successor_or_listed_as_new(dev: Templates) -> None:
    kinds = {row.says_in_dev for row in RESOURCES}
    have = {
        f"{stack}.{title}"
        for stack, template in dev.items()
        for title, made in template["Resources"].items()
        if made["Type"] in kinds
    }

    assert have - SUCCESSORS - NEW == set(), "add them under “Of the same kinds, and new”"
    assert NEW - have == set(), "these are no more"
    assert SUCCESSORS & NEW == set()


def test_the_stacks_of_which_it_has_nothing_are_named(dev: Templates) -> None:
    (line,) = re.findall(r"^Stacks of which it has nothing: (.*)\.$", PAGE, re.MULTILINE)
    known = {name.partition(".")[0] for name in SUCCESSORS}

    assert set(re.findall(r"`([^`]+)`", line)) == dev.keys() - known - {"platform"}


@pytest.mark.parametrize(("ours", "says"), PROMISES)
def test_what_it_claims_or_postpones_is_there(dev: Templates, ours: str, says: str) -> None:
    stack, title, path = ours.split(".", 2)

    assert value(resource(dev, f"{stack}.{title}"), path) == says


def test_every_resource_that_the_text_names_exists(dev: Templates) -> None:
    named = set(re.findall(rf"`((?:{'|'.join(dev)})\.[A-Z]\w*)[.`]", PAGE))

    assert named > SUCCESSORS
    for name in named:
        resource(dev, name)


def test_the_page_the_stacks_and_the_deployer_know_the_same_old_names() -> None:
    assert outputs.OLD_NAMES == {old: new for new, old in OLD_NAMES.items()}
    assert outputs.OLD_NAMES == {old: new for old, (new, _) in OLD_OUTPUTS.items()}


@pytest.mark.parametrize(("name", "old"), OLD_NAMES.items())
def test_its_outputs_are_there_and_found_under_their_old_names(
    templates: Templates, old: str, name: str
) -> None:
    root = templates["platform"]
    parameter = root["Resources"][f"{name}Parameter"]["Properties"]
    environment = root["Resources"]["Keys"]["Properties"]["Tags"][0]["Value"]
    assert parameter["Name"] == f"/millrace/{environment}/{old}"
    assert parameter["Value"] == root["Outputs"][name]["Value"]


class Stream:
    """Takes records as Kinesis does."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    def put_record(self, **record: Any) -> None:
        self.records.append(record)


def test_the_script_for_history_puts_records_that_keep_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    # given the page's script, and 501 readings of one point and one of another
    (script,) = re.findall(r"^ *```python\n(.*?)^ *```", PAGE, re.MULTILINE | re.DOTALL)
    script = "\n".join(line.removeprefix("   ") for line in script.splitlines())
    paths = ["acme/lon1/press/line2/cell4/m17/temp"] * 501 + ["acme/lon1/press/line2/cell4/m18/temp"]
    readings = [{"path": path, "ts": ts, "value": 20.5, "hist": True} for ts, path in enumerate(paths)]
    stream = Stream()
    monkeypatch.setattr("boto3.client", lambda *_, **__: stream)
    monkeypatch.setattr(sys, "argv", ["put_history.py", "the-stream"])
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(map(json.dumps, readings))))

    exec(compile(script, "put_history.py", "exec"), {})  # noqa: S102

    # then they arrive in order, whole, in envelopes that the contract takes, each under its device
    contract = Draft202012Validator(json.loads((DOCS / "reading.schema.json").read_text(encoding="utf-8")))
    envelopes = [json.loads(record["Data"]) for record in stream.records]
    assert [reading for envelope in envelopes for reading in envelope["readings"]] == readings
    assert all(contract.is_valid(envelope) for envelope in envelopes)
    assert [record["PartitionKey"] for record in stream.records] == ["m17", "m17", "m18"]
    assert {record["StreamName"] for record in stream.records} == {"the-stream"}


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        (
            "AWS::RDS::DBInstance",
            "DBInstanceIdentifier KmsKeyId StorageEncrypted DBName MasterUsername DBSubnetGroupName",
        ),
        ("AWS::ElastiCache::ReplicationGroup", "KmsKeyId AtRestEncryptionEnabled CacheSubnetGroupName"),
        ("AWS::Kinesis::Stream", "Name"),
    ],
)
def test_what_an_import_would_replace_is_set_once_and_for_all(kind: str, properties: str) -> None:
    """The page's reason for running both side by side."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-west-2", kind).schema

    assert {f"/properties/{name}" for name in properties.split()} <= set(schema["createOnlyProperties"])


def test_its_defects_are_gone(templates: Templates) -> None:
    database = templates["database"]["Resources"]["Database"]["Properties"]
    cache = templates["cache"]["Resources"]["Latest"]["Properties"]
    service = templates["processor"]["Resources"]["Service"]["Properties"]
    task = templates["processor"]["Resources"]["Task"]["Properties"]

    assert database["ManageMasterUserPassword"] is True
    assert "MasterUserPassword" not in database
    assert database["PubliclyAccessible"] is False
    assert "." in database["EngineVersion"]
    assert cache["TransitEncryptionMode"] == "required"
    assert cache["UserGroupIds"]
    assert service["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"
    assert "nginx" not in json.dumps(task)
    assert "PrimaryEndPoint" in json.dumps(templates["cache"]["Outputs"]["Address"])
    for group in ("ProcessorGroup", "CacheGroup", "DatabaseGroup"):
        egress = templates["network"]["Resources"][group]["Properties"]["SecurityGroupEgress"]
        assert [rule["CidrIp"] for rule in egress] == ["127.0.0.1/32"]
