import os
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from processor.__main__ import main
from processor.alarms.recording import Recording, RecordingError, recorded
from processor.alarms.series import Span, microseconds

LIMIT = '{"kind": "limit", "high": 80}'
NOON = microseconds(datetime(2026, 3, 1, 12, tzinfo=UTC))


def written(directory: Path, text: str) -> Path:
    file = directory / "spindle.csv"
    file.write_text(text, encoding="utf-8")
    return file


def points(recording: Recording) -> dict[str, list[tuple[float, float]]]:
    """Name → seconds after noon, and value."""
    return {
        series.name: [
            ((ts - NOON) / 1e6, value)
            for page in series.pages
            for ts, value in zip(page.ts.tolist(), page.value.tolist(), strict=True)
        ]
        for series in recording.series
    }


def test_each_column_is_a_point_in_the_order_of_time(tmp_path: Path) -> None:
    text = "time,temp,speed\n2026-03-01 12:00:02,2,\n2026-03-01T13:00:01+01:00,1,7\n2026-03-01 12:00:03Z,,8\n"
    found = recorded(written(tmp_path, text))
    assert points(found) == {"temp": [(1, 1), (2, 2)], "speed": [(1, 7), (3, 8)]}
    assert found.span == Span(NOON + 1_000_000, NOON + 3_000_001)
    assert "1 row earlier than the row before; judged in the order of time" in found.said


@pytest.mark.parametrize(
    "text",
    [
        "timestamp,value\n2026-03-01 12:00:00,21.5\n",
        "2026-03-01 12:00:00,21.5\n",  # no header
        "2026-03-01T12:00:00.000Z\t21.5\n",
        "Zeit;Temperatur\n01.03.2026 12:00;21,5\n",
        "ts,value\n1772366400,21.5\n",
        "1772366400000;21.5\n",
        ",timestamp,value\n0,2026/03/01 12:00,21.5\n",  # a row's number, without a name
        '\ufeff"time","value"\r\n"2026-03-01 12:00","21.5"\r\n\r\n',
    ],
)
def test_files_of_others_are_read_as_they_are(tmp_path: Path, text: str) -> None:
    (values,) = points(recorded(written(tmp_path, text))).values()
    assert values == [(0, 21.5)]


def test_who_has_no_header_gets_names(tmp_path: Path) -> None:
    assert list(points(recorded(written(tmp_path, "2026-03-01,1\n")))) == ["spindle"]
    assert list(points(recorded(written(tmp_path, "2026-03-01,1,2\n")))) == ["column_2", "column_3"]


def test_a_time_may_stand_in_another_column(tmp_path: Path) -> None:
    file = written(tmp_path, "machine,time,temp\n7,2026-03-01 12:00:00,21.5\n")
    assert points(recorded(file)) == {"machine": [(0, 7)], "temp": [(0, 21.5)]}


def test_what_is_no_number_is_passed_over_and_said(tmp_path: Path) -> None:
    text = "time,temp,on,state\n2026-03-01 12:00:00,1,true,RUNNING\n2026-03-01 12:00:01,Bad,false,\n"
    found = recorded(written(tmp_path, text + "2026-03-01 12:00:02,N/A,,TRIPPED\n"))
    assert points(found) == {"temp": [(0, 1)], "on": [(0, 1), (1, 0)]}
    assert found.said[-2:] == [
        "temp: 1 cell without a number passed over, the first 'Bad' in row 3",
        "state: left out, no cell of it is a number ('RUNNING' in row 2 is one)",
    ]


def test_rows_of_one_time_are_counted_and_two_columns_of_time_are_thought_of(tmp_path: Path) -> None:
    split = "date,time,v\n2026-03-01,06:00,1\n2026-03-01,06:01,2\n2026-03-01,06:02,3\n2026-03-02,06:00,4\n"
    said = "rows of the same time as the row before"
    assert (
        f"2 {said}; if date and time stand in two columns, join them"
        in recorded(written(tmp_path, split)).said
    )
    twice = "time,v\n2026-03-01,1\n2026-03-01,1\n2026-03-02,1\n2026-03-02,1\n2026-03-03,1\n"
    assert f"2 {said}" in recorded(written(tmp_path, twice)).said


def test_times_without_an_offset_are_in_the_zone_that_is_named(tmp_path: Path) -> None:
    file = written(tmp_path, "time,temp\n2026-03-01 12:00:00,1\n")
    found = recorded(file, ZoneInfo("Europe/Berlin"))
    assert points(found) == {"temp": [(-3600, 1)]}
    assert "times without an offset are taken as Europe/Berlin; --timezone names another" in found.said
    assert len(recorded(written(tmp_path, "time,temp\n2026-03-01 12:00:00Z,1\n")).said) == 1


@pytest.mark.parametrize(("day_first", "cell"), [(True, "01/03/2026 12:00"), (False, "3/1/2026 12:00")])
def test_whether_the_day_comes_first_is_said(tmp_path: Path, day_first: bool, cell: str) -> None:
    file = written(tmp_path, f"time,temp\n{cell},1\n")
    assert points(recorded(file, day_first=day_first)) == {"temp": [(0, 1)]}
    with pytest.raises(
        RecordingError, match=r"is no time; .*; for 02/12/2026 give --dates day-first or month"
    ):
        recorded(file)


def test_columns_of_one_name_are_told_apart_by_their_place(tmp_path: Path) -> None:
    file = written(tmp_path, "time,v,w,v\n2026-03-01 12:00:00,1,2,3\n")
    assert list(points(recorded(file))) == ["v (column 2)", "w", "v (column 4)"]
    assert points(recorded(file, columns=["v (column 4)"])) == {"v (column 4)": [(0, 3)]}


def test_columns_and_a_stretch_of_time_may_be_chosen(tmp_path: Path) -> None:
    file = written(tmp_path, "time,a,b\n2026-03-01 12:00:00,1,2\n2026-03-01 12:00:05,3,4\n")
    span = Span(NOON + 1, NOON + 6_000_000)
    found = recorded(file, columns=["b"], within=span)
    assert (points(found), found.span) == ({"b": [(5, 4)]}, Span(NOON + 5_000_000, NOON + 5_000_001))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "row 1, column 1: the file is empty"),
        (
            "time\n2026-03-01\n",
            "row 1, column 2: there is no metric beside the time; columns are separated by",
        ),
        ("time,temp\n", "there is no row of values"),
        ("time,temp\n2026-03-01 00:00:00,1,2\n", "row 2, column 3: the row has 3 columns, the header 2"),
        ("time,temp\n2026-03-01,21,5\n", "the header 2; numbers with a decimal comma need ; or a tab"),
        ("time,a,b\n2026-03-01,1\n", "row 2, column 3: the row has 2 columns, the header 3"),
        ('time,temp\n2026-03-01,1\n2026-03-02,"1\n', "row 3, column 2: a quote is not closed"),
        (f"time,temp\n2026-03-01,{'1' * 200_000}\n", "close a quote that is open before it"),
        (
            "time,temp\n2026-03-01,1\n1 March,1\n",
            "row 3, column 1: '1 March' is no time; allowed: YYYY-MM-DD",
        ),
        ("time,temp\n03/01/2026 06:00,1\n", "row 2, column 1: '03/01/2026 06:00' is no time"),
        ("time,temp\n2026-03-01 00:00:00,warm\n", "row 2, column 2: 'warm' is no number, nor is any other"),
        ('time,temp\n2026-03-01,"21,5"\n', "allowed: 21.5, where ; or a tab divides the columns also 21,5"),
        (
            "time;temp\n2026-03-01;1.234,5\n2026-03-02;1.234\n",
            "row 3, column 2: '1.234' has its decimals after",
        ),
        ("time,temp\n2026-03-01,\n", "every cell beside the times is empty"),
    ],
)
def test_a_mistake_names_the_place_and_what_is_allowed(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(RecordingError) as refused:
        recorded(written(tmp_path, text))
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_column_or_a_time_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    file = written(tmp_path, "time,a,b\n2026-03-01 12:00:00,1,2\n")
    with pytest.raises(RecordingError, match="no column is called 'c'; there are a, b"):
        recorded(file, columns=["c"])
    with pytest.raises(RecordingError, match="choose --from and --to within 2026-03-01T12:00:00Z to 2026"):
        recorded(file, within=Span(0, 1_000_000))


def test_it_is_tried_without_database_and_environment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, "time,temp\n2026-03-01 00:00:00Z,90\n2026-03-01 00:01:00Z,70\n")
    assert main(["rules", "try", "--file", str(file), "--definition", LIMIT]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "spindle.csv: 2 rows",
        "temp: 2 readings from 2026-03-01T00:00:00Z to 2026-03-01T00:01:00Z, one every 60 s; 70 to 90",
        "  since 2026-03-01T00:00:00Z  raised 2026-03-01T00:00:00Z  cleared 2026-03-01T00:01:00Z  90",
        "1 alarm would have been raised on 1 of 1 points, in 60 s",
        "they stood 60 s (median), 60 s at most",
    ]


def test_a_pipe_is_refused_before_a_byte_of_it_is_taken() -> None:
    """It is read more than once, and a pipe would have lost its beginning by then."""
    taken, given = os.pipe()
    os.write(given, b"time,temp\n2026-03-01,1\n")
    os.close(given)
    with pytest.raises(RecordingError, match="no file that can be read twice: save it first"):
        recorded(Path(f"/dev/fd/{taken}"))
    assert os.read(taken, 4) == b"time"
    os.close(taken)


def test_a_file_that_is_not_there_is_one_line_and_exit_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "try", "--file", "/nowhere.csv", "--definition", LIMIT]) == 1
    assert capsys.readouterr().err == "rules: /nowhere.csv cannot be read: No such file or directory\n"
