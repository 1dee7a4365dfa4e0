"""The command: what it refuses, what it keeps, and its exit codes."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from mutation import __main__ as command
from mutation import judging, scanned
from mutation.breaking import Break
from mutation.draft import Draft
from mutation.mutant import Mutant
from mutation.telling import CHECKOV, GUARD, LINT, OURS, CannotJudge

BUCKET = "AWS::S3::Bucket"
Run = Callable[..., int]
Made = Callable[..., Break]


def suspend(draft: Draft) -> None:
    draft.the(BUCKET).properties["VersioningConfiguration"]["Status"] = "Suspended"


def nothing(_draft: Draft) -> None:
    pass


class Tools:
    """Who sees what, and who was asked about how many."""

    def __init__(self) -> None:
        self.seen: dict[str, tuple[str, ...]] = {OURS: ("E9999",), LINT: ()}
        self.asked: list[tuple[str, int]] = []

    def verdicts(self, tool: str, mutants: Sequence[Mutant], _templates: Path) -> Iterator[tuple[str, ...]]:
        self.asked.append((tool, len(mutants)))
        if self.seen[tool] == ("crash",):
            raise CannotJudge("E9999 failed")
        yield from (self.seen[tool] for _ in mutants)

    def scanned(self, mutants: Sequence[Mutant], _cleans: object) -> dict[str, list[tuple[str, ...]]]:
        self.asked.append((CHECKOV, len(mutants)))
        return {CHECKOV: [("CKV_1",) for _ in mutants], GUARD: [() for _ in mutants]}


@pytest.fixture
def breaks(made: Made) -> list[Break]:
    return [made(suspend)]


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch, breaks: list[Break]) -> Tools:
    fake = Tools()
    monkeypatch.setattr(judging, "verdicts", fake.verdicts)
    monkeypatch.setattr(scanned, "verdicts", fake.scanned)
    monkeypatch.setattr(command, "every_break", lambda: tuple(breaks))
    return fake


@pytest.fixture
def run(templates: Path, tools: Tools) -> Run:
    (templates.parent / "docs").mkdir()
    return lambda *arguments: command.main(["--root", str(templates.parent), *arguments])


def documents(templates: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in (templates.parent / "docs").iterdir()}


def test_all_seen_is_well_and_is_written(run: Run, templates: Path) -> None:
    assert run() == 0
    assert set(documents(templates)) == {"mutation.md", "mutation.json"}


def test_what_is_known_is_not_judged_again(run: Run, tools: Tools, templates: Path) -> None:
    run("--full")
    written = documents(templates)
    tools.asked.clear()

    assert run() == 0

    assert tools.asked == []
    assert documents(templates) == written
    assert "`CKV_1`" in written["mutation.md"]


def test_a_run_anew_asks_all_again(run: Run, tools: Tools) -> None:
    run("--full")
    run("--full", "--anew")
    assert tools.asked == [(OURS, 2), (LINT, 2), (CHECKOV, 2)] * 2


def test_a_full_run_asks_the_scanners_what_they_were_not_asked(run: Run, tools: Tools) -> None:
    run()
    run("--full")
    assert tools.asked == [(OURS, 2), (LINT, 2), (CHECKOV, 2)]


def test_changed_templates_make_old_verdicts_untrue(run: Run, tools: Tools, templates: Path) -> None:
    run("--full")
    tools.asked.clear()
    file = templates / "prod" / "storage.yaml"
    file.write_text(file.read_text().replace("orders", "invoices"))

    run()

    assert tools.asked == [(OURS, 1), (LINT, 1)]
    assert "dev `CKV_1`; prod not run" in documents(templates)["mutation.md"]


def test_a_survivor_that_nobody_explains_fails(
    run: Run, tools: Tools, capsys: pytest.CaptureFixture[str]
) -> None:
    tools.seen[OURS] = ()
    assert run() == 1
    assert "no rule of ours sees it in dev and prod" in capsys.readouterr().err


def test_a_part_of_the_run_writes_nothing(run: Run, tools: Tools, templates: Path) -> None:
    assert run("--only", "^reach: ") == 0
    assert run("--environment", "prod") == 0
    assert tools.asked == [(OURS, 2), (LINT, 2), (OURS, 1), (LINT, 1)]
    assert documents(templates) == {}


def test_a_check_writes_nothing_and_tells_what_is_stale(
    run: Run, templates: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--check") == 1
    assert "mutation.md is stale: run `make mutate`" in capsys.readouterr().err
    assert documents(templates) == {}
    run()
    assert run("--check") == 0


def test_the_verdicts_come_as_json(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run("--json")
    first, _ = json.loads(capsys.readouterr().out)
    assert (first["break"], first["environment"]) == ("reach: something is broken", "dev")
    assert first["verdicts"]["ours"][1:] == ["E9999"]


@pytest.mark.parametrize("arguments", [["--only", "("], ["--only", "no such"], ["--environment", "test"]])
def test_a_wrong_command_line_is_refused(run: Run, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        run(*arguments)
    assert refused.value.code == 2


def test_a_record_that_cannot_be_read_is_refused(run: Run, templates: Path) -> None:
    (templates.parent / "docs" / "mutation.json").write_text("[")
    with pytest.raises(SystemExit) as refused:
        run()
    assert refused.value.code == 2


def test_a_break_that_applies_to_nothing_fails_the_run(
    run: Run, made: Made, breaks: list[Break], templates: Path
) -> None:
    breaks.append(made(nothing, "nothing at all"))
    with pytest.raises(SystemExit) as refused:
        run()
    assert refused.value.code == 3
    assert documents(templates) == {}


def test_a_rule_that_crashes_fails_the_run(run: Run, tools: Tools, templates: Path) -> None:
    tools.seen[OURS] = ("crash",)
    with pytest.raises(SystemExit) as refused:
        run()
    assert refused.value.code == 3
    assert documents(templates) == {}


def test_an_interrupted_run_keeps_what_it_knows(run: Run, tools: Tools, templates: Path) -> None:
    tools.seen[LINT] = ("crash",)
    with pytest.raises(SystemExit):
        run()
    tools.seen[LINT] = ()
    tools.asked.clear()

    run()

    assert tools.asked == [(LINT, 2)]
