"""The platform with records that are pushed: nothing of it is committed, so it is built and judged here."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import build
from parameters.settings import load
from rules.seam.discovery import every_rule
from rules.seam.judging import Judged
from topology import needs, pairing
from topology.policies import policies
from topology.rendering import Renderer
from topology.tree import load as load_tree
from topology.tree import load_directory

NEEDS = needs.load(Path(__file__).parents[2] / "docs" / "needs.yaml")
DERIVED = re.compile(r"Bootstrap/(Boundary|MayMake\w+)")


@pytest.fixture(scope="module", params=["dev", "prod"])
def emitted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    environment = load(request.param)
    processor = msgspec.structs.replace(environment.processor, retrieval="fan_out")
    out = tmp_path_factory.mktemp("emitted")
    build.write(build.synthesise(msgspec.structs.replace(environment, processor=processor)), out)
    yield out / request.param


@pytest.mark.parametrize("root", ["platform", "bootstrap"])
def test_no_rule_is_broken(emitted: Path, root: str) -> None:
    judged = Judged(load_tree(emitted / f"{root}.yaml"))
    said = [str(placed) for rule in every_rule() if not rule.only_if for placed in judged.said(rule)]

    assert said == []


def test_statements_and_needs_are_one_to_one(emitted: Path) -> None:
    tree = load_directory(emitted)
    renderer = Renderer(tree)
    wanted = list(needs.wanted(NEEDS, tree, renderer, emitted.name))
    allowed = [
        one for one in pairing.allowed(policies(tree, renderer), renderer) if not DERIVED.fullmatch(one.holder)
    ]

    assert [one.action for one in wanted if one.action == "kinesis:SubscribeToShard"]
    assert list(pairing.problems(wanted, allowed)) == []


def test_who_deploys_may_make_the_consumer_and_the_task_subscribe_to_it(emitted: Path) -> None:
    roles = (emitted / "bootstrap.yaml").read_text(encoding="utf-8")

    for action in ("RegisterStreamConsumer", "DeregisterStreamConsumer", "SubscribeToShard"):
        assert f"- kinesis:{action}\n" in roles
