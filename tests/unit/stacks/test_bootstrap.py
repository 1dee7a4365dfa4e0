"""What the artefact bucket refuses, whoever asks."""

from typing import Any

import pytest

from parameters.settings import load
from stacks import bootstrap, deployment_roles, platform
from stacks.wiring import apart


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_an_artefact_is_created_and_never_overwritten(environment: str) -> None:
    settings = load(environment)
    given = bootstrap.Settings(
        settings.bootstrap, deployment_roles.platform(platform.build(settings), environment)
    )
    resources: Any = apart(bootstrap.build, given, settings).tree["Resources"]
    statements = resources["ArtefactsPolicy"]["Properties"]["PolicyDocument"]["Statement"]

    (only,) = [one for one in statements if one["Sid"] == "NothingIsOverwritten"]

    assert (only["Effect"], only["Principal"], only["Action"]) == ("Deny", "*", ["s3:PutObject"])
    assert only["Resource"] == [{"Fn::Sub": "${Artefacts.Arn}/*"}]
    assert only["Condition"] == {
        "Null": {"s3:if-none-match": "true"},
        "Bool": {"s3:ObjectCreationOperation": "true"},
    }, "the parts of a large upload cannot say so"
    log = resources["AccessLogPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert "NothingIsOverwritten" not in {one["Sid"] for one in log}, "S3 delivers without a condition"
