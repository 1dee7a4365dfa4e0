import pytest

from tests.unit.rules.conftest import Say

ROOT = """\
Resources:
  Shop:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: shop.yaml
      Parameters: {Name: goods}
  Seen: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !GetAtt Shop.Outputs.Queue}}
  Later: {Type: AWS::SNS::Topic, DependsOn: Seen, Properties: {Tags: [{Key: env, Value: test}]}}
"""
SHOP = """\
Parameters: {Name: {Type: String}}
Resources:
  Goods:
    Type: AWS::SQS::Queue
    Properties: {QueueName: !Ref Name, Tags: [{Key: env, Value: test}]}
  Other: {Type: AWS::SNS::Topic, Properties: {Tags: [{Key: env, Value: test}]}}
Outputs: {Queue: {Value: !GetAtt Goods.Arn}}
"""
IDS = ("E9497", "E9498", "E9499", "E9488", "E9489", "W9493")


def ids(say: Say, root: str = ROOT, shop: str = SHOP) -> set[str]:
    return {line.split()[1] for line in say(IDS, root, shop=shop)}


def test_what_leads_somewhere_is_well(say: Say) -> None:
    assert ids(say) == set()
    assert ids(say, SHOP) == set()


@pytest.mark.parametrize(
    ("root", "shop", "raised"),
    [
        (ROOT.replace("Outputs.Queue", "Outputs.Topic"), SHOP, {"E9497"}),
        (ROOT, SHOP.replace("!Ref Name", "!Ref Nmae"), {"E9497"}),
        (ROOT, SHOP.replace("  Goods:", "  Bads:"), {"E9497", "E9498"}),
        (ROOT.replace("DependsOn: Seen", "DependsOn: [Unseen]"), SHOP, {"E9499"}),
        (ROOT.replace("{Name: goods}", "{Name: goods, Size: 3}"), SHOP, {"E9489"}),
        (ROOT.replace("{Name: goods}", "{}"), SHOP, {"E9488", "E9497"}),
        (ROOT, SHOP.replace("Value: test", "Value: prod", 1), {"W9493"}),
    ],
)
def test_what_leads_nowhere_is_told(say: Say, root: str, shop: str, raised: set[str]) -> None:
    assert ids(say, root, shop) == raised


@pytest.mark.parametrize(
    "more", ["Transform: AWS::Serverless-2016-10-31\n", "Conditions: {A: !Equals [1, 1]}\n"]
)
def test_names_that_a_macro_or_a_condition_makes_are_not_judged(say: Say, more: str) -> None:
    assert ids(say, ROOT, more + SHOP.replace("!Ref Name", "!Ref Nmae")) == set()


def test_an_attribute_of_a_parameter_is_for_whoever_takes_the_module(say: Say) -> None:
    assert ids(say, SHOP.replace("!Ref Name", "!GetAtt Name.Id")) == set()
