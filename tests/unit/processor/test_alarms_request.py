from datetime import UTC, datetime
from pathlib import Path

import pytest

from processor.alarms.definition import Deviation, Limit
from processor.alarms.request import Add, Change, List, Remove, Try, TryFile, from_arguments

PATH = "acme/lon1/*/*/*/*/spindle_temp"
WEEK = ["--from", "2026-03-01T00:00:00Z", "--to", "2026-03-08T01:00:00+01:00"]


def test_each_way_is_read() -> None:
    assert from_arguments(["list"]) == List()
    assert from_arguments(["remove", "hot"]) == Remove("hot")
    given = ["--path", PATH, "--definition", '{"kind": "limit", "high": 80}']
    assert from_arguments(["add", "hot", *given]) == Add("hot", PATH, Limit(high=80.0), enabled=True)
    assert from_arguments(["add", "hot", *given, "--disabled"]) == Add("hot", PATH, Limit(high=80.0), False)
    assert from_arguments(["change", "hot", "--disable"]) == Change("hot", None, None, False)


def test_a_trial_is_of_a_rule_or_of_a_path_and_a_definition() -> None:
    since, until = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 8, tzinfo=UTC)
    assert from_arguments(["try", "--rule", "hot", *WEEK]) == Try("hot", None, None, since, until)
    given = ["--path", PATH, "--definition", '{"kind": "deviation"}']
    assert from_arguments(["try", *given, *WEEK]) == Try(None, PATH, Deviation(), since, until)


def test_a_recording_is_tried_by_itself() -> None:
    given = ["try", "--file", "x.csv", "--definition", '{"kind": "deviation"}']
    assert from_arguments(given) == TryFile(Path("x.csv"), Deviation())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "required: what"),
        (["add", "hot", "--path", PATH], "--definition"),
        (["add", "hot", "--path", "a/b", "--definition", "{}"], "has 2 levels and must have 7"),
        (["add", "hot", "--path", PATH, "--definition", '{"kind": "limit"}'], "`high`, `low` or both"),
        (["add", " ", "--path", PATH, "--definition", '{"kind": "deviation"}'], "1 to 64 printable"),
        (["change", "hot"], "change needs --path, --definition"),
        (["change", "hot", "--enable", "--disable"], "not allowed with"),
        (["try", *WEEK], "either --rule, or --path with --definition"),
        (["try", "--rule", "hot", "--path", PATH, *WEEK], "either --rule, or --path with --definition"),
        (["try", "--path", PATH, *WEEK], "either --rule, or --path with --definition"),
        (["try", "--rule", "hot"], "needs --from and --to"),
        (["try", "--file", "x.csv"], "goes with --definition alone"),
        (
            ["try", "--file", "x.csv", "--definition", '{"kind": "deviation"}', *WEEK],
            "with --definition alone",
        ),
        (["try", "--rule", "hot", "--from", "2026-03-01", *WEEK[2:]], "with an offset"),
        (["try", "--rule", "hot", "--from", "2026-03-09T00:00:00Z", *WEEK[2:]], "must be before --to"),
    ],
)
def test_a_mistake_is_a_line_that_says_what_is_allowed(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        from_arguments(arguments)
    assert end.value.code == 2
    assert said in capsys.readouterr().err
