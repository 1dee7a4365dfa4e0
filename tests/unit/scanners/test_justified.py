from pathlib import Path

import pytest

from scanners.finding import Finding, ScannerError
from scanners.justified import compare, read

ROOT = Path(__file__).parents[3]


def page(tmp_path: Path, *rows: str) -> Path:
    file = tmp_path / "guard.md"
    file.write_text(
        "\n".join(["# Guard", "| rule | resource | where | why |", "|---|---|---|---|", *rows, ""])
    )
    return file


def test_a_row_counts_once_for_each_environment(tmp_path: Path) -> None:
    reasons = read(page(tmp_path, "| `A_RULE` | `database.Database` | dev, prod | because |"))

    assert reasons == {
        ("A_RULE", "dev/database.Database"): "because",
        ("A_RULE", "prod/database.Database"): "because",
    }


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ((), "has no rows"),
        (("| `A` | `x.Y` | dev |   |",), "has no reason"),
        (("| `A` | `x.Y` | dev | a |", "| `A` | `x.Y` | prod, dev | b |"), "A for dev/x.Y stands twice"),
    ],
)
def test_a_page_that_justifies_nothing_is_an_error(tmp_path: Path, rows: tuple[str, ...], why: str) -> None:
    with pytest.raises(ScannerError, match=why):
        read(page(tmp_path, *rows))


def test_a_failure_needs_a_row_and_a_row_a_failure() -> None:
    failing = [Finding("OLD", "dev/x.Y", "told"), Finding("NEW", "dev/x.Z", "told")]

    wrong = compare(failing, {("OLD", "dev/x.Y"): "because", ("MENDED", "prod/x.Y"): "because"})

    assert [(finding.rule, finding.where) for finding in wrong] == [
        ("MENDED", "prod/x.Y"),
        ("NEW", "dev/x.Z"),
    ]
    assert wrong[0].message == "fails no more; take its row out of docs/decisions/guard.md"
    assert wrong[1].message == "told"


def test_every_row_of_the_page_is_read() -> None:
    text = (ROOT / "docs/decisions/guard.md").read_text()
    table = text.partition("## What fails")[2]
    lines = [line for line in table.splitlines() if line.startswith("| `")]

    rows = {(rule, where.partition("/")[2]) for rule, where in read(ROOT / "docs/decisions/guard.md")}

    assert len(rows) == len(lines) > 0, "a row that the check cannot read justifies nothing"
