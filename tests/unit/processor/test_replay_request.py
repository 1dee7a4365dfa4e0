from datetime import UTC, datetime

import pytest

from processor.quarantine import Reason
from processor.replay.request import Quarantined, Request, Streamed, from_arguments

NOW = datetime(2026, 3, 2, tzinfo=UTC)
SIX = datetime(2026, 3, 1, 6, tzinfo=UTC)


def test_nothing_is_written_without_a_yes() -> None:
    assert from_arguments(["--quarantine"], NOW) == Request(Quarantined(), write=False)
    assert from_arguments(["--quarantine", "--yes"], NOW).write
    assert not from_arguments(["--from", "2026-03-01T06:00:00Z"], NOW).write


def test_rows_are_chosen_by_reason_shard_stream_and_time() -> None:
    given = ["--quarantine", "too_old", "path", "--shard", "shard-7", "--stream", "before"]
    times = ["--since", "2026-03-01T06:00:00Z", "--until", "2026-03-01T08:30:00+01:00"]
    assert from_arguments([*given, *times], NOW).source == Quarantined(
        (Reason.TOO_OLD, Reason.PATH), "before", "shard-7", SIX, datetime(2026, 3, 1, 7, 30, tzinfo=UTC)
    )


def test_the_stream_is_read_from_a_time() -> None:
    source = from_arguments(["--from", "2026-03-01T06:00:00Z", "--shard", "shard-7"], NOW).source
    assert source == Streamed(SIX, "shard-7")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "one of the arguments --quarantine --from is required"),
        (["--quarantine", "--from", "2026-03-01T06:00:00Z"], "not allowed with"),
        (["--quarantine", "old"], "'old' is no reason; there are undecodable, malformed"),
        (["--quarantine", "--since", "2026-03-01"], "must be a date and time with an offset, such as"),
        (["--from", "yesterday"], "'yesterday' must be a date and time with an offset"),
        (["--from", "2026-03-03T06:00:00Z"], "is in the future"),
        (
            ["--from", "2026-03-01T06:00:00Z", "--since", "2026-03-01T06:00:00Z"],
            "--since goes with --quarantine",
        ),
        (["--from", "2026-03-01T06:00:00Z", "--stream", "x"], "--stream goes with --quarantine"),
        (
            ["--quarantine", "--since", "2026-03-01T06:00:00Z", "--until", "2026-03-01T06:00:00Z"],
            "must be before --until",
        ),
        (["--quarantine", "--y"], "unrecognized arguments"),
    ],
)
def test_a_mistake_is_a_line_that_says_what_is_allowed(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        from_arguments(arguments, NOW)
    assert end.value.code == 2
    assert said in capsys.readouterr().err
