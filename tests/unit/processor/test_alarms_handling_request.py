import pytest

from processor.alarms.handling_request import Acknowledge, List, from_arguments

PATH = "acme/lon1/press/line2/cell4/m17/spindle_temp"


def test_each_way_is_read() -> None:
    assert from_arguments(["list"]) == List(standing=False, path=None, rule=None, most=100)
    given = ["list", "--standing", "--path", "*/*/*/*/*/*/t", "--rule", "hot", "--most", "5"]
    assert from_arguments(given) == List(standing=True, path="*/*/*/*/*/*/t", rule="hot", most=5)
    assert from_arguments(["acknowledge", "4711", "--by", "shift-2"]) == Acknowledge(
        4711, None, None, "shift-2"
    )
    assert from_arguments(["acknowledge", "hot", PATH, "--by", "shift-2"]) == Acknowledge(
        None, "hot", PATH, "shift-2"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "required: list|acknowledge"),
        (["acknowledge", "4711"], "required: --by"),
        (["acknowledge", "--by", "shift-2"], "required: NUMBER | RULE PATH"),
        (["acknowledge", "hot", "--by", "shift-2"], "give an alarm's number, or its rule and the path"),
        (
            ["acknowledge", "1", "2", "3", "--by", "shift-2"],
            "give an alarm's number, or its rule and the path",
        ),
        (["acknowledge", "4711", "--by", " "], "1 to 64 printable"),
        (["list", "--path", "a/b"], "must have 7 levels, not 2"),
        (["list", "--most", "0"], "a whole number from 1 to 100000"),
        (["dance"], "invalid choice"),
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
    assert line.startswith("alarms: ")
    assert line.count("\n") == 1
