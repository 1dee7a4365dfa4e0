"""Each way to be wrong is named."""

import msgspec
import pytest

from local.aws.asked import Asked
from local.rotating.verdict import Found, summary, wrong

GOOD = Found(
    seconds=20,
    sent=400_000,
    stored=390_000,
    lost=0,
    duplicated=0,
    most_epochs=1,
    restarts=0,
    trouble=[],
    rotations={"application": 6, "migrator": 6},
    longest_rotation=0.8,
    ceremonies=[],
    session_seconds=5.0,
    oldest_session=5.3,
    most_sessions=3,
    opened_sessions={"millrace_app": 4, "millrace_app_clone": 5},
    left_behind=[],
    admitted=5,
    refused=0,
    leaks=[],
    searched=120,
    needles=60,
    asked=[Asked("TaskRole", "kinesis:GetRecords", "stream", allowed=True)],
)
BAD = {
    "lost": (1, "1 readings lost"),
    "duplicated": (2, "2 readings doubled"),
    "stored": (0, "no reading was stored"),
    "most_epochs": (2, "changed its owner"),
    "restarts": (1, "started again 1 times"),
    "trouble": (["warning: the database is away"], "the database is away"),
    "rotations": ({"application": 6, "migrator": 0}, "migrator was rotated 0 times"),
    "ceremonies": (["not within 30 s"], "not within 30 s"),
    "oldest_session": (60.0, "a session lived 60.0 s"),
    "most_sessions": (30, "30 sessions"),
    "opened_sessions": ({"millrace_app": 1}, "logged in as millrace_app only"),
    "left_behind": (["millrace-processor as millrace_app"], "left behind"),
    "admitted": (0, "the cache let 0 connections in"),
    "refused": (1, "refused 1"),
    "leaks": (["a password in processor.log"], "a password in processor.log"),
    "asked": ([Asked("TaskRole", "kms:Decrypt", "*", allowed=False)], "TaskRole asked for kms:Decrypt"),
}


def test_a_run_that_nobody_noticed_has_nothing_wrong() -> None:
    assert wrong(GOOD) == []


@pytest.mark.parametrize("field", BAD)
def test_what_is_wrong_is_named(field: str) -> None:
    value, said = BAD[field]
    (line,) = wrong(msgspec.structs.replace(GOOD, **{field: value}))
    assert said in line


def test_the_summary_counts_what_matters() -> None:
    text = "\n".join(summary(GOOD))
    assert "400,000   readings, 20,000 a second" in text
    assert "opened: 4 as millrace_app, 5 as millrace_app_clone" in text
    assert "of 60 values in 120 places" in text
