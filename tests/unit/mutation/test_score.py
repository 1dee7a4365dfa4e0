"""What fails a run, what the record keeps, and what the page says."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mutation import record
from mutation.breaking import Break
from mutation.draft import Draft
from mutation.page import lines, page
from mutation.record import BadRecord, Verdict
from mutation.score import Judged, complaints, held, judged, score
from mutation.telling import CHECKOV, LINT, OURS

Made = Callable[..., Break]
SEEN, MISSED = Verdict("a", ("E9101",)), Verdict("a", ())


def edit(_draft: Draft) -> None:
    pass


def row(broken: Break, **environments: Mapping[str, Verdict]) -> Judged:
    return Judged(broken, environments)


def test_what_is_seen_needs_no_explanation(made: Made) -> None:
    assert list(complaints([row(made(edit), dev={OURS: SEEN}, prod={OURS: SEEN})])) == []


def test_a_survivor_without_explanation_fails(made: Made) -> None:
    rows = [row(made(edit), dev={OURS: SEEN}, prod={OURS: MISSED})]
    said = list(complaints(rows))
    assert said[0] == 'reach: something is broken: no rule of ours sees it in prod; survives="…" says why'
    assert said[1] == "our rules see 1 of 2, 50 %; 97 % is the least"


def test_an_explained_survivor_counts_in_the_score_only(made: Made) -> None:
    survivor = made(edit, survives="the value comes from outside")
    rows = [row(made(edit, f"{n}"), dev={OURS: SEEN}) for n in range(99)]
    assert list(complaints([*rows, row(survivor, dev={OURS: MISSED})])) == []


def test_an_explanation_of_what_is_seen_fails(made: Made) -> None:
    rows = [row(made(edit, survives="nobody knows"), dev={OURS: SEEN})]
    assert list(complaints(rows)) == [
        "reach: something is broken: is seen, so take its explanation away: nobody knows"
    ]


def test_just_below_the_least_is_below(made: Made) -> None:
    rows = [
        row(made(edit, f"{n}", survives="x"), dev={OURS: SEEN if n < 969 else MISSED}) for n in range(1000)
    ]
    assert list(complaints(rows))[-1] == "our rules see 969 of 1000, 96.9 %; 97 % is the least"


def test_shares_are_rounded_down_and_exactly(made: Made) -> None:
    rows = [row(made(edit, str(n)), dev={OURS: SEEN if n < 57 else MISSED}) for n in range(100)]
    assert str(score(rows, OURS)) == "57 of 100, 57 %"
    assert str(score([*rows, row(made(edit), dev={OURS: MISSED})], OURS)) == "57 of 101, 56.4 %"


def test_what_was_not_run_is_neither_seen_nor_missed(made: Made) -> None:
    rows = [row(made(edit), dev={OURS: SEEN, CHECKOV: SEEN}, prod={OURS: SEEN})]
    assert str(score(rows, CHECKOV)) == "1 of 1, 100 %; 1 not run"
    assert str(score(rows, LINT)) == "not run"


def test_a_record_alone_tells_what_was_never_judged(made: Made) -> None:
    known, unknown = made(edit, "known"), made(edit, "unknown", environments=("prod",))
    verdicts = {OURS: SEEN}
    kept = {(known.title, "dev"): verdicts, (known.title, "prod"): verdicts, ("reach: gone", "dev"): verdicts}
    assert held([known, unknown], kept) == [
        "reach: unknown (prod): was never judged",
        "reach: gone (dev): is no break",
    ]
    assert held([known], {place: kept[place] for place in list(kept)[:2]}) == []


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    kept = {("reach: a", "dev"): {OURS: SEEN, LINT: MISSED}, ("reach: b", "prod"): {}}
    file = tmp_path / "mutation.json"
    file.write_text(record.text(kept))
    assert record.load(file) == kept
    assert record.load(tmp_path / "missing.json") == {}


@pytest.mark.parametrize("text", ["[", "{}x", '[{"break": "a"}]', '[{"verdicts": []}]', "3"])
def test_a_record_that_cannot_be_read_is_no_empty_one(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mutation.json"
    file.write_text(text)
    with pytest.raises(BadRecord, match="remove it"):
        record.load(file)


def test_the_page_has_scores_survivors_and_who_saw_what(made: Made) -> None:
    source = "https://docs.aws.amazon.com/vpc/"
    broken = made(edit, survives="the value comes from outside", source=source, why="no <name>")
    other = made(edit, "something else", family="grants", environments=("prod",))
    rows = [
        row(broken, dev={OURS: MISSED, LINT: SEEN}, prod={OURS: MISSED, LINT: MISSED}),
        row(other, prod={OURS: SEEN, LINT: Verdict("a", ("E1", "E2", "E3", "E4"))}),
    ]
    text = page(rows)
    assert "| **all** | 2 | 2 of 3, 66.6 % | not run | not run | 1 of 3, 33.3 % |" in text
    assert "| reach: something is broken | dev, prod | the value comes from outside |" in text
    here = f"| something is broken | no &lt;name> ([source]({source})) |"
    assert f"{here} dev `E9101`; prod – | not run | not run | – |" in text
    there = "| something else (prod) | it does not work |"
    assert f"{there} `E1`, `E2`, `E3` and 1 more | not run | not run | `E9101` |" in text
    assert page(rows) == text


def test_the_screen_has_a_line_for_each_break_and_family(made: Made) -> None:
    told = list(lines([row(made(edit), dev={OURS: SEEN})]))
    assert told == [
        "reach: something is broken [dev]  schema lint not run  checkov not run  Guard not run  ours E9101",
        "reach        1 breaks  schema lint not run  checkov not run  Guard not run  ours 1 of 1, 100 %",
        "all          1 breaks  schema lint not run  checkov not run  Guard not run  ours 1 of 1, 100 %",
    ]


def test_only_breaks_that_are_asked_for_are_judged(made: Made) -> None:
    kept = {("reach: something is broken", "dev"): {OURS: SEEN}}
    assert [found.broken.name for found in judged([made(edit), made(edit, "other")], kept)] == [
        "something is broken"
    ]
