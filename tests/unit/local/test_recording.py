from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from local.reading import MOST_READINGS, Reading, Value
from local.recording import RecordingMalformed, RecordingMissing, default_device, open_recording

DEVICE = "acme/lon1/press/line2/cell4/m17"


def write(directory: Path, text: str | bytes) -> Path:
    file = directory / "recording.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def readings(file: Path, zone: str = "UTC") -> list[Reading]:
    recording = open_recording(file, DEVICE, UTC if zone == "UTC" else ZoneInfo(zone))
    return [reading for envelope in recording.envelopes() for reading in envelope.readings]


def instants(file: Path, zone: str = "UTC") -> list[str]:
    return [datetime.fromtimestamp(r.micros / 1e6, UTC).isoformat()[:19] for r in readings(file, zone)]


def test_each_cell_is_a_reading_of_its_column_marked_as_history(tmp_path: Path) -> None:
    found = readings(
        write(tmp_path, "timestamp,temp,speed\n2013-12-02 21:15:00,73.9,7\n2013-12-02 21:20:00,,8\n")
    )

    at = 1386018900000000
    assert found == [
        Reading(f"{DEVICE}/temp", at, 73.9, hist=True),
        Reading(f"{DEVICE}/speed", at, 7, hist=True),
        Reading(f"{DEVICE}/speed", at + 300_000_000, 8, hist=True),
    ]


def test_two_values_at_one_time_stay_two_readings(tmp_path: Path) -> None:
    found = readings(write(tmp_path, "t,v\n2013-12-02 21:15:00,1\n2013-12-02 21:15:00,2\n"))

    assert [reading.value for reading in found] == [1, 2]


def test_an_envelope_holds_no_more_than_the_contract_allows(tmp_path: Path) -> None:
    rows = "".join(f"2020-01-01 00:{n // 60:02d}:{n % 60:02d},{n}\n" for n in range(1200))

    sizes = [len(e.readings) for e in open_recording(write(tmp_path, "t,v\n" + rows), DEVICE).envelopes()]

    assert sizes == [MOST_READINGS, MOST_READINGS, 200]


def test_long_texts_stay_within_a_record(tmp_path: Path) -> None:
    rows = "".join(f"2020-01-01 00:00:{n:02d},{'é' * 60_000}\n" for n in range(10))

    bodies = [e.body(0) for e in open_recording(write(tmp_path, "t,v\n" + rows), DEVICE).envelopes()]

    assert len(bodies) == 5
    assert max(len(body) for body in bodies) < 1024 * 1024


@pytest.mark.parametrize(
    ("cell", "at"),
    [
        ("2013-12-02 21:15:00", "2013-12-02T21:15:00.000000"),
        ("2013-12-02T21:15:00.25", "2013-12-02T21:15:00.250000"),
        ("2013-12-02 21:15", "2013-12-02T21:15:00.000000"),
        ("2013-12-02", "2013-12-02T00:00:00.000000"),
        ("2013-12-02T21:15:00Z", "2013-12-02T21:15:00.000000"),
        ("2013-12-02 21:15:00+02:00", "2013-12-02T19:15:00.000000"),
        ("2013-12-02 21:15:00 -0530", "2013-12-03T02:45:00.000000"),
        ("2013-12-02 21:15:00 UTC", "2013-12-02T21:15:00.000000"),
        ("20131202T211500", "2013-12-02T21:15:00.000000"),
        ("2013-12-02 21:15:00.1234567", "2013-12-02T21:15:00.123456"),
        ("1386018900", "2013-12-02T21:15:00.000000"),
        ("1386018900.5", "2013-12-02T21:15:00.500000"),
        ("1386018900123", "2013-12-02T21:15:00.123000"),
        ("1386018900123456", "2013-12-02T21:15:00.123456"),
        ("1386018900123456789", "2013-12-02T21:15:00.123456"),
        (" 2013-12-02 21:15:00 ", "2013-12-02T21:15:00.000000"),
    ],
)
def test_times_may_be_written_in_many_ways(tmp_path: Path, cell: str, at: str) -> None:
    (reading,) = readings(write(tmp_path, f"t,v\n{cell},1\n"))

    whole = datetime.fromisoformat(at).replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    assert reading.micros == whole.days * 86_400_000_000 + whole.seconds * 1_000_000 + whole.microseconds


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "yesterday",
        "2013-13-01 00:00:00",
        "2013-12-02 25:00:00",
        "02/12/2013 21:15",
        "20131202",
        "12.5",
        "-1386018900",
        "0001-01-01 00:00:00+01:00",
        "9999-12-31 23:59:59-01:00",
    ],
)
def test_what_is_no_time_is_refused_with_its_place(tmp_path: Path, cell: str) -> None:
    file = write(tmp_path, f"t,v\n2013-12-02 21:15:00,1\n{cell},2\n")

    with pytest.raises(RecordingMalformed, match=r"row 3, column 1: '.*' is no time; allowed: YYYY-MM-DD"):
        open_recording(file, DEVICE)


def test_naive_times_are_in_the_zone(tmp_path: Path) -> None:
    file = write(tmp_path, "t,v\n2013-07-01 12:00:00,1\n2013-12-01 12:00:00,1\n2013-12-01T12:00:00Z,2\n")

    assert instants(file, "Europe/Berlin") == [
        "2013-07-01T10:00:00", "2013-12-01T11:00:00", "2013-12-01T12:00:00",
    ]  # fmt: skip


@pytest.mark.parametrize("falling", [False, True])
def test_the_hour_that_comes_twice_keeps_all_its_rows_in_order(tmp_path: Path, falling: bool) -> None:
    local = ["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"]
    utc = ["23:30", "00:00", "00:30", "01:00", "01:30", "02:00"]
    step = -1 if falling else 1
    rows = "".join(f"2013-10-27 {time}:00,5\n" for time in local[::step])

    found = [instant[11:16] for instant in instants(write(tmp_path, "t,v\n" + rows), "Europe/Berlin")]

    assert found == utc[::step]


def test_an_hour_that_never_was_keeps_its_distances(tmp_path: Path) -> None:
    rows = "".join(f"2013-03-31 {time}:00,5\n" for time in ("01:30", "02:00", "02:30"))

    found = instants(write(tmp_path, "t,v\n" + rows), "Europe/Berlin")

    assert [instant[11:16] for instant in found] == ["00:30", "01:00", "01:30"]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("t,v\n2020-01-01,-1.5e3\n", [-1500]),
        ("t,v\n2020-01-01,1.25\n", [1.25]),
        ("t,v\n2020-01-01,true\n2020-01-02,False\n", [True, False]),
        ("t,v\n2020-01-01,RUNNING\n", ["RUNNING"]),
        ('t,v\n2020-01-01,"21,5"\n', ["21,5"]),
        ("t;v\n2020-01-01;21,5\n", [21.5]),
        ("t;v\n2020-01-01;1.234.567,25\n", [1234567.25]),
        ("t\tv\n2020-01-01\t21,5\n", [21.5]),
        ("t;v\n2020-01-01;21.5\n", [21.5]),
        ("t,v\n2020-01-01,9007199254740993\n2020-01-02,-9007199254740993\n", [2**53 + 1, -(2**53) - 1]),
        ("t,v\n2020-01-01,1234e567\n2020-01-02,1e999\n", ["1234e567", "1e999"]),
        ("t;v;w\n2020-01-01;1.234,5;1.234\n2020-01-02;7;2.5\n", [1234.5, 1.234, 7, 2.5]),
        ("t,v\n2020-01-01,1_000\n", ["1_000"]),
        ("t,v\n2020-01-01,   \n2020-01-02,3\n", [3]),
    ],
)
def test_cells_become_values(tmp_path: Path, text: str, values: list[Value]) -> None:
    assert [reading.value for reading in readings(write(tmp_path, text))] == values


def test_a_cell_that_is_no_number_travels_as_it_is(tmp_path: Path) -> None:
    recording = open_recording(write(tmp_path, "t,a,b,c\n2020-01-01,NaN,-inf,INF\n"), DEVICE)

    (envelope,) = recording.envelopes()

    assert b'"value":"NaN"' in envelope.body(0)
    assert b'"value":"-Infinity"' in envelope.body(0)
    assert b'"value":"Infinity"' in envelope.body(0)


def test_microseconds_travel_whole(tmp_path: Path) -> None:
    recording = open_recording(write(tmp_path, "t,v\n2020-01-01 00:00:00.000001,1\n"), DEVICE)

    assert b'"ts":"2020-01-01T00:00:00.000001+00:00"' in next(recording.envelopes()).body(0)


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ('timestamp;"temp, inside";rpm\n2020-01-01 00:00:00;21,5;7\n', ["temp, inside", "rpm"]),
        ("timestamp;temp (a,b,c)\n2020-01-01 00:00:00;21,5\n", ["temp (a,b,c)"]),
        ('"timestamp","a;b;c"\n2020-01-01 00:00:00,1\n', ["a;b;c"]),
        ("timestamp\ta,b\tc;d\n2020-01-01 00:00:00\t1\t2\n", ["a,b", "c;d"]),
        ('timestamp,"two\nlines"\n2020-01-01 00:00:00,1\n', ["two\nlines"]),
        ("time;v\n2020-01-01 00:00:00,25;3\n", ["v"]),
    ],
)
def test_the_delimiter_is_the_one_that_fits_the_rows(tmp_path: Path, text: str, header: list[str]) -> None:
    recording = open_recording(write(tmp_path, text), DEVICE)

    assert recording.dialect.header[1:] == header


def test_a_byte_order_mark_quotes_crlf_and_blank_lines_are_no_matter(tmp_path: Path) -> None:
    text = '\ufeff"timestamp","v"\r\n\r\n"2020-01-01 00:00:00","1"\r\n2020-01-01 00:00:01,2\r\n\r\n'

    recording = open_recording(write(tmp_path, text), DEVICE)

    assert (recording.dialect.header, recording.rows, recording.readings) == (["timestamp", "v"], 2, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "row 1, column 1: the file is empty"),
        (b"\n\n", "row 1, column 1: the file is empty"),
        (b"t,v\n", "row 2, column 1: there are no rows"),
        (b"t,v\n2020-01-01,\n", "row 2, column 2: every cell"),
        (b"t\n2020-01-01\n", "row 1, column 2: there is no metric"),
        (b"2020-01-01,1\n2020-01-02,2\n", "row 1, column 1: '2020-01-01' is a time, so this is no header"),
        (b"t,v\n2020-01-01,1\n2020-01-02\n", "row 3, column 2: the row has 1 column, the header 2"),
        (b"t,v\n2020-01-01,1\n\n2020-01-02,2,3\n", "row 4, column 3: the row has 3 columns, the header 2"),
        (b"t,v,w\n2020-01-01,1,2\n2020-01-01,\xff,2\n", "row 3, column 2: the text is not UTF-8"),
        ("t,v\n2020-01-01,1\n".encode("utf-16"), "row 1, column 1: the text is not UTF-8"),
        (b"t,v\n2020-01-01,1\x00\n", "row 2, column 2: a NUL character"),
        (b't,v,w\n2020-01-01,1,2\n2020-01-01,"1"x,2\n', "row 3, column 2: "),
        (b't,v,w\n2020-01-01,1,2\n2020-01-01,1,"2\n2020-01-02,3,4\n', "row 3, column 3: a quote is"),
        (b"t;v;w\n2020-01-01;1;1.234,5\n2020-01-02;1;1.234\n", "row 3, column 3: '1.234' has its"),
        (b"t\tv\n2020-01-01\t1,234\n2020-01-02\t1,234.5\n", "row 3, column 2: '1,234.5' has its"),
        (b"t,v\r2020-01-01,1\r", "row 1, column 2: new-line character"),
        (b"t,v\n2020-01-01,1\r2020-01-02,2\r", "row 2, column 2: new-line character"),
        (b"t,v\n2020-01-01,1\n2020-01-01," + b"x" * 200_000, "row 3, column 2: the cell is longer"),
        (b'"t"x,v\n2020-01-01,1\n', "row 1, column 1: "),
    ],
)  # fmt: skip
def test_a_malformed_file_is_refused_with_its_place(tmp_path: Path, text: bytes, message: str) -> None:
    file = write(tmp_path, text)

    with pytest.raises(RecordingMalformed) as refused:
        open_recording(file, DEVICE)

    assert str(refused.value).startswith(f"{file}: {message}")
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == 2


def test_a_file_that_is_not_there_or_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingMissing, match="there is no such file"):
        open_recording(tmp_path / "none.csv", DEVICE)
    with pytest.raises(RecordingMissing, match="no ordinary file"):
        open_recording(tmp_path, DEVICE)


def test_the_default_place_has_the_files_name() -> None:
    assert default_device(Path("a/Ofen 3 (neu).csv")) == "recordings/local/replay/line1/cell1/Ofen_3_neu"
