import json
import shutil
from pathlib import Path

import pytest

from topology.__main__ import main

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """What the command reads and writes, elsewhere."""
    for name in ("templates", "docs", "deployer"):
        shutil.copytree(REPOSITORY / name, tmp_path / name)
    return tmp_path


def run(root: Path, *arguments: str) -> int:
    return main(["--root", str(root), *arguments])


def test_what_is_committed_is_what_the_templates_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(REPOSITORY, "access", "--check") == 0, capsys.readouterr().out


def test_a_stale_page_is_named_and_written_anew(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = copied / "docs" / "access.md"
    fresh = page.read_text()
    page.write_text(fresh + "more\n")
    assert run(copied, "access", "--check") == 1
    assert "docs/access.md is stale: run `python -m topology access`" in capsys.readouterr().out
    assert run(copied, "access") == 0
    assert capsys.readouterr().out == "docs/access.md\n"
    assert page.read_text() == fresh


def test_a_new_right_shows_in_the_page(copied: Path) -> None:
    template = copied / "templates" / "prod" / "processor.yaml"
    text = template.read_text()
    template.write_text(
        text.replace("- kinesis:ListShards\n", "- kinesis:ListShards\n            - kinesis:DeleteStream\n")
    )
    assert run(copied, "access", "--check") == 1
    run(copied, "access")
    page = (copied / "docs" / "access.md").read_text()
    whole, _, in_dev = page.partition("## What dev has differently")
    assert "DeleteStream" in whole
    assert "| prod | kinesis: DeleteStream" in in_dev  # and that dev has it not


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (
            "def f(client): client.list_stacks()",
            "deployer/more.py:1: calls cloudformation:ListStacks; say in docs/",
        ),
        (
            "def f(client): getattr(client.delete_stack(), name)()",
            "deployer/more.py:1: getattr hides what is",
        ),
    ],
)
def test_a_new_call_of_the_deployer_is_refused_until_somebody_says_what_for(
    copied: Path, capsys: pytest.CaptureFixture[str], source: str, why: str
) -> None:
    (copied / "deployer" / "more.py").write_text(source)
    with pytest.raises(SystemExit) as left:
        run(copied, "access")
    assert left.value.code == 2
    assert why in capsys.readouterr().err


def test_policies_are_listed_for_people_and_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(REPOSITORY, "policies") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.endswith(" identity Bootstrap/Deployer PolicyDocument")]
    assert run(REPOSITORY, "policies", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert len(listed) == len(lines) > 40
    assert {one["kind"] for one in listed} == {"identity", "trust", "resource", "endpoint", "device"}
    for one in listed:
        assert len(one["statements"]) == len(one["document"]["Statement"]) > 0
        assert all("Resource" in statement for statement in one["document"]["Statement"])
        assert "${AWS::" not in json.dumps(one["document"])


def test_templates_that_cannot_be_read_end_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        run(tmp_path, "policies")
    assert left.value.code == 2
    assert "topology: " in capsys.readouterr().err


def test_the_page_says_with_what_cloudformation_acts_and_who_may_hand_it_over() -> None:
    page = (REPOSITORY / "docs" / "access.md").read_text()
    assert "CloudFormation makes with `Bootstrap/ExecutionRole`" in page
    assert "| iam:PassRole | `Bootstrap/ExecutionRole` |" in page
    assert "By these templates, what is not listed is refused" in page
