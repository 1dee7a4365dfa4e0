from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from processor.alarms.labels import LabelsError, Window, labels, score
from processor.alarms.series import Span, microseconds
from processor.alarms.trial import Alarm

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


SPAN = Span(microseconds(at(-5)), microseconds(at(30)))


def alarm(raised: float, cleared: float | None) -> Alarm:
    return Alarm(at(raised - 1), at(raised), None if cleared is None else at(cleared), 1.0, 1.0)


def written(directory: Path, text: str) -> Path:
    file = directory / "labels.json"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    "text",
    [
        '[["2026-03-01 12:00:00.000000", "2026-03-01T15:00:00+01:00"]]',
        '{"real/spindle.csv": [["2026-03-01 12:00", "2026-03-01 14:00"]]}',
        "from,to\n2026-03-01 12:00,2026-03-01 14:00\n",
        "2026-03-01 12:00;2026-03-01 14:00\n",
        "name,from,to\nm17,2026-03-01 12:00,2026-03-01 14:00\n",
        "From;To;why\n2026-03-01 12:00;2026-03-01 14:00;a pump\n",
        '\ufeff[["2026-03-01 12:00", "2026-03-01 14:00"]]',
        "[[1772366400, 1772373600000]]",
        "[[1772366400.0, 1772373600.0]]",
    ],
)
def test_stretches_are_read_as_they_are_kept(tmp_path: Path, text: str) -> None:
    assert labels(written(tmp_path, text)) == [Window(at(0), at(2))]


def test_one_list_of_many_is_named(tmp_path: Path) -> None:
    file = written(
        tmp_path, '{"a": [["2026-03-01", "2026-03-02"]], "b": [["2026-03-01 12:00", "2026-03-03"]]}'
    )
    assert labels(file, "b", ZoneInfo("UTC"))[0].since == NOON
    with pytest.raises(LabelsError, match="has more than one list: name one by --labelled, of a, b"):
        labels(file)
    with pytest.raises(LabelsError, match="names no stretch of time"):
        labels(written(tmp_path, "{}"), "c")
    file = written(tmp_path, '{"a": [], "b": []}')
    with pytest.raises(LabelsError, match="has no list 'c': name one by --labelled, of a, b"):
        labels(file, "c")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[["2026-03-01"]]', "it must be a JSON list of"),
        ("{}", "names no stretch of time"),
        ("[]", "names no stretch of time"),
        ('[["soon", "later"]]', "stretch 1, .*, must be two times: YYYY"),
        ('[["2026-03-02", "2026-03-01"]]', "stretch 1 ends 2026-03-01, before it begins, 2026-03-02"),
        ("from\n2026-03-01\n", "must be a JSON list of"),
    ],
)
def test_a_mistake_says_what_is_allowed(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(LabelsError, match=said):
        labels(written(tmp_path, text))


@pytest.mark.parametrize("text", ['[["2026-03-01", "2026-03-02"]]', "from,to\n2026-03-01,2026-03-02\n"])
def test_a_name_is_refused_where_no_list_has_one(tmp_path: Path, text: str) -> None:
    with pytest.raises(LabelsError, match="is one list, without names: leave --labelled out"):
        labels(written(tmp_path, text), "m17")


def test_whether_the_day_comes_first_is_said(tmp_path: Path) -> None:
    file = written(tmp_path, '[["01/03/2026 12:00", "01/03/2026 14:00"]]')
    assert labels(file, day_first=True) == [Window(at(0), at(2))]
    with pytest.raises(LabelsError, match="for 02/12/2026 give --dates day-first or month-first"):
        labels(file)


def test_a_file_that_is_not_there_is_said() -> None:
    with pytest.raises(LabelsError, match="/nowhere cannot be read: No such file"):
        labels(Path("/nowhere"))


def test_an_alarm_counts_for_each_stretch_in_which_it_stood() -> None:
    windows = [Window(at(0), at(2)), Window(at(4), at(6)), Window(at(10), at(11))]
    alarms = [alarm(-3, -1), alarm(-0.5, 0.5), alarm(1, 5), alarm(6.5, 7), alarm(20, None)]
    scored = score(windows, alarms, SPAN)
    assert [found.raised for found in scored.found] == [at(-0.5), at(1), None]
    assert [found.after for found in scored.found] == [timedelta(hours=-0.5), timedelta(hours=-3), None]
    assert scored.others == 3


def test_an_alarm_that_still_stands_stands_in_all_that_comes() -> None:
    assert score([Window(at(10), at(11))], [alarm(1, None)], SPAN).others == 0
    assert score([Window(at(0), at(1))], [alarm(2, None)], SPAN).others == 1


def test_a_stretch_outside_what_was_judged_is_neither_found_nor_missed() -> None:
    outside = [Window(at(-9), at(-6)), Window(at(30), at(31)), Window(at(9_000), at(9_001))]
    touching = [Window(at(-9), at(-5)), Window(at(29), at(40))]
    scored = score([*outside, *touching], [alarm(1, None)], SPAN)
    assert [found.window for found in scored.found] == touching
    assert [found.raised for found in scored.found] == [None, at(1)]
    assert (scored.others, scored.outside) == (0, 3)
