import io
import re
import signal
from typing import Any

import pytest

from deployer.clock import FakeClock
from deployer.events import Progress
from deployer.progress import Lines, Tree, ask, line, screen
from deployer.viewer import Choice, Viewer

NESTED = "AWS::CloudFormation::Stack"
DATABASE = "AWS::RDS::DBInstance"


def progress(
    path: str, status: str, elapsed: float = 1.0, kind: str = "AWS::SQS::Queue", **more: Any
) -> Progress:
    *stack, logical_id = path.split("/")
    return Progress(tuple(stack), logical_id, kind, status, more.pop("reason", ""), elapsed, **more)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


def test_the_lines_of_progress() -> None:
    assert line(progress("Outer/Queue", "CREATE_IN_PROGRESS", reason="Resource creation Initiated")) == (
        "    1.0s  Outer/Queue  AWS::SQS::Queue  CREATE_IN_PROGRESS"
    )
    assert line(progress("Queue", "CREATE_IN_PROGRESS", expected=270.0)) == (
        "    1.0s  Queue  AWS::SQS::Queue  CREATE_IN_PROGRESS  took 4m30s last time"
    )
    assert line(progress("Queue", "CREATE_COMPLETE", 12.34, took=8.05, expected=9.0)) == (
        "   12.3s  Queue  AWS::SQS::Queue  CREATE_COMPLETE  in 8.1s"
    )
    assert line(progress("Queue", "CREATE_FAILED", reason="Name taken")) == (
        "    1.0s  Queue  AWS::SQS::Queue  CREATE_FAILED  Name taken"
    )


def test_plain_lines_where_there_is_no_terminal() -> None:
    stream = io.StringIO()

    with screen(stream) as listener:
        listener(progress("Outer/Queue", "CREATE_COMPLETE"))
        listener(Progress(("Outer",), "Outer", NESTED, "CREATE_COMPLETE", "", 2.0, about_stack=True))

    assert isinstance(screen(stream), Lines)
    assert stream.getvalue() == "    1.0s  Outer/Queue  AWS::SQS::Queue  CREATE_COMPLETE\n"


def test_a_dumb_terminal_gets_lines_that_fit_it(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")

    with screen(terminal) as listener:
        listener(progress("Outer/Inner/Queue", "CREATE_FAILED", 1.0, reason="the name is taken " * 5))

    lines = terminal.getvalue().splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in terminal.getvalue()


def test_a_reason_that_goes_on_in_the_next_line_is_red_there_too(terminal: Terminal) -> None:
    with screen(terminal) as listener:
        listener(progress("Queue", "CREATE_FAILED", 1.0, reason="the name is taken " * 8))

    told = [line for line in terminal.getvalue().splitlines() if "taken" in line]
    assert len(told) >= 2
    assert all("\x1b[31m" in line for line in told)


def test_without_a_terminal_a_line_every_30_seconds_says_what_is_still_under_way() -> None:
    stream, clock = io.StringIO(), FakeClock()
    lines = Lines(stream, clock)
    lines.begins(0.0)
    lines(progress("Database/Instance", "CREATE_IN_PROGRESS", 0.0, DATABASE, expected=630.0))

    for _ in range(270):
        clock.sleep(1.0)
        lines.tick()

    said = stream.getvalue().splitlines()
    assert len(said) == 10
    assert said[1] == "still: Database/Instance CREATE_IN_PROGRESS 30s, about 10 min left"
    assert said[-1] == "still: Database/Instance CREATE_IN_PROGRESS 4m30s, about 6 min left"


def test_a_line_that_speaks_of_many_names_the_longest() -> None:
    stream, clock = io.StringIO(), FakeClock()
    lines = Lines(stream, clock)
    for number in range(5):
        lines(progress(f"Queue{number}", "CREATE_IN_PROGRESS", 10.0 - number))
    stream.truncate(0)
    stream.seek(0)

    clock.sleep(30.0)
    lines.tick()

    assert stream.getvalue() == (
        "still: Queue4 CREATE_IN_PROGRESS 34s; Queue3 CREATE_IN_PROGRESS 33s; "
        "Queue2 CREATE_IN_PROGRESS 32s; and 2 more\n"
    )


def test_before_the_first_event_a_log_says_that_aws_is_waited_for() -> None:
    stream, clock = io.StringIO(), FakeClock()
    lines = Lines(stream, clock)
    lines.begins(0.0)

    clock.sleep(31.0)
    lines.tick()

    assert stream.getvalue() == "still: waiting for AWS, 31s\n"


def test_a_notice_is_a_line_of_its_own_once() -> None:
    stream = io.StringIO()
    lines = Lines(stream, FakeClock())

    for notice in (
        "AWS cannot be reached; waiting until 12:40",
        "AWS cannot be reached; waiting until 12:40",
        "",
    ):
        lines.says(notice)

    assert stream.getvalue() == "AWS cannot be reached; waiting until 12:40\n"


def test_time_ticks_on_the_screen_between_events(terminal: Terminal) -> None:
    clock = FakeClock()
    tree = Tree(terminal, clock)
    tree.begins(100.0)  # it was attached to
    tree(Progress((), "millrace-dev", NESTED, "UPDATE_IN_PROGRESS", "", 0.0, about_stack=True))
    tree(progress("Queue", "UPDATE_IN_PROGRESS", 40.0))

    first = tree.picture()
    clock.sleep(5.0)

    assert first == [
        "millrace-dev  UPDATE_IN_PROGRESS  0/1  1m40s",
        "└─ Queue  AWS::SQS::Queue  UPDATE_IN_PROGRESS  1m00s",
    ]
    assert tree.picture()[1] == "└─ Queue  AWS::SQS::Queue  UPDATE_IN_PROGRESS  1m05s"
    tree.__exit__()


def test_the_notice_stands_on_top_until_it_is_over(terminal: Terminal) -> None:
    with Tree(terminal, FakeClock()) as tree:
        tree(progress("Queue", "UPDATE_IN_PROGRESS"))
        tree.says("AWS refuses the credentials: renew them (aws sso login); waiting until 12:40")
        assert (
            tree.picture()[0]
            == "AWS refuses the credentials: renew them (aws sso login); waiting until 12:40"
        )
        tree.says("")
        assert tree.picture()[0].startswith("Queue")


def shown(written: str) -> list[str]:
    """What stands on a terminal in the end: rich goes up line by line, and clears each."""
    lines, row = [""], 0
    for part in re.split(r"(\x1b\[[\d;?]*[A-Za-z]|\r|\n)", written):
        if part == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        elif part.startswith("\x1b[") and part.endswith("A"):
            row -= int(part[2:-1])
        elif part.startswith("\x1b[") and part.endswith("K"):
            lines[row] = ""
        elif part != "\r" and not part.startswith("\x1b["):
            lines[row] += part
    return [line for line in lines if line]


def test_what_is_waited_for_is_said_once_and_what_ended_stays_without_it(terminal: Terminal) -> None:
    with Tree(terminal, FakeClock()) as tree:
        for token in ("millrace-deploy-1", "millrace-deploy-2"):
            tree.says(f"millrace-dev is UPDATE_IN_PROGRESS: waiting for {token}")
            tree.begins(1.0)
            tree(Progress((), "millrace-dev", NESTED, "UPDATE_COMPLETE", "", 2.0, 1.0, about_stack=True))

    assert shown(terminal.getvalue()) == [
        "millrace-dev  UPDATE_COMPLETE  0s",
        "millrace-dev is UPDATE_IN_PROGRESS: waiting for millrace-deploy-2",
        "millrace-dev  UPDATE_COMPLETE  0s",
    ]


def test_the_last_picture_stays_within_the_terminal_and_says_where_the_time_went(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINES", "5")
    with Tree(terminal, FakeClock()) as tree:
        tree(Progress((), "millrace-dev", NESTED, "CREATE_IN_PROGRESS", "", 0.0, about_stack=True))
        for number in range(9):
            tree(progress(f"Queue{number}", "CREATE_COMPLETE", took=number * 10.0))
        tree(Progress((), "millrace-dev", NESTED, "CREATE_COMPLETE", "", 99.0, 99.0, about_stack=True))

    assert terminal.getvalue().endswith(
        "millrace-dev  CREATE_COMPLETE  9/9  1m39s\n"
        "slowest: Queue8 1m20s, Queue7 1m10s, Queue6 1m00s\n"
        "\x1b[?25h"
    )


def test_colour_is_for_terminals_that_want_it(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    with Tree(terminal, FakeClock()) as tree:
        tree(progress("Outer/Queue", "UPDATE_IN_PROGRESS"))
    monkeypatch.setenv("NO_COLOR", "1")
    bare = Terminal()
    with Tree(bare, FakeClock()) as tree:
        tree(progress("Outer/Queue", "UPDATE_IN_PROGRESS"))

    assert "\x1b[33m   └─ Queue" in terminal.getvalue()
    assert "└─ Queue" in bare.getvalue()
    assert "[33m" not in bare.getvalue()


def test_a_dumb_terminal_gets_lines(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(screen(terminal), Tree)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(screen(terminal), Lines)


def test_a_screen_is_a_viewer_and_a_list_is_none() -> None:
    assert isinstance(Lines(io.StringIO()), Viewer)
    assert isinstance(Tree(io.StringIO()), Viewer)
    assert not isinstance([].append, Viewer)


@pytest.mark.parametrize(
    ("answers", "choice"),
    [
        ("d\n", Choice.LEAVE),
        ("c\n", Choice.CANCEL),
        ("s\n", Choice.STAY),
        ("what\n\n S \n", Choice.STAY),
        ("", Choice.LEAVE),
    ],
)
def test_ctrl_c_offers_to_let_it_run_to_cancel_and_to_stay(answers: str, choice: Choice) -> None:
    screen = io.StringIO()

    assert ask("", screen, io.StringIO(answers)) is choice
    assert screen.getvalue().startswith("Detach and let it run (d), cancel the update (c), stay (s)? ")


def test_ctrl_c_does_not_offer_what_aws_refuses() -> None:
    screen = io.StringIO()

    assert ask("it rolls back already", screen, io.StringIO("c\ns\n")) is Choice.STAY
    assert screen.getvalue() == (
        "It cannot be cancelled: it rolls back already\n" + 2 * "Detach and let it run (d), stay (s)? "
    )


def test_who_cannot_answer_leaves(terminal: Terminal) -> None:
    assert Lines(io.StringIO()).choose("") is Choice.LEAVE
    assert Tree(terminal).choose("") is Choice.LEAVE
    assert Tree(terminal, answers=io.StringIO("s\n")).choose("") is Choice.STAY


def test_after_the_question_the_tree_comes_back(terminal: Terminal) -> None:
    with Tree(terminal, FakeClock(), io.StringIO("s\n")) as tree:
        tree(progress("Queue", "UPDATE_IN_PROGRESS"))
        tree.choose("")
        before = terminal.getvalue()
        tree(progress("Queue", "UPDATE_COMPLETE", took=3.0))

    assert "stay (s)? " in before
    assert "Queue  AWS::SQS::Queue  UPDATE_COMPLETE  3s" in terminal.getvalue()[len(before) :]


def test_a_second_ctrl_c_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = io.StringIO()
    monkeypatch.setattr(answers, "readline", lambda: signal.raise_signal(signal.SIGINT))

    assert ask("", io.StringIO(), answers) is Choice.LEAVE
