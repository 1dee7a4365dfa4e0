"""The page of what was measured: a line for each event, ours beside the library's."""

import json
from pathlib import Path

from local.engine import page


def rows(name: str, **seconds: list[float]) -> list[page.Row]:
    return [
        {"times": name, "event": event.replace("_", " "), "seconds": found}
        for event, found in seconds.items()
    ]


def test_a_line_has_the_middle_the_most_and_the_number_of_all_runs() -> None:
    told = page.table(rows("ours", worker_lost=[7.04, 9.0, 8.0]))

    assert told.splitlines()[-1] == "| worker lost | 8.0 | 9.0 | 3 | – | – | – | 20 |"


def test_ours_stands_beside_the_librarys_with_what_is_allowed() -> None:
    told = page.table([*rows("ours", worker_lost=[8.0]), *rows("theirs", worker_lost=[43.0])])

    assert told.splitlines()[-1] == "| worker lost | 8.0 | 8.0 | 1 | 43.0 | 43.0 | 1 | 20 |"


def test_new_figures_stand_beside_those_of_before_until_one_begins_anew(tmp_path: Path) -> None:
    file, shown = tmp_path / "times.json", tmp_path / "times.md"
    for name, seconds in (("ours", 8.0), ("theirs", 43.0), ("ours", 9.0)):
        page.add(name, "worker lost", seconds, file, shown)

    assert "| worker lost | 8.5 | 9.0 | 2 | 43.0 | 43.0 | 1 | 20 |" in shown.read_text()

    page.begin("ours", file)
    page.add("ours", "worker lost", 7.0, file, shown)

    assert "| worker lost | 7.0 | 7.0 | 1 | 43.0 | 43.0 | 1 | 20 |" in shown.read_text()
    assert json.loads(file.read_text()) == [
        *rows("theirs", worker_lost=[43.0]),
        *rows("ours", worker_lost=[7.0]),
    ]


def test_the_committed_page_is_made_of_the_committed_figures() -> None:
    assert page.table(json.loads(page.FILE.read_text())) in page.PAGE.read_text()
