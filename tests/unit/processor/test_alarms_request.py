from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from processor.alarms.definition import Deviation, Limit
from processor.alarms.fields import KINDS
from processor.alarms.request import Add, Change, List, Remove, from_arguments, needs_no_environment
from processor.alarms.try_request import Shown, Try, TryFile

PATH = "acme/lon1/*/*/*/*/spindle_temp"
DEVIATION = ["--definition", '{"kind": "deviation"}']
WEEK = ["--from", "2026-03-01T00:00:00Z", "--to", "2026-03-08T01:00:00+01:00"]


def test_each_way_is_read() -> None:
    assert from_arguments(["list"]) == List()
    assert from_arguments(["remove", "hot"]) == Remove("hot")
    given = ["--path", PATH, "--definition", '{"kind": "limit", "high": 80}']
    assert from_arguments(["add", "hot", *given]) == Add("hot", PATH, Limit(high=80.0), enabled=True)
    assert from_arguments(["add", "hot", *given, "--disabled"]) == Add("hot", PATH, Limit(high=80.0), False)
    assert from_arguments(["add", "hot", *given, "--at-once"]) == Add(
        "hot", PATH, Limit(high=80.0), True, True
    )
    assert from_arguments(["change", "hot", "--disable"]) == Change("hot", None, None, False)


def test_a_trial_is_of_a_rule_or_of_a_path_and_a_definition() -> None:
    since, until = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 8, tzinfo=UTC)
    assert from_arguments(["try", "--rule", "hot", *WEEK]) == Try("hot", None, None, since, until)
    given = ["--path", PATH, "--definition", '{"kind": "deviation"}']
    assert from_arguments(["try", *given, *WEEK]) == Try(None, PATH, Deviation(), since, until)


def test_a_recording_is_tried_by_itself() -> None:
    given = ["try", "--file", "x.csv", "--definition", '{"kind": "deviation"}']
    assert from_arguments(given) == TryFile(Path("x.csv"), Deviation())
    zoned = [*given, *WEEK, "--column", "a", "--column", "b", "--timezone", "Europe/London"]
    asked = from_arguments(zoned)
    assert isinstance(asked, TryFile)
    assert (asked.columns, asked.shown.zone, asked.since) == (
        ("a", "b"),
        ZoneInfo("Europe/London"),
        datetime(2026, 3, 1, tzinfo=UTC),
    )
    assert needs_no_environment(asked)


def test_a_trial_may_be_drawn_and_scored(tmp_path: Path) -> None:
    given = ["try", "--rule", "hot", *WEEK]
    shown = ["--plot", str(tmp_path / "x.png"), "--labels", "known.json", "--labelled", "m17"]
    asked = from_arguments([*given, *shown])
    assert isinstance(asked, Try)
    assert asked.shown == Shown(tmp_path / "x.png", Path("known.json"), "m17")
    assert not needs_no_environment(asked)


def test_labels_are_dated_as_a_recording_is() -> None:
    dated = ["--labels", "known.csv", "--dates", "day-first", "--timezone", "UTC"]
    for trial in (["--rule", "hot", *WEEK], ["--file", "x.csv", *DEVIATION]):
        asked = from_arguments(["try", *trial, *dated])
        assert isinstance(asked, Try | TryFile)
        assert asked.shown.day_first


def test_a_reader_tries_by_a_login_of_its_own() -> None:
    given = ["try", "--path", PATH, "--definition", '{"kind": "deviation"}', *WEEK]
    assert needs_no_environment(from_arguments([*given, "--database", "service=plant"]))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "required: list|add|change|remove|try"),
        (["add", "hot", "--path", PATH], "--definition"),
        (["add", "hot", "--path", "a/b", "--definition", "{}"], "must have 7 levels, not 2"),
        (["add", "hot", "--path", PATH, "--definition", '{"kind": "limit"}'], "`high`, `low` or both"),
        (["add", "hot", "--path", PATH, "--definition", "{kind: limit}"], "is JSON, in single quotes"),
        (["add", "hot", "--path", PATH, "--definition", '{"kind": "limt"}'], "is one of limit, rate, stuck,"),
        (["add", "hot", "--path", PATH, "--definition", "[]"], "`kind` is one of limit"),
        (["add", "hot", "--path", PATH, "--definition", '{"kind": ["limit"]}'], "`kind` is one of limit"),
        (["add", "hot", "--path", PATH, "--definition", '{"kind": "\udcff"}'], "is JSON, in single quotes"),
        (["add", "hot", "--path", PATH, "--definition", "[" * 100_000], "is JSON, in single quotes"),
        (
            ["add", "hot", "--path", PATH, "--definition", '{"kind": "silence", "wihtin": 5}'],
            "silence takes within (must be given, allowed 1 to 2592000), off_delay (0, allowed 0 to 2592000)",
        ),
        (["add", " ", "--path", PATH, "--definition", '{"kind": "deviation"}'], "1 to 64 printable"),
        (["change", "hot"], "change needs --path, --definition"),
        (["change", "hot", "--enable", "--disable"], "not allowed with"),
        (["try", *WEEK], "either --rule, or --path with"),
        (["try", "--rule", "hot", "--path", PATH, *WEEK], "either --rule, or --path with"),
        (["try", "--path", PATH, *WEEK], "either --rule, or --path with"),
        (["try", "--rule", "hot"], "needs --from and --to"),
        (["try", "--file", "x.csv"], "try --file needs --definition, such as"),
        (["try", "--file", "x.csv", "--rule", "hot", *DEVIATION], "asks no database: --rule, --path and"),
        (["try", "--file", "x.csv", "--database", "", "--path", PATH, *DEVIATION], "asks no database"),
        (["try", "--file", "x.csv", "--definition", '{"kind": "clock"}'], "with --path"),
        (["try", "--rule", "hot", "--column", "a", *WEEK], "are for a recording: give --file"),
        (["try", "--rule", "hot", "--dates", "day-first", *WEEK], "are for a recording: give --file"),
        (["try", "--rule", "hot", "--timezone", "UTC", *WEEK], "are for a recording: give --file"),
        (["try", "--file", "x.csv", "--timezone", "Mars", *DEVIATION], "'Mars' is no time zone"),
        (["try", "--file", "x.csv", "--plot", "x.jpg", *DEVIATION], "must end in .png"),
        (["try", "--file", "x.csv", "--plot", "/no/x.png", *DEVIATION], "there is no directory '/no'"),
        (["try", "--file", "x.csv", "--labelled", "m17", *DEVIATION], "give that too"),
        (["try", "--rule", "hot", "--database", "service=plant", *WEEK], "does not see the rules"),
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
    line = capsys.readouterr().err
    assert said in line
    assert line.count("\n") == 1


@pytest.mark.parametrize("way", [[], ["add"], ["change"], ["try"]])
def test_help_says_what_each_kind_takes(way: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """That of each command too that takes a definition: a wrong one is sent there."""
    with pytest.raises(SystemExit):
        from_arguments([*way, "--help"])
    told = capsys.readouterr().out
    for kind in KINDS:
        assert f"  {kind} takes " in told
