import hashlib
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployer import artefacts
from deployer.artefacts import Artefact
from deployer.errors import ArtefactReplaced, BadTemplate, TemplateMissing


def collect(directory: Path) -> artefacts.Bundle:
    return artefacts.collect(directory, "artefacts", "eu-west-2", lambda name: name.encode())


def test_each_artefact_is_named_by_its_content(templates: Path) -> None:
    bundle = collect(templates)

    for artefact in bundle.artefacts:
        assert hashlib.sha256(artefact.body).hexdigest() in artefact.key
    assert [artefact.key.split("/")[0] for artefact in bundle.artefacts] == ["functions"] + 3 * ["templates"]
    assert bundle.artefacts[-1] is bundle.root


def test_only_the_template_urls_change(templates: Path) -> None:
    bundle = collect(templates)
    inner, outer = bundle.others

    before = (templates / "platform.yaml").read_text()
    expected = before.replace("outer.yaml", artefacts.url("artefacts", "eu-west-2", outer.key))
    assert bundle.root.body.decode() == expected
    assert inner.body == (templates / "inner.yaml").read_bytes()
    assert f"https://s3.eu-west-2.amazonaws.com/artefacts/{inner.key}" in outer.body.decode()


def test_a_change_deep_below_renames_all_above(templates: Path) -> None:
    before = collect(templates)
    (templates / "inner.yaml").write_text("Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n")
    after = collect(templates)

    assert before.root.key != after.root.key
    assert before.rotation_code == after.rotation_code


def test_the_capabilities_are_those_of_the_whole_tree(templates: Path) -> None:
    assert collect(templates).capabilities == ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM")

    (templates / "inner.yaml").write_text("Resources:\n  Worker:\n    Type: AWS::IAM::Role\n")
    assert collect(templates).capabilities == ("CAPABILITY_IAM",)


def test_the_committed_templates_survive_the_rewrite() -> None:
    bundle = collect(Path(__file__).parents[3] / "templates" / "dev")

    assert len(bundle.others) == 10
    assert b"TemplateURL: https://s3.eu-west-2.amazonaws.com/artefacts/templates/" in bundle.root.body


def test_a_template_url_that_is_no_line_of_its_own_is_refused(templates: Path) -> None:
    (templates / "outer.yaml").write_text(
        "Resources:\n  Inner: {Type: 'AWS::CloudFormation::Stack', Properties: {TemplateURL: inner.yaml}}\n"
    )

    with pytest.raises(BadTemplate, match=r"outer\.yaml: has a TemplateURL that is not a line of its own"):
        collect(templates)


def test_templates_that_nest_each_other_are_refused(templates: Path) -> None:
    (templates / "inner.yaml").write_text((templates / "outer.yaml").read_text().replace("inner", "outer"))

    with pytest.raises(BadTemplate, match="nests itself"):
        collect(templates)


def test_a_missing_template_names_the_builder(tmp_path: Path) -> None:
    with pytest.raises(TemplateMissing, match=r"platform\.yaml: emit the templates first with `python build"):
        collect(tmp_path)


def test_only_what_is_missing_is_uploaded(aws: Any) -> None:
    aws.has(b"a", "templates/a.yaml")
    aws.lacks("templates/b.yaml")

    artefacts.upload(
        aws.s3,
        "artefacts",
        "111122223333",
        [Artefact("templates/a.yaml", b"a", "application/yaml"), Artefact("templates/b.yaml", b"b", "x/y")],
    )


A = Artefact("templates/a.yaml", b"a", "application/yaml")


def test_what_stands_under_a_name_and_is_something_else_stops_the_deployment(aws: Any) -> None:
    aws.has(b"b", A.key)

    with pytest.raises(
        ArtefactReplaced, match=rf"s3://artefacts/{A.key} .* {hashlib.sha256(b'b').hexdigest()}"
    ):
        artefacts.upload(aws.s3, "artefacts", "111122223333", [A])


@pytest.mark.parametrize("code", ["PreconditionFailed", "ConditionalRequestConflict"])
def test_what_somebody_else_wrote_meanwhile_is_verified(aws: Any, code: str) -> None:
    aws.refuses("get_object", "AccessDenied", service="s3")
    aws.refuses("put_object", code, service="s3")
    aws.has(b"a", A.key)

    artefacts.upload(aws.s3, "artefacts", "111122223333", [A])

    aws.refuses("get_object", "AccessDenied", service="s3")
    aws.refuses("put_object", code, service="s3")
    aws.has(b"b", A.key)
    with pytest.raises(ArtefactReplaced):
        artefacts.upload(aws.s3, "artefacts", "111122223333", [A])


def test_a_refusal_is_no_sign_that_it_is_there(aws: Any) -> None:
    aws.refuses("get_object", "AccessDenied", service="s3")
    aws.refuses("put_object", "AccessDenied", service="s3")

    with pytest.raises(ClientError, match="AccessDenied"):
        artefacts.upload(aws.s3, "artefacts", "111122223333", [A])


def test_each_stack_has_its_template_by_the_way_that_leads_to_it(templates: Path) -> None:
    bundle = collect(templates)
    inner, outer = bundle.others

    assert bundle.templates == {(): bundle.root, ("Outer",): outer, ("Outer", "Inner"): inner}


def test_what_lies_in_the_bucket_no_more_is_missed(aws: Any, templates: Path) -> None:
    bundle = collect(templates)
    first, *others = bundle.artefacts
    aws.refuses("get_object", "NoSuchKey", service="s3")
    for artefact in others:
        aws.has(artefact.body, artefact.key)

    assert artefacts.missing(aws.s3, "artefacts", "111122223333", bundle.artefacts) == (first.key,)


def test_what_was_replaced_in_the_bucket_is_refused(aws: Any, templates: Path) -> None:
    bundle = collect(templates)
    aws.has(b"another")

    with pytest.raises(ArtefactReplaced):
        artefacts.missing(aws.s3, "artefacts", "111122223333", bundle.artefacts)
