"""Secrets are never in parameters."""

from pathlib import Path
from typing import Any

import pytest

from deployer import artefacts
from deployer.plan import Kind
from deployer.request import Request
from deployer.secret_parameters import SecretParameter, refuse


def template(
    parameters: dict[str, Any] | None = None, handed: dict[str, Any] | None = None
) -> dict[str, Any]:
    nested = {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"TemplateURL": "u", "Parameters": handed or {}},
    }
    return {"Parameters": parameters or {}, "Resources": {"Child": nested}}


@pytest.mark.parametrize(
    ("tree", "what"),
    [
        (
            template({"Size": {"Type": "String", "NoEcho": True}}),
            "the parameter Size is declared with NoEcho",
        ),
        (
            template({"Size": {"Type": "String", "NoEcho": "true"}}),
            "the parameter Size is declared with NoEcho",
        ),
        (template({"DbPassword": {"Type": "String"}}), "the parameter DbPassword has the name of a secret"),
        (
            template({"Key": {"Type": "String", "Default": "AKIAIOSFODNN7EXAMPLE"}}),
            "the parameter Key has the shape of a secret",
        ),
        (
            template(handed={"Url": "{{resolve:secretsmanager:s:SecretString:url}}"}),
            "the parameter Child.Url resolves a secret",
        ),
        (
            template(handed={"Url": {"Fn::Sub": "{{resolve:ssm-secure:${Name}}}"}}),
            "the parameter Child.Url resolves a secret",
        ),
    ],
)
def test_a_template_with_a_secret_for_a_parameter_is_refused(tree: dict[str, Any], what: str) -> None:
    with pytest.raises(SecretParameter) as refusal:
        refuse(tree, "stack.yaml")

    assert str(refusal.value) == (
        f"stack.yaml: {what}, and a parameter is no place for a secret: keep the value in Secrets Manager "
        "(AWS::SecretsManager::Secret, or the database's ManageMasterUserPassword), hand its ARN over, let "
        "the program read it when it runs, then `python build.py` and `python deploy.py plan` again; nothing "
        "was uploaded"
    )


def test_names_of_secrets_and_public_references_are_no_secrets() -> None:
    refuse(
        template(
            {
                "SecretArn": {"Type": "String"},
                "RotationCodeKey": {"Type": "String"},
                "ApiToken": {"Type": "AWS::SSM::Parameter::Name"},
            },
            {"Key": {"Fn::GetAtt": ["Keys", "Outputs.Arn"]}, "Image": "{{resolve:ssm:/image}}"},
        ),
        "stack.yaml",
    )


def test_a_value_that_looks_like_a_secret_is_refused_before_a_change_set_is_asked_for() -> None:
    request = Request("s", Kind.UPDATE, "t", parameters={"Note": "postgresql://u:hunter2@h/d"})

    with pytest.raises(
        SecretParameter, match="the change set: the parameter Note has the shape of a secret"
    ) as it:
        request.arguments()
    assert "hunter2" not in str(it.value)


def test_a_nested_template_is_looked_at_before_anything_is_uploaded(templates: Path) -> None:
    inner = templates / "inner.yaml"
    inner.write_text(f"Parameters:\n  Word:\n    Type: String\n    NoEcho: true\n{inner.read_text()}")

    with pytest.raises(SecretParameter, match=r"inner\.yaml: the parameter Word is declared with NoEcho"):
        artefacts.collect(templates, "artefacts", "eu-west-2", lambda _: b"")
