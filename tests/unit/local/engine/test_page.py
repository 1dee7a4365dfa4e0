"""The page of what was measured: a line for each event, ours beside the library's."""

import json
from pathlib import Path

from local.engine import page
from local.engine.measure import Times


def rows(name: str, **seconds: list[float]) -> list[page.Row]:
    return list(Times(name, {event.replace("_", " "): found for event, found in seconds.items()}).rows())


def test_a_row_has_the_middle_and_the_most_of_all_runs() -> None:
    (row,) = rows("ours", worker_lost=[7.04, 9.0, 8.0])

    assert (row["median"], row["most"], row["runs"]) == (8.0, 9.0, 3)


def test_ours_stands_beside_the_librarys_with_what_is_allowed() -> None:
    told = page.table([*rows("ours", worker_lost=[8.0]), *rows("theirs", worker_lost=[43.0])])

    assert told.splitlines()[-1] == "| worker lost | 8 | 8 | 1 | 43 | 43 | 1 | 20 |"


def test_what_was_not_measured_of_the_library_is_left_open() -> None:
    assert "| idle child killed | 1.7 | 1.7 | 1 | – | – | – | 10 |" in page.table(
        rows("ours", idle_child_killed=[1.7])
    )


def test_new_figures_take_the_place_of_those_of_the_same_event_alone(tmp_path: Path) -> None:
    file, shown = tmp_path / "times.json", tmp_path / "times.md"
    page.write([*rows("ours", cold_start=[30.0], worker_lost=[9.0])], file, shown)
    page.write([*rows("theirs", worker_lost=[43.0]), *rows("ours", worker_lost=[8.0])], file, shown)

    kept = {(row["times"], row["event"]): row["median"] for row in json.loads(file.read_text())}

    assert kept == {
        ("ours", "cold start"): 30.0,
        ("ours", "worker lost"): 8.0,
        ("theirs", "worker lost"): 43.0,
    }
    assert "| worker lost | 8 |" in shown.read_text()


def test_the_committed_page_is_made_of_the_committed_figures() -> None:
    assert page.table(json.loads(page.FILE.read_text())) in page.PAGE.read_text()
