import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from deployer import commands, destruction, orphans
from deployer.contents import NotEmptied, StillLocked
from deployer.destruction import Destruction
from deployer.events import Silence
from deployer.removal import Fate, Leaving

TEMPLATE = """\
Resources:
  Artefacts: {Type: 'AWS::S3::Bucket', DeletionPolicy: Delete}
  Images: {Type: 'AWS::ECR::Repository', DeletionPolicy: Delete, Properties: {EmptyOnDelete: true}}
  Key: {Type: 'AWS::KMS::Key', DeletionPolicy: Retain}
  Database: {Type: 'AWS::RDS::DBInstance', DeletionPolicy: Snapshot}
  Role: {Type: 'AWS::IAM::Role'}
"""
KINDS = {
    "Artefacts": "AWS::S3::Bucket",
    "Images": "AWS::ECR::Repository",
    "Key": "AWS::KMS::Key",
    "Database": "AWS::RDS::DBInstance",
    "Role": "AWS::IAM::Role",
}
UPLOADED = datetime(2026, 1, 1, tzinfo=UTC)
OWNER = {"ExpectedBucketOwner": "111122223333"}
AGREED = ["--yes", *(f"--accept-data-loss={name}" for name in ("Artefacts", "Images", "Database"))]


def stands(aws: Any, template: str = TEMPLATE, **more: Any) -> None:
    aws.stack(**more)
    summaries = [
        {
            "LogicalResourceId": name,
            "PhysicalResourceId": name.lower(),
            "ResourceType": kind,
            "ResourceStatus": "CREATE_COMPLETE",
            "LastUpdatedTimestamp": 0,
        }
        for name, kind in KINDS.items()
        if name in template
    ]
    aws.says("list_stack_resources", {"StackResourceSummaries": summaries})
    aws.says("get_template", {"TemplateBody": template})


def holds(aws: Any, versions: int = 2, lock_days: int = 0, images: int = 1) -> None:
    """What is looked into, in the order of the template."""
    listed = [
        {"Key": f"object-{number}", "VersionId": f"v{number}", "LastModified": UPLOADED}
        for number in range(versions)
    ]
    aws.answers("s3", "list_object_versions", {"Versions": listed}, Bucket="artefacts", **OWNER)
    if versions and lock_days:
        rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": lock_days}}
        aws.answers(
            "s3",
            "get_object_lock_configuration",
            {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": rule}},
        )
    elif versions:
        aws.refuses("get_object_lock_configuration", "ObjectLockConfigurationNotFoundError", service="s3")
    details = [{"imageDigest": f"sha256:{number}"} for number in range(images)]
    aws.answers("ecr", "describe_images", {"imageDetails": details}, repositoryName="images")


@pytest.fixture
def run(aws: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("deployer.credentials.session", lambda *_: aws.session)
    monkeypatch.setattr("deployer.waiting.settle", lambda *_, **__: None)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    return lambda *arguments: commands.main(["destroy", "dev", *arguments])


def test_what_a_destroy_would_keep_and_lose_is_listed(
    aws: Any, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.account()
    stands(aws)
    holds(aws, lock_days=365)

    assert run("--list") == 0

    assert capsys.readouterr().out.splitlines() == [
        "millrace-dev: 5 resources",
        "kept:",
        "  Key  AWS::KMS::Key  key",
        "lost, with a last snapshot:",
        "  Database  AWS::RDS::DBInstance  database",
        "lost:",
        "  Artefacts  AWS::S3::Bucket  artefacts",
        "  Images  AWS::ECR::Repository  images",
        "and 1 more without data: deleted",
        "not empty:",
        "  Artefacts  2 object versions  (locked until 2027-01-01)",
        "  Images  1 image  (go with it)",
        "what is kept goes on costing and keeps its name, so a new stack cannot make it again:",
        "  AWS::KMS::Key: each key, by the month (https://aws.amazon.com/kms/pricing/)",
        "a change set of type IMPORT takes each back, by its identifier:",
        "  https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-existing-stack.html",
    ]


def test_the_list_as_a_document_says_how_to_import_what_is_kept(
    aws: Any, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.account()
    stands(aws)
    holds(aws)

    assert run("--list", "--json") == 0

    told = json.loads(capsys.readouterr().out)
    assert told["deleted"] is False
    assert told["kept"][0] == {
        "path": "Key",
        "type": "AWS::KMS::Key",
        "physical_id": "key",
        "import_as": '{"KeyId": "key"}',
    }
    assert told["accept"] == ["Artefacts", "Images", "Database"]
    assert [(each["path"], each["number"]) for each in told["contents"]] == [("Artefacts", 2), ("Images", 1)]


def test_a_bucket_that_is_empty_by_now_may_be_named_when_the_command_is_typed_again(
    aws: Any, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.account()
    stands(aws)
    holds(aws, versions=0)
    aws.stack()
    aws.stack()
    is_deleted(aws)

    assert run(*AGREED, "--empty", "Artefacts") == 0
    assert "millrace-dev: deleted" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        (["--empty=Artefacts", "--yes"], (1, "--accept-data-loss Images --accept-data-loss Database")),
        (["--empty=Artefacts", *AGREED, "--accept-data-loss=Role"], (2, "--accept-data-loss Role: that is")),
        (AGREED, (1, "add --empty Artefacts to `python deploy.py destroy dev`")),
        ([*AGREED, "--empty=Images"], (2, "--empty Images: that is none of Artefacts")),
        (["--empty=Artefacts"], (2, "nobody can be asked")),
    ],
)
def test_nothing_is_emptied_or_deleted_without_being_told(
    aws: Any, run: Any, capsys: pytest.CaptureFixture[str], options: list[str], refusal: tuple[int, str]
) -> None:
    aws.account()
    stands(aws)
    holds(aws)
    aws.stack()

    assert run(*options) == refusal[0]

    assert refusal[1] in capsys.readouterr().err


def test_accept_data_loss_is_no_way_around_a_persons_approval(
    run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--accept-data-loss=Artefacts") == 2
    assert "goes with --yes" in capsys.readouterr().err


def is_deleted(aws: Any) -> None:
    aws.tells("millrace-dev")
    aws.says("delete_stack", {}, StackName=aws.stack_id("millrace-dev"), ClientRequestToken=aws.any)
    aws.stack(status="DELETE_COMPLETE")
    gone = aws.about("millrace-dev", "DELETE_COMPLETE", 1)
    aws.tells("millrace-dev", gone)
    aws.tells("millrace-dev", gone)


def test_what_was_told_is_emptied_and_then_all_is_deleted(
    aws: Any, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.account()
    stands(aws)
    holds(aws)
    aws.stack()
    aws.stack()
    versions = [{"Key": "a", "VersionId": "1"}]
    markers = [{"Key": "b", "VersionId": "2"}]
    aws.answers("s3", "list_object_versions", {"Versions": versions, "DeleteMarkers": markers})
    aws.answers(
        "s3",
        "delete_objects",
        {},
        Bucket="artefacts",
        Delete={"Objects": [*versions, *markers], "Quiet": True},
        **OWNER,
    )
    is_deleted(aws)

    assert run(*AGREED, "--empty", "Artefacts") == 0

    assert capsys.readouterr().out.endswith(
        "millrace-dev: deleted; millrace-dev-bootstrap and its artefacts stay\n"
    )


@pytest.mark.parametrize(("answer", "code"), [("millrace-dev\n", 0), ("yes\n", 1)])
def test_at_a_terminal_the_stacks_name_is_typed(
    aws: Any, run: Any, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal(answer))
    monkeypatch.setattr("sys.stderr", Terminal())
    aws.account()
    stands(aws)
    holds(aws, versions=0, images=0)
    aws.stack()
    if code == 0:
        aws.stack()
        is_deleted(aws)

    assert run() == code


def test_nothing_there_is_nothing_to_do(aws: Any, run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    aws.account()
    aws.no_stack()
    aws.no_stack("millrace-dev-bootstrap")

    assert run() == 0
    assert capsys.readouterr().out == "millrace-dev: nothing to do\n"


def test_with_only_bootstrap_left_it_says_how_that_goes(
    aws: Any, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.account()
    aws.no_stack()
    aws.bootstrapped()

    assert run() == 0
    assert capsys.readouterr().out == (
        "millrace-dev: nothing to do; millrace-dev-bootstrap is still there: "
        "`python deploy.py destroy dev --bootstrap`\n"
    )


BOOTSTRAP = "Resources:\n  Artefacts: {Type: 'AWS::S3::Bucket', DeletionPolicy: Delete}\n"


def test_bootstrap_stays_while_the_platform_stands(
    aws: Any, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.account()
    stands(aws, BOOTSTRAP, name="millrace-dev-bootstrap")
    aws.answers("s3", "list_object_versions", {})
    aws.stack("millrace-dev-bootstrap")
    aws.stack()

    assert run("--bootstrap", "--yes", "--accept-data-loss", "Artefacts") == 1
    assert "first run `python deploy.py destroy dev`" in capsys.readouterr().err


def test_a_protected_bootstrap_is_lifted_by_bootstrap(
    aws: Any, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.account()
    stands(aws, BOOTSTRAP, name="millrace-dev-bootstrap")
    aws.answers("s3", "list_object_versions", {})
    aws.stack("millrace-dev-bootstrap", EnableTerminationProtection=True)

    assert run("--bootstrap", "--yes", "--accept-data-loss", "Artefacts") == 1
    assert "run `python deploy.py bootstrap dev`" in capsys.readouterr().err


def going(aws: Any, *, lock_days: int = 0) -> tuple[Destruction, destruction.Listing]:
    aws.account()
    stands(aws)
    holds(aws, lock_days=lock_days)
    of = Destruction(aws.deployment(None).target)
    listing = of.listing()
    assert listing is not None
    aws.stack()
    return of, listing


def test_a_locked_bucket_says_until_when_it_stays(aws: Any) -> None:
    of, listing = going(aws, lock_days=36500)

    with pytest.raises(StillLocked, match="locked until 2125-12-08 00:00 UTC at least"):
        of.destroy(Silence(), listing.blocking)


def test_a_version_that_s3_keeps_stops_the_deletion_of_the_stack(aws: Any) -> None:
    of, listing = going(aws)
    aws.answers("s3", "list_object_versions", {"Versions": [{"Key": "a", "VersionId": "1"}]})
    refused = [{"Key": "a", "Code": "AccessDenied", "Message": "object protected by object lock"}]
    aws.answers("s3", "delete_objects", {"Errors": refused})

    with pytest.raises(NotEmptied, match="a: AccessDenied: object protected"):
        of.destroy(Silence(), listing.blocking)


def test_identifiers_are_those_of_the_registry() -> None:
    for kind, known in orphans.KEPT.items():
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-west-2", kind).schema
        assert schema["primaryIdentifier"] == [f"/properties/{known.identifier}"], kind
    unknown = Leaving("Role", "AWS::IAM::Role", "role", Fate.KEPT)
    assert orphans.identifier(unknown) is None
