"""Our rules over the committed trees."""

from pathlib import Path

import pytest

from rules.seam.discovery import every_rule
from rules.seam.judging import Judged
from rules.seam.rule import Rule
from topology.tree import load

TEMPLATES = Path(__file__).parents[2] / "templates"
JUDGED = {
    f"{environment}/{name}": Judged(load(TEMPLATES / environment / f"{name}.yaml"))
    for environment in ("dev", "prod")
    for name in ("platform", "bootstrap")
}


@pytest.mark.parametrize("tree", JUDGED)
@pytest.mark.parametrize("rule", [rule for rule in every_rule() if not rule.only_if], ids=lambda rule: rule.id)
def test_no_committed_tree_breaks_a_rule(tree: str, rule: Rule) -> None:
    assert [str(placed) for placed in JUDGED[tree].said(rule)] == []


@pytest.mark.parametrize("tree", JUDGED)
def test_every_policy_of_ours_can_be_judged(tree: str) -> None:
    for site in JUDGED[tree].sites:
        assert site.unread_policies == {}
