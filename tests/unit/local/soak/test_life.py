import pytest

from local.soak.life import next_command
from local.soak.victim import Ended, Kill


@pytest.mark.parametrize(
    ("errors", "command"),
    [
        ("deploy.py: x is busy: follow it with `python deploy.py attach dev`, and", "attach dev"),
        (
            "deploy.py: stuck. See why with `python deploy.py diagnose dev`, mend it with `python deploy.py "
            "recover dev`",
            "recover dev --yes",
        ),
        (
            "deploy.py: it has moved (its change set is gone): plan again with `python deploy.py plan`",
            "plan dev",
        ),
        ("still: `python deploy.py destroy dev` stands in chatter only", None),
        ("deploy.py: no", None),
    ],
)
def test_the_next_command_is_the_one_that_the_error_names(errors: str, command: str | None) -> None:
    assert next_command(Ended(1, "", errors, (), 0.1)) == command


@pytest.mark.parametrize(
    ("kill", "text"),
    [
        (Kill(3), "before request 3"),
        (Kill(3, answered=True), "after request 3"),
        (Kill(named="ExecuteChangeSet", answered=True), "after request ExecuteChangeSet"),
        (Kill(seconds=0.251), "after 0.25 s"),
    ],
)
def test_a_kill_says_where_it_was(kill: Kill, text: str) -> None:
    assert str(kill) == text
    assert kill.by_time == text.endswith(" s")
