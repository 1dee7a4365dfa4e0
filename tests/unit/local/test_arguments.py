from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from local.arguments import ArgumentWrong, Options, Ports, Replay, parse


def test_without_arguments_it_is_thirty_seconds_of_a_plant() -> None:
    assert parse([]) == Options(seconds=30, rate=2000, machines=20)


def test_everything_that_can_be_asked_of_the_plant(tmp_path: Path) -> None:
    out, state = tmp_path / "out.json", tmp_path / "deep" / "state"

    options = parse(
        f"--for 3.5 --rate 500 --machines 3 --keep --state {state} --json {out}"
        " --aws-port 4566 --postgres-port 5433 --redis-port 0".split()
    )

    assert options == Options(
        3.5, 500, 3, keep=True, state=state, json=out, ports=Ports(aws=4566, postgres=5433, redis=0)
    )
    assert not state.exists()


def test_a_recording_has_a_default_place_and_zone() -> None:
    options = parse(["--replay", "x/oven.csv"])

    assert options.replay is not None
    assert options.replay.device == "recordings/local/replay/line1/cell1/oven"
    assert str(options.replay.zone) == "UTC"


def test_a_recording_may_be_put_elsewhere() -> None:
    options = parse(["--replay", "oven.csv", "--path", "a/b/c/d/e/f", "--timezone", "Europe/Berlin"])

    assert options.replay == Replay(Path("oven.csv"), "a/b/c/d/e/f", ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--for 0", "argument --for: '0' is not allowed; a number above 0, up to 604800, is"),
        ("--for -1", "--for"),
        ("--for nan", "--for: 'nan' is not allowed"),
        ("--for soon", "--for: 'soon' is not allowed"),
        ("--rate 0", "--rate: '0' is not allowed; a number above 0, up to 200000, is"),
        ("--rate inf", "--rate: 'inf' is not allowed"),
        ("--machines 0", "--machines: '0' is not allowed; a whole number from 1 to 10000 is"),
        ("--machines 2.5", "--machines: '2.5' is not allowed"),
        ("--machines ²", "--machines: '²' is not allowed"),
        ("--aws-port 70000", "--aws-port: '70000' is not allowed; a whole number from 0 to 65535 is"),
        (f"--aws-port {'0' * 30}70000", "a whole number from 0 to 65535 is"),
        ("--aws-port 4566 --redis-port 4566", "must differ"),
        ("--replay x.csv --path a/b/c", "enterprise/site/area/line/cell/device is"),
        ("--replay x.csv --path a/b/c/d/e/f/g", "--path: 'a/b/c/d/e/f/g' is not allowed"),
        ("--replay x.csv --path a/b//d/e/f", "--path"),
        ("--replay x.csv --timezone Mars/Olympus", "'Mars/Olympus' is no time zone"),
        ("--replay x.csv --timezone ../../etc/passwd", "is no time zone"),
        ("--replay x.csv --timezone Europe", "is no time zone"),
        ("--replay x.csv --for 3", "--for is for the simulated plant and --replay sends a recording"),
        ("--replay x.csv --rate 3", "--rate is for the simulated plant and --replay"),
        ("--replay x.csv --machines 3", "--machines is for the simulated plant and --replay"),
        ("--path a/b/c/d/e/f", "give --replay FILE.csv with it"),
        ("--timezone UTC", "give --replay FILE.csv with it"),
        ("--json /no/such/place/out.json", "there is no directory '/no/such/place'"),
        ("--json /tmp", "is a directory"),
        ("--json=", "--json: the name of a file is wanted"),
        ("--json /proc/out.json", "'/proc/out.json' cannot be written"),  # whatever root's rights say
        ("--state=", "--state: the name of a directory is wanted"),
        ("--replay=", "--replay: the name of a CSV file is wanted"),
        ("--state /dev/null", "/dev/null is no directory"),
        ("--state /dev/null/below", "/dev/null is no directory"),
        ("--fo 3", "unrecognized arguments: --fo 3"),
        ("today", "unrecognized arguments: today"),
        ("--replay", "--replay: expected one argument"),
    ],
)
def test_a_wrong_argument_gets_one_line(arguments: str, message: str) -> None:
    with pytest.raises(ArgumentWrong) as refused:
        parse(arguments.split())

    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == 2


def test_help_names_the_default_place(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["--help"])

    assert ended.value.code == 0
    assert "recordings/local/replay/line1/cell1/FILE" in capsys.readouterr().out
