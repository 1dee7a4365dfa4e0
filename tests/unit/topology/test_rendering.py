import json
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from topology.arns import FORMS, Form
from topology.rendering import NoForm, Place, Renderer
from topology.tree import Tree, load_directory

TEMPLATES = Path(__file__).parents[3] / "templates"
ALONE = """\
Resources:
  Service:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: service.yaml}
"""
PLACES = {
    "partition": "${Partition}",
    "region": "${Region}",
    "account": "${Account}",
    "StreamARN": "arn:${Partition}:kinesis:${Region}:${Account}:stream/x",
}


def formats() -> dict[str, set[str]]:
    """Service → ARN formats of the service authorization reference, as cfn-lint carries it."""
    text = files("cfnlint.data.AdditionalSpecs").joinpath("Policies.json").read_text()
    return {
        service: {arn for kind in said["Resources"].values() for arn in kind["ARNFormats"]}
        for service, said in json.loads(text).items()
    }


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_arn_has_a_format_of_the_service_authorization_reference(form: Form) -> None:
    sample = re.sub(
        r"\{(\w+)\}", lambda found: {**PLACES, "service": form.service}.get(found[1], "alias/x"), form.arn
    )
    known = [re.escape(arn).replace(r"\.\*", ".+") for arn in formats()[form.service]]
    assert any(re.fullmatch(pattern, sample) for pattern in known), sample


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("!Ref StreamArn", "arn:aws:kinesis:eu-west-2:111122223333:stream/readings"),
        ("!Sub '${AWS::AccountId}.${AWS::URLSuffix}'", "111122223333.amazonaws.com"),
        ("!GetAtt Role.Arn", "arn:aws:iam::111122223333:role/service-role"),
        ("!Ref Role", "service-role"),
        ("!GetAtt Role.RoleId", "service-role-role-id"),
        ("!Ref Image", "image"),
        ("{a: [!Ref Unset, 1, true]}", {"a": ["fallback", 1, True]}),
    ],
)
def test_leaves_become_text(rendered: Callable[[str], object], written: str, text: object) -> None:
    assert rendered(written) == text


def test_another_place_gives_other_stand_ins(plant: Callable[..., Tree]) -> None:
    tree = plant("!Sub '${StreamArn}@${Image}'")
    renderer = Renderer(tree, Place("eu-central-1", "444455556666", given={"Image": "sha256:0"}))
    value = renderer.resolver.property(tree.resource("Service/Thing"), "Value")
    assert renderer.text(value) == "arn:aws:kinesis:eu-central-1:444455556666:stream/readings@sha256:0"


def test_a_type_without_a_form_is_an_error_only_where_its_arn_is_asked_for(
    plant: Callable[..., Tree],
) -> None:
    service = "Resources: {Thing: {Type: Custom::Other, Properties: {Value: !Ref AWS::Region}}}\n"
    tree = plant(root=ALONE, service=service)
    renderer = Renderer(tree)
    thing = tree.resource("Service/Thing")
    assert renderer.text(renderer.resolver.property(thing, "Value")) == "eu-west-2"
    with pytest.raises(
        NoForm, match=r"Service/Thing: its ARN is unknown; add Custom::Other to topology/arns\.py"
    ):
        renderer.arn(thing)


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_everything_that_we_emit_can_be_written(environment: str) -> None:
    tree = load_directory(TEMPLATES / environment)
    renderer = Renderer(tree)
    for resource in tree.resources():
        json.dumps(renderer.document(renderer.resolver.properties(resource)))
    known = [resource for resource in tree.resources() if resource.kind in FORMS]
    assert len(renderer.arns) == len(known) > 70  # no two have one ARN


def test_names_that_a_template_fixes_meet_across_trees() -> None:
    renderer = Renderer(load_directory(TEMPLATES / "prod"))
    found = renderer.arns["arn:aws:ecr:eu-west-2:111122223333:repository/millrace/prod"]
    assert found.address == "Bootstrap/Images"
