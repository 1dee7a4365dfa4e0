import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from deployer.errors import (
    BadTemplate,
    Busy,
    DeploymentFailed,
    Guarded,
    MissingImage,
    MissingStack,
    NotBootstrapped,
    Protected,
    Stuck,
)
from deployer.events import Progress, Silence
from deployer.plan import Kind

IMAGE = f"sha256:{'a' * 64}"
NAME = "millrace-deploy-1"
TAGS = [
    {"Key": "Project", "Value": "millrace"},
    {"Key": "Environment", "Value": "dev"},
    {"Key": "ManagedBy", "Value": "cloudformation"},
]


# Each of these is refused before anything is uploaded: S3 has no answer scripted.


def test_a_first_plan_needs_an_image(aws: Any, templates: Path) -> None:
    aws.account()
    aws.no_stack()
    aws.bootstrapped()

    with pytest.raises(MissingImage, match=r"which `python deploy\.py image dev` prints"):
        aws.deployment(templates).plan()


def test_without_bootstrap_the_next_command_is_named(aws: Any, templates: Path) -> None:
    aws.account()
    aws.no_stack()
    aws.no_stack("millrace-dev-bootstrap")

    with pytest.raises(NotBootstrapped, match=r"run `python deploy\.py bootstrap dev` first"):
        aws.deployment(templates).plan(image_digest=IMAGE)


def test_a_stuck_stack_is_refused(aws: Any, templates: Path) -> None:
    aws.account()
    aws.stack(status="ROLLBACK_COMPLETE")

    with pytest.raises(Stuck, match=r"python deploy\.py recover dev"):
        aws.deployment(templates).plan(image_digest=IMAGE)


def test_a_parameter_that_nobody_gives_is_refused(aws: Any, templates: Path) -> None:
    root = templates / "platform.yaml"
    root.write_text(root.read_text().replace("Resources:", "  Colour:\n    Type: String\nResources:"))
    aws.account()
    aws.no_stack()
    aws.bootstrapped()

    with pytest.raises(BadTemplate, match="asks for a parameter Colour"):
        aws.deployment(templates).plan(image_digest=IMAGE)


def test_what_guards_itself_is_not_destroyed_while_the_stack_takes_a_change(aws: Any) -> None:
    body = "Resources: {Db: {Type: 'AWS::RDS::DBInstance', Properties: {DeletionProtection: true}}}"
    database = {
        "LogicalResourceId": "Db",
        "PhysicalResourceId": "db",
        "ResourceType": "AWS::RDS::DBInstance",
        "ResourceStatus": "CREATE_COMPLETE",
        "LastUpdatedTimestamp": 0,
    }
    aws.account()
    for status in ("CREATE_COMPLETE", "DELETE_FAILED"):
        aws.stack(status=status)
        aws.says("list_stack_resources", {"StackResourceSummaries": [database]})
        aws.says("get_template", {"TemplateBody": body})
    deployment = aws.deployment(Path("nowhere"))

    with pytest.raises(Guarded, match=r"\(Db\): set `deletion_protection: false` in parameters/dev\.yaml"):
        deployment.removal()
    stuck = deployment.removal()
    assert stuck is not None  # no change set reaches it any more, so by hand
    assert stuck.render(40).endswith(
        "protected against deletion; unless done\n  already, run in eu-west-2 first:\n"
        "  aws rds modify-db-instance --apply-immediately --no-deletion-protection"
        " --db-instance-identifier db"
    )


def test_what_is_bootstrapped_in_part_is_not_bootstrapped(aws: Any, templates: Path) -> None:
    aws.account()
    aws.no_stack()
    aws.stack("millrace-dev-bootstrap", "CREATE_COMPLETE", outputs={"ArtefactBucket": "artefacts"})

    with pytest.raises(NotBootstrapped, match=r"ExecutionRoleArn.*`python deploy\.py bootstrap dev` first"):
        aws.deployment(templates).plan(image_digest=IMAGE)


def test_bootstrap_begins_with_what_makes_the_bucket_sent_in_the_request(aws: Any, templates: Path) -> None:
    first = {
        "Resources": {"Artefacts": {"Type": "AWS::S3::Bucket"}},
        "Outputs": {"ArtefactBucket": {"Value": {"Ref": "Artefacts"}}},
    }
    aws.account()
    aws.no_stack("millrace-dev-bootstrap")
    aws.says(
        "create_change_set",
        {"Id": aws.change_set_id(NAME), "StackId": aws.stack_id("millrace-dev-bootstrap")},
        StackName="millrace-dev-bootstrap",
        ChangeSetName=NAME,
        ClientToken=NAME,
        ChangeSetType="CREATE",
        IncludeNestedStacks=True,
        TemplateBody=json.dumps(first, separators=(",", ":")),
        Parameters=[],
        Capabilities=[],
        Tags=TAGS,
        OnStackFailure="ROLLBACK",
        Description=aws.any,
    )
    aws.change_set("millrace-dev-bootstrap", [aws.change("Artefacts")], name=NAME)
    aws.says("list_change_sets", {"Summaries": []})

    made = aws.deployment(templates).plan_bootstrap()

    assert (made.kind, made.counts.add) == (Kind.CREATE, 1)


def test_bootstrap_that_stands_is_sent_by_its_bucket_and_is_a_no_op_when_unchanged(
    aws: Any, templates: Path
) -> None:
    text = (templates / "bootstrap.yaml").read_text()
    key = f"templates/{sha256(text.encode()).hexdigest()}.yaml"
    aws.account()
    aws.bootstrapped()
    aws.tells("millrace-dev-bootstrap")
    aws.lacks(key)
    aws.says(
        "create_change_set",
        {"Id": aws.change_set_id(NAME), "StackId": aws.stack_id("millrace-dev-bootstrap")},
        StackName="millrace-dev-bootstrap",
        ChangeSetName=NAME,
        ClientToken=NAME,
        ChangeSetType="UPDATE",
        IncludeNestedStacks=True,
        TemplateURL=f"https://s3.eu-west-2.amazonaws.com/artefacts/{key}",
        Parameters=[],
        Capabilities=["CAPABILITY_IAM"],
        Tags=TAGS,
        Description=aws.any,
    )
    reason = "didn't contain changes"
    aws.change_set("millrace-dev-bootstrap", [], name=NAME, status="FAILED", reason=reason)
    aws.says("list_change_sets", {"Summaries": []})
    aws.says("delete_change_set", {})
    aws.refuses("describe_change_set", "ChangeSetNotFound")
    aws.bootstrapped()
    aws.says("list_stack_resources", {"StackResourceSummaries": []})
    aws.says("get_template", {"TemplateBody": text})
    aws.says("get_stack_policy", {})
    aws.says("set_stack_policy", {})

    aws.deployment(templates).bootstrap(Silence())


def test_outputs_of_what_is_not_there_name_the_next_command(aws: Any) -> None:
    aws.account()
    aws.no_stack()

    with pytest.raises(MissingStack, match=r"no stack millrace-dev in eu-west-2.*deploy\.py apply dev"):
        aws.deployment(Path("nowhere")).outputs()


def test_destroy_deletes_by_id_with_a_token_and_follows(aws: Any) -> None:
    seen: list[Progress] = []
    aws.account()
    aws.stack()
    aws.tells("millrace-dev")
    aws.says("delete_stack", {}, StackName=aws.stack_id("millrace-dev"), ClientRequestToken=NAME)
    gone = [
        aws.about("millrace-dev", "DELETE_IN_PROGRESS", 0),
        aws.about("millrace-dev", "DELETE_COMPLETE", 5),
    ]
    aws.stack(status="DELETE_COMPLETE")
    aws.tells("millrace-dev", *gone)
    aws.tells("millrace-dev", *gone)

    aws.deployment(Path("nowhere")).destroy(seen.append)

    assert [event.status for event in seen] == ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"]


def test_a_deletion_that_fails_tells_what_stands_in_its_way(aws: Any) -> None:
    aws.account()
    aws.stack()
    aws.tells("millrace-dev")
    aws.says("delete_stack", {})
    failed = [
        aws.event("millrace-dev", "Bucket", "DELETE_FAILED", 1, reason="The bucket is not empty"),
        aws.about("millrace-dev", "DELETE_FAILED", 2),
    ]
    aws.stack(status="DELETE_FAILED")
    aws.tells("millrace-dev", *failed)
    aws.tells("millrace-dev", *failed)

    with pytest.raises(DeploymentFailed, match=r"Bucket .* DELETE_FAILED: The bucket is not empty"):
        aws.deployment(Path("nowhere")).destroy(Silence())


def test_what_should_protect_a_stack_is_set_for_who_only_followed_it(aws: Any) -> None:
    aws.account()
    aws.stack(EnableTerminationProtection=True)
    aws.says("update_termination_protection", {}, StackName="millrace-dev", EnableTerminationProtection=False)
    aws.says("list_stack_resources", {"StackResourceSummaries": []})
    aws.says("get_template", {"TemplateBody": "Resources: {}"})
    aws.says("get_stack_policy", {})

    aws.deployment(Path("nowhere")).mend("millrace-dev")


def test_destroy_of_nothing_is_done(aws: Any) -> None:
    aws.account()
    aws.no_stack()

    aws.deployment(Path("nowhere")).destroy(Silence())


def test_what_is_protected_is_not_destroyed(aws: Any) -> None:
    aws.account()
    aws.stack(EnableTerminationProtection=True)

    with pytest.raises(Protected, match="termination_protection: false"):
        aws.deployment(Path("nowhere")).destroy(Silence())


def test_what_moves_is_not_destroyed(aws: Any) -> None:
    aws.account()
    aws.stack(status="UPDATE_IN_PROGRESS")

    with pytest.raises(Busy):
        aws.deployment(Path("nowhere")).destroy(Silence())
