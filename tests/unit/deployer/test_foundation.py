"""What of bootstrap is made first."""

import json
from typing import Any

from deployer import foundation

BUCKET = {"Type": "AWS::S3::Bucket"}
ROLE = {"Type": "AWS::IAM::Role"}


def of(outputs: dict[str, Any], **resources: Any) -> Any:
    return json.loads(foundation.of({"Description": "d", "Resources": resources, "Outputs": outputs}))


def test_all_but_the_rights_and_what_is_told_of_them() -> None:
    outputs = {
        "Bucket": {"Value": {"Ref": "Artefacts"}},
        "Role": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}},
        "Both": {"Value": {"Fn::Sub": "${Artefacts.Arn} ${Role.Arn}"}},
    }

    assert of(outputs, Artefacts=BUCKET, Role=ROLE, Policy={"Type": "AWS::IAM::ManagedPolicy"}) == {
        "Description": "d",
        "Resources": {"Artefacts": BUCKET},
        "Outputs": {"Bucket": {"Value": {"Ref": "Artefacts"}}},
    }


def test_a_name_that_only_begins_like_a_right_is_no_right() -> None:
    outputs = {"Value": {"Value": {"Ref": "RoleBucket"}}}

    assert of(outputs, RoleBucket=BUCKET, Role=ROLE)["Outputs"] == outputs


def test_a_template_without_rights_is_whole() -> None:
    outputs = {"Bucket": {"Value": {"Ref": "Artefacts"}}}

    assert of(outputs, Artefacts=BUCKET) == {
        "Description": "d",
        "Resources": {"Artefacts": BUCKET},
        "Outputs": outputs,
    }
