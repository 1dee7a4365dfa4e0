"""On what an action is allowed, and on which condition."""

import re

import pytest

from stacks import linter_data
from stacks.scopes import OWN, PLACE, Condition, Scope, Unscoped, scopes

IN_LONDON = (Condition("StringEquals", "aws:RequestedRegion", ("${AWS::Region}",)),)


def test_what_knows_no_resource_is_allowed_in_the_region() -> None:
    assert list(scopes("ec2:DescribeVpcs", "dev")) == [Scope(("*",), IN_LONDON)]


def test_a_service_for_all_regions_has_no_region() -> None:
    assert list(scopes("iam:ListRoles", "dev")) == [Scope(("*",))]


def test_what_has_a_name_of_ours_is_bound_to_it() -> None:
    place = PLACE.replace("{service}", "sqs")
    assert list(scopes("sqs:DeleteQueue", "prod")) == [Scope((f"{place}millrace-prod-*",))]


def test_what_only_a_tag_tells_is_taken_away_only_with_the_tag() -> None:
    (scope,) = scopes("ec2:DeleteVpc", "prod")
    assert scope.conditions == (Condition("StringEquals", "aws:ResourceTag/Environment", ("prod",)),)


def test_what_is_made_has_no_tag_yet_and_what_is_another_s_stays_as_it_is() -> None:
    (scope,) = scopes("ec2:ModifyVpcAttribute", "prod")
    assert scope.conditions == (Condition("StringEqualsIfExists", "aws:ResourceTag/Environment", ("prod",)),)


def test_each_kind_that_an_action_knows_has_a_scope() -> None:
    found = [scope.resources[0].rpartition(":")[2] for scope in scopes("ec2:CreateRouteTable", "dev")]
    assert found == ["route-table/*", "vpc/*"]


def test_an_action_on_nothing_of_ours_is_refused() -> None:
    with pytest.raises(Unscoped, match=r"^redshift:DescribeClusters: none of the kinds .*\(cluster\)"):
        list(scopes("redshift:DescribeClusters", "dev"))


@pytest.mark.parametrize(("service", "kind"), OWN)
def test_what_is_ours_has_the_form_that_the_reference_gives_its_kind(service: str, kind: str) -> None:
    kinds = {
        name.casefold(): made for name, made in linter_data.authorization()[service]["Resources"].items()
    }
    forms = [re.sub(r"\$\{\w+\}", "[^:]*", form) for form in kinds[kind.casefold()]["ARNFormats"]]
    own = OWN[service, kind]
    for rest in own.rests:
        arn = own.place.replace("{service}", service).replace("::", "..") + rest
        plain = re.sub(r"\$\{AWS\.\.\w+\}", "x", arn).replace("..", "::").replace("{environment}", "dev")
        assert any(re.fullmatch(form, plain) for form in forms), (plain, forms)
