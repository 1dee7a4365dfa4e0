import io

import pytest
from rich.console import Console

from deployer.events import Progress as StackEvent
from local.audit import Audit, Latency
from local.progress import Progress
from local.screen import Latest, Screen, line, picture, summary

PROGRESS = Progress(12.0, sent=24_800, passed=24_512, lag_seconds=0.21, sent_rate=2008.2, passed_rate=2011)


def drawn(latest: list[Latest], restarts: int = 0) -> str:
    console = Console(file=io.StringIO(), width=100)
    with console.capture() as captured:
        console.print(picture("20 machines", PROGRESS, restarts, latest))
    return "\n".join(text.rstrip() for text in captured.get().splitlines())


def test_a_plain_line_tells_all_that_counts() -> None:
    assert line(PROGRESS, 0) == "   12 s  sent 24,800 (2,008/s)  committed 24,512 (2,011/s)  lag 0.2 s"
    assert line(PROGRESS, 2).endswith("lag 0.2 s  processor restarted 2×")
    assert line(PROGRESS, 0, 0.34).endswith("lag 0.2 s  age at commit 0.3 s")


def test_the_picture_has_rates_above_and_latest_values_below() -> None:
    latest = [
        Latest("a/b/c/d/e/m001", "temp", "41.32", "good", 0.34),
        Latest("a/b/c/d/e/m001", "state", "WARNING", "good", 0.34),
        Latest("a/b/c/d/e/m002", "temp", "no value", "bad", 1.2),
    ]

    assert drawn(latest) == "\n".join(
        [
            "20 machines: 12 s",
            "sent        24,800   2,008/s",
            "committed   24,512   2,011/s   lag 0.2 s",
            "",
            "latest     temp   state    age",
            "m001      41.32 WARNING  0.3 s",
            "m002   no value          1.2 s",
        ]
    )


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_device_keeps_its_line_its_name_and_its_age_on_a_narrow_terminal(width: int) -> None:
    metrics = ("spindle_temp", "vibration", "motor_current", "hydraulic_pressure", "state")
    values = ("no value", "1.20", "11.50", "62.00", "RUNNING")
    latest = [
        Latest(f"a/b/c/d/e/m00{n}", metric, value, "good", 0.3)
        for n in (1, 2)
        for metric, value in zip(metrics, values, strict=True)
    ]
    console = Console(file=io.StringIO(), width=width)
    with console.capture() as captured:
        console.print(picture("2 machines", PROGRESS, 0, latest))

    rows = captured.get().splitlines()[-2:]
    assert [row.split() for row in rows] == [
        [name, "no", "value", "1.20", "11.50", "62.00", "RUNNING", "0.3", "s"] for name in ("m001", "m002")
    ]


def test_the_picture_says_when_the_processor_was_restarted() -> None:
    assert "the processor was restarted 1×" in drawn([], restarts=1)


def test_the_summary_accounts_for_every_reading() -> None:
    audit = Audit(60_000, 58_656, 200, 1_144, 0, 0, 0, Latency(126.2, 227.4))

    lines = summary(audit, {"rotation": "done"})

    assert lines[:2] == [
        "  sent               60,000   readings put on the stream and acknowledged",
        "  stored             58,656   newly, by this run",
    ]
    assert lines[-2] == "  latency            126 ms   put to committed, median; 99 % within 227 ms"
    assert lines[-1] == "  rotation     done"


def test_the_summary_tells_of_rollups_that_differ_and_of_no_latency() -> None:
    lines = summary(Audit(10, 0, 0, 10, 0, 3, 3, None), {})

    assert "  the rollups differ from their rows by 3 readings" in lines
    assert not any("latency" in text for text in lines)


def test_a_phase_is_told_with_its_time_when_it_is_done() -> None:
    out = io.StringIO()
    times = iter([10.0, 12.5])

    with Screen(out, clock=lambda: next(times)).phase("stacks deployed"):
        assert out.getvalue() == ""

    assert out.getvalue() == f"  {'stacks deployed':<46}    2.5 s\n"


def test_a_phase_that_fails_names_itself() -> None:
    with pytest.raises(RuntimeError) as failed, Screen(io.StringIO()).phase("stacks deployed"):
        raise RuntimeError

    assert failed.value.__notes__ == ["not done: stacks deployed"]


def event(status: str, *, about_stack: bool, reason: str = "") -> StackEvent:
    kind = "AWS::CloudFormation::Stack" if about_stack else "AWS::RDS::DBInstance"
    return StackEvent(("Database",), "Readings", kind, status, reason, 3.2, about_stack=about_stack)


def test_without_a_terminal_only_stacks_that_are_done_and_failures_are_told() -> None:
    out = io.StringIO()

    with Screen(out).stacks() as listener:
        listener(event("CREATE_IN_PROGRESS", about_stack=True))
        listener(event("CREATE_COMPLETE", about_stack=False))
        listener(event("CREATE_FAILED", about_stack=False, reason="no capacity"))
        listener(event("CREATE_COMPLETE", about_stack=True))

    assert out.getvalue().splitlines() == [
        "      3.2 s  Database/Readings  CREATE_FAILED  no capacity",
        "      3.2 s  Database  CREATE_COMPLETE",
    ]


def test_without_a_terminal_a_line_comes_every_five_seconds() -> None:
    out = io.StringIO()

    with Screen(out).streaming("20 machines") as shown:
        for at in range(12):
            shown.show(Progress(float(at), 1, 1, 0, 0, 0), 0, [])

    assert [text.split()[0] for text in out.getvalue().splitlines()] == ["0", "5", "10"]
