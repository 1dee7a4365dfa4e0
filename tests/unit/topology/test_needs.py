from collections.abc import Callable
from pathlib import Path

import pytest

from topology import needs
from topology.needs import BadNeeds
from topology.rendering import Renderer
from topology.tree import Tree

Plant = Callable[..., Tree]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "Service/Role:\n- {by: Lambda, actions: [a:B], resources: ['*']}",
            "Lambda is no package here; name the source",
        ),
        ("Service/Role:\n- {by: p, actions: [a:B]}", "p needs actions on resources, so name both"),
        ("Service/Role:\n- {by: p, resources: ['*']}", "p needs actions on resources, so name both"),
        (
            "Service/Role:\n- {by: p, actions: [a:B], resources: ['*'], policies: [X]}",
            "p needs actions on resources, so name both, or policies alone",
        ),
        ("Service/Role:\n- {by: p, actions: [a:B], resources: ['*'], note: x}", "unknown field `note`"),
        ("Service/Role:\n- {by: p, actions: [a:B], resources: [Nothing]}", "Nothing: no such resource"),
        ("[", "needs.yaml"),
    ],
)
def test_wrong_needs_are_refused_in_words(plant: Plant, tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(BadNeeds, match=why):
        (tmp_path / "needs.yaml").write_text(text)
        tree = plant()
        list(needs.wanted(needs.load(tmp_path / "needs.yaml"), tree, Renderer(tree), "dev"))


@pytest.mark.parametrize(
    ("named", "target"),
    [
        ("Stream", "arn:aws:kinesis:eu-west-2:111122223333:stream/readings"),
        ("Stream + /consumer/*", "arn:aws:kinesis:eu-west-2:111122223333:stream/readings/consumer/*"),
        ("Network/Caller.GroupId", "sg-"),
        ("'arn:aws:s3:::plant-{environment}/*'", "arn:aws:s3:::plant-dev/*"),
        ("'*'", "*"),
    ],
)
def test_resources_are_named_by_address(plant: Plant, tmp_path: Path, named: str, target: str) -> None:
    (tmp_path / "needs.yaml").write_text(f"R:\n- {{by: p, actions: [a:B], resources: [{named}]}}\n")
    tree = plant()
    (want,) = needs.wanted(needs.load(tmp_path / "needs.yaml"), tree, Renderer(tree), "dev")
    assert want.resource.startswith(target)


def test_a_need_of_what_not_every_environment_has_is_one_where_it_is_there(
    plant: Plant, tmp_path: Path
) -> None:
    listed = "- {by: p, actions: [a:B], resources: [%s], where_there: true}"
    (tmp_path / "needs.yaml").write_text(f"Service/Role:\n{listed % 'Stream'}\n{listed % 'Nothing + /x'}")
    tree = plant()

    (one,) = needs.wanted(needs.load(tmp_path / "needs.yaml"), tree, Renderer(tree), "dev")

    assert one.resource == "arn:aws:kinesis:eu-west-2:111122223333:stream/readings"
