from typing import Any

import pytest

from deployer import ssm_values
from deployer.errors import BadTemplate
from deployer.templates import Tree

TYPED = {"Type": "AWS::SSM::Parameter::Value<String>"}
ROOT: Tree = {
    "Parameters": {"Image": TYPED, "Size": {**TYPED, "Default": "/size"}, "Address": {"Type": "String"}},
    "Resources": {
        "Own": {
            "Type": "A",
            "Properties": {"Name": "a {{resolve:ssm:/own:3}} {{resolve:ssm-secure:/key:1}}"},
        },
        "Child": {
            "Type": "AWS::CloudFormation::Stack",
            "Properties": {"Parameters": {"Literal": "/literal", "Passed": {"Ref": "Image"}}},
        },
    },
}
CHILD: Tree = {
    "Parameters": {"Literal": TYPED, "Passed": TYPED, "Other": {**TYPED, "Default": "/other"}},
    "Resources": {"One": {"Type": "A", "Properties": {"List": ["{{resolve:secretsmanager:not-ours}}"]}}},
}


def test_every_value_that_a_template_takes_is_found() -> None:
    found = ssm_values.names({(): ROOT, ("Child",): CHILD}, {"Image": "/image", "Address": "/address"})

    assert found == {"/image", "/size", "/own:3", "/key:1", "/literal", "/other"}


@pytest.mark.parametrize(
    ("tree", "name"),
    [
        ({"Resources": {"A": {"Fn::Sub": "{{resolve:ssm:/a/${Name}/b}}"}}}, r"/a/\$\{Name\}/b"),
        ({"Parameters": {"Unknown": TYPED}, "Resources": {}}, r"\$\{Unknown\}"),
    ],
)
def test_a_name_that_only_the_deployment_knows_cannot_be_sealed(tree: Tree, name: str) -> None:
    with pytest.raises(BadTemplate, match=f"the root template: takes {name} from the Parameter Store"):
        ssm_values.names({(): tree}, {})


def test_a_value_that_a_sibling_gives_cannot_be_sealed() -> None:
    tree = {
        "Resources": {
            "Child": {"Type": "N", "Properties": {"Parameters": {"Literal": {"Fn::GetAtt": ["A", "B"]}}}}
        }
    }

    with pytest.raises(BadTemplate, match=r"Child: takes \$\{Literal\} from the Parameter Store"):
        ssm_values.names({(): tree, ("Child",): {"Parameters": {"Literal": TYPED}, "Resources": {}}}, {})


def test_values_are_told_by_version_and_digest_and_secret_ones_by_version_alone(aws: Any) -> None:
    names = frozenset({f"/p/{number:02}" for number in range(9)} | {"/a:3", "/secret", "/gone"})
    first = sorted(names)[:10]
    answer = [
        {"Name": "/a", "Selector": ":3", "Version": 3, "Type": "String", "Value": "x"},
        {"Name": "/p/00", "Version": 7, "Type": "StringList", "Value": "x,y"},
    ]
    aws.answers("ssm", "get_parameters", {"Parameters": answer}, Names=first, WithDecryption=False)
    secret = {"Name": "/secret", "Version": 2, "Type": "SecureString", "Value": "ciphertext"}
    rest = sorted(names)[10:]
    aws.answers("ssm", "get_parameters", {"Parameters": [secret]}, Names=rest, WithDecryption=False)

    told = ssm_values.read(aws.session.client("ssm"), names)

    assert told["/a:3"] == "version 3 #2d711642b726"
    assert told["/p/00"].startswith("version 7 #")
    assert told["/secret"] == "version 2"
    assert told["/gone"] == "missing"
    assert set(told) == names
