"""What counts as seen, and what is no verdict at all."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mutation import judging, mutant, ours, scanned
from mutation.breaking import Break
from mutation.clean import Clean, clean
from mutation.draft import Draft
from mutation.mutant import Mutant, keys, mutants
from mutation.telling import CHECKOV, GUARD, LINT, OURS, TOOLS, CannotJudge, Told, seen
from rules.seam.rule import Finding, Rule, found
from rules.seam.site import Site

BUCKET = "AWS::S3::Bucket"
SOURCES = ("https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html",)
Made = Callable[..., Break]


def judge(site: Site) -> Iterator[Finding]:
    for bucket in site.all(BUCKET):
        if site.get(bucket, "VersioningConfiguration", "Status") != "Enabled":
            yield found(bucket, "VersioningConfiguration", "Status")


def crash(site: Site) -> Iterator[Finding]:
    for bucket in site.all(BUCKET):
        yield found(bucket, part=1 // 0)


def rule(of: Callable[[Site], Iterator[Finding]], only_if: str = "") -> Rule:
    return Rule("E9999", "a bucket has no versions", "give it some", SOURCES, of, only_if)


def suspend(draft: Draft) -> None:
    draft.the(BUCKET).properties["VersioningConfiguration"]["Status"] = "Suspended"


def misspell(draft: Draft) -> None:
    draft.the(BUCKET).properties["VersioningConfiguration"]["Status"] = "Off"


@pytest.fixture
def mutated(templates: Path, made: Made) -> list[Mutant]:
    cleans = {"dev": clean(templates / "dev")}
    return mutants([made(suspend, "suspended"), made(misspell, "misspelt")], cleans)


@pytest.fixture(autouse=True)
def _nothing_known_of_before() -> None:
    for cached in (judging._clean, judging._ours, judging._clean_said, judging._clean_linted):
        cached.cache_clear()


def test_the_same_finding_is_not_seen_and_one_more_of_it_is() -> None:
    one = Told("E1", "a.yaml", "Bucket", "it has no versions")
    other = Told("E2", "a.yaml", "Bucket", "it has no key")
    assert seen(Counter([one]), Counter([one])) == ()
    assert seen(Counter([one, one]), Counter([one])) == ("E1",)
    assert seen(Counter([other, one]), Counter()) == ("E1", "E2")
    assert seen(Counter(), Counter([one])) == ()


def test_our_rules_see_what_they_did_not_say_before(
    monkeypatch: pytest.MonkeyPatch, templates: Path, mutated: list[Mutant]
) -> None:
    monkeypatch.setattr(ours, "every_rule", lambda: (rule(judge),))
    assert list(judging.verdicts(OURS, mutated, templates, processes=1)) == [("E9999",), ("E9999",)]


def test_what_is_said_of_the_clean_tree_as_well_is_not_seen(
    monkeypatch: pytest.MonkeyPatch, templates: Path, mutated: list[Mutant]
) -> None:
    file = templates / "dev" / "storage.yaml"
    file.write_text(file.read_text().replace("Enabled", "Suspended"))
    monkeypatch.setattr(ours, "every_rule", lambda: (rule(judge),))
    assert list(judging.verdicts(OURS, mutated, templates, processes=1)) == [(), ()]


def test_a_rule_that_nobody_asked_for_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, templates: Path, mutated: list[Mutant]
) -> None:
    monkeypatch.setattr(ours, "every_rule", lambda: (rule(judge, only_if="wanted"),))
    assert list(judging.verdicts(OURS, mutated, templates, processes=1)) == [(), ()]


def test_a_rule_that_crashes_is_no_verdict(
    monkeypatch: pytest.MonkeyPatch, templates: Path, mutated: list[Mutant]
) -> None:
    monkeypatch.setattr(ours, "every_rule", lambda: (rule(crash),))
    with pytest.raises(CannotJudge, match=r"suspended \(dev\): E9999 failed on .*ZeroDivisionError"):
        list(judging.verdicts(OURS, mutated, templates, processes=1))


def test_the_schema_sees_a_value_that_is_none(templates: Path, mutated: list[Mutant]) -> None:
    assert list(judging.verdicts(LINT, mutated, templates, processes=1)) == [(), ("E3030",)]


def test_several_processes_answer_in_the_order_asked(
    monkeypatch: pytest.MonkeyPatch, templates: Path, mutated: list[Mutant]
) -> None:
    monkeypatch.setattr(judging, "CHUNK", 1)
    assert list(judging.verdicts(LINT, mutated, templates, processes=2)) == [(), ("E3030",)]


def test_a_scanner_is_compared_file_by_file(mutated: list[Mutant]) -> None:
    report = [
        ("R1", "dev/storage.Bucket", "before and after"),
        ("R2", "dev/root.Storage", "of a file that no break changes"),
        ("R1", "dev/0~storage.Bucket", "before and after"),
        ("R3", "dev/0~storage.Bucket", "new"),
        ("R1", "dev/1~storage.Bucket", "before and after"),
        ("R4", "/dev/1~storage.yaml", "is no template"),
    ]
    assert list(scanned._compared(report, mutated)) == [("R3",), ("R4",)]


def test_scanners_that_are_not_installed_are_no_verdict(tree: Clean, mutated: list[Mutant]) -> None:
    with pytest.raises(CannotJudge, match="is not there"):
        scanned.verdicts(mutated, {"dev": tree}, python=Path("/nowhere/python"))


def test_a_scanner_that_fails_is_no_verdict(tree: Clean, mutated: list[Mutant], tmp_path: Path) -> None:
    failing = tmp_path / "python"
    failing.write_text("#!/bin/sh\necho 'no rules' >&2\nexit 2\n")
    failing.chmod(0o755)
    with pytest.raises(CannotJudge, match="checkov: no rules"):
        scanned.verdicts(mutated, {"dev": tree}, python=failing)


def test_a_verdict_hangs_on_what_its_tool_reads(
    monkeypatch: pytest.MonkeyPatch, templates: Path, mutated: list[Mutant]
) -> None:
    def digests() -> dict[str, str]:
        return keys(mutated[0], clean(templates / "dev"))

    def differing(before: dict[str, str]) -> set[str]:
        after = digests()
        return {tool for tool in TOOLS if before[tool] != after[tool]}

    before = digests()
    assert differing(before) == set()

    root = templates / "dev" / "root.yaml"
    root.write_text(root.read_text().replace("orders", "invoices"))
    assert differing(before) == {LINT, OURS}  # the scanners read the changed file alone

    before = digests()
    told = mutant.fingerprint
    monkeypatch.setattr(mutant, "fingerprint", lambda tool: "new" if tool == OURS else told(tool))
    assert differing(before) == {OURS}
    assert {CHECKOV, GUARD} <= set(before)
