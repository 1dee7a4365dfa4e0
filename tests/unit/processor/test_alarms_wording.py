"""What is read of an alarm, by people and by programs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.alarms.changes import Alarm, Change
from processor.alarms.outbox import Notice
from processor.alarms.present import Shown
from processor.alarms.telling import Kind, Message
from processor.alarms.terms import allowed, duration, found, known
from processor.alarms.topic import request
from processor.alarms.wording import Flood, Group, Voice, shortened

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
PATH = "acme/lon1/press/line2/cell4/m17/spindle_temp"
# As the column, of type jsonb, gives it; `rules add` writes every field.
LIMIT = '{"low": null, "high": 80.0, "kind": "limit", "deadband": 2.0, "on_delay": 60.0, "off_delay": 0.0}'
VOICE = Voice("prod", ZoneInfo("Europe/London"))
ALARM = Alarm(
    number=4711,
    rule=1,
    name="hot-spindle",
    version=2,
    definition=LIMIT,
    point=7,
    path=PATH,
    unit="Cel",
    since=NOON,
    raised_at=NOON + timedelta(minutes=1),
    cleared_at=None,
    lapses=False,
    value=83.25,
    figure=83.25,
)


def news(alarm: Alarm, *whats: str) -> Message:
    changes = tuple(
        Change(place, what, NOON, NOON, alarm.since, alarm.version) for place, what in enumerate(whats)
    )
    return Message(Kind.ALARM, alarm, changes)


def test_a_raised_alarm_as_it_is_read() -> None:
    text = VOICE.of_alarm(news(ALARM, "raised"))
    assert text.subject == "RAISED: hot-spindle at m17/spindle_temp 83.25 Cel (acme/lon1)"
    assert (
        text.body
        == """\
RAISED: hot-spindle
Point    acme/lon1/press/line2/cell4/m17/spindle_temp
Value    83.25 Cel
Allowed  at most 80 Cel
Since    2026-06-01 13:00:00 BST
Raised   2026-06-01 13:01:00 BST

Alarm 4711, prod.
To take it on: python -m processor alarms acknowledge 4711 --by NAME"""
    )
    assert text.document == {
        "alarm": {
            "number": 4711,
            "rule": "hot-spindle",
            "version": 2,
            "path": PATH,
            "state": "raised",
            "since": "2026-06-01T12:00:00+00:00",
            "raised_at": "2026-06-01T12:01:00+00:00",
            "cleared_at": None,
            "acknowledged_at": None,
            "acknowledged_by": None,
            "value": 83.25,
            "unit": "Cel",
            "figure": 83.25,
            "definition": {
                "kind": "limit",
                "high": 80.0,
                "low": None,
                "deadband": 2.0,
                "on_delay": 60.0,
                "off_delay": 0.0,
            },
        },
        "changes": [f"hot-spindle 2 {PATH} 2026-06-01T12:00:00+00:00 raised"],
    }


def test_the_page_shows_a_message_as_it_is() -> None:
    page = (Path(__file__).parents[3] / "docs/decisions/notifications.md").read_text(encoding="utf-8")
    text = VOICE.of_alarm(news(ALARM, "raised"))
    assert f"Subject: {text.subject}\n\n{text.body}\n```" in page
    shown = msgspec.json.decode(page.partition("```json\n")[2].partition("\n```")[0])
    head = {name: shown.pop(name) for name in ("v", "id", "kind", "environment", "site", "at")}
    assert shown == text.document
    assert (head["v"], head["kind"], head["environment"], head["site"]) == (1, "alarm", "prod", "acme/lon1")


def test_a_cleared_alarm_says_how_long_and_who_was_on_it() -> None:
    alarm = replace(
        ALARM,
        cleared_at=NOON + timedelta(hours=2, minutes=5),
        acknowledged_at=NOON + timedelta(minutes=3),
        acknowledged_by="shift-2",
    )
    text = VOICE.of_alarm(news(alarm, "cleared"))
    assert text.subject == "CLEARED: hot-spindle at m17/spindle_temp (acme/lon1)"
    assert "Taken on 2026-06-01 13:03:00 BST by shift-2" in text.body
    assert "Cleared  2026-06-01 15:05:00 BST\nLasted   2 h 5 min" in text.body
    assert "To take it on" not in text.body
    lapsed = VOICE.of_alarm(news(replace(alarm, lapses=True), "cleared"))
    assert "BST, as its rule was changed" in lapsed.body


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (("raised", "acknowledged"), "TAKEN ON"),
        (("raised", "acknowledged", "cleared"), "RAISED AND CLEARED"),
        (("acknowledged", "cleared"), "CLEARED"),
        (("cleared", "again"), "RAISED AGAIN"),
    ],
)
def test_several_changes_are_one_message(changes: tuple[str, ...], said: str) -> None:
    alarm = replace(ALARM, cleared_at=NOON) if "cleared" in changes else ALARM
    text = VOICE.of_alarm(news(alarm, *changes))
    assert text.subject.startswith(f"{said}: ")
    assert len(text.document["changes"]) == len(changes)


def test_what_flaps_and_what_is_calm_says_since_when_and_how_it_stands() -> None:
    flaps = VOICE.of_alarm(Message(Kind.FLAPPING, ALARM, (), NOON, 4))
    assert flaps.subject.startswith("FLAPPING: hot-spindle")
    assert "Raised 4 times since 2026-06-01 13:00:00 BST. No more is told of it until" in flaps.body
    calm = VOICE.of_alarm(Message(Kind.CALM, ALARM, (), NOON, 9))
    assert (
        "Raised 9 times from 2026-06-01 13:00:00 BST on, and for an hour no more: it stands now." in calm.body
    )
    assert (calm.document["raises"], calm.document["since"]) == (9, "2026-06-01T12:00:00+00:00")


def test_a_flood_is_counted_by_rule_and_device_and_lists_what_stands() -> None:
    groups = [Group("hot", f"d/e/f/m{n}", 3, 1, 0) for n in range(150)]
    shown = Shown(1, "hot", PATH, None, NOON, NOON, 1.0, 1.0, None, None)
    text = VOICE.of_flood(Flood("acme/lon1", NOON, False, groups, [shown], 25))
    assert text.subject == "FLOOD: 450 raised, 150 cleared, 25 stand at acme/lon1"
    assert "hot  d/e/f/m19  3 raised, 1 cleared\nand 130 more rules and devices" in text.body
    assert (
        "1  hot  press/line2/cell4/m17/spindle_temp  since 2026-06-01 13:00:00 BST\nand 5 more" in text.body
    )
    assert len(text.document["groups"]) == 100
    assert text.document["more_groups"] == 50
    over = VOICE.of_flood(Flood("acme/lon1", NOON, True, [], [], 0))
    assert over.subject == "FLOOD OVER: 0 raised, 0 cleared, 0 stand at acme/lon1"
    assert "Alarms are told one by one again." in over.body


@pytest.mark.parametrize(
    ("definition", "figure", "wanted", "judged"),
    [
        ('{"kind":"limit","low":10.0}', 9.0, "at least 10 Cel", None),
        ('{"kind":"limit","low":10.0,"high":80.0}', 9.0, "from 10 to 80 Cel", None),
        (
            '{"kind":"rate","most":3.5}',
            7.0,
            "a change of at most 3.5 Cel an hour",
            "a change of 7 Cel an hour",
        ),
        (
            '{"kind":"stuck","within":3600.0}',
            7200.0,
            "one and the same value for less than 1 h",
            "the same value for 2 h",
        ),
        (
            '{"kind":"silence","within":90.0}',
            200.0,
            "a reading at least every 90 s",
            "no reading for 3 min 20 s",
        ),
        (
            '{"kind":"clock"}',
            -3600.0,
            "a clock at most 2 min ahead and 29 min behind",
            "1 h behind",
        ),
        (
            '{"kind":"clock","behind":60.0}',
            300.0,
            "a clock at most 2 min ahead and 60 s behind",
            "5 min ahead",
        ),
        (
            '{"kind":"deviation"}',
            4.12,
            "within 3.76 widths of where the point usually is",
            "4.12 widths away",
        ),
        ('{"kind":"of tomorrow"}', 1.0, '{"kind":"of tomorrow"}', None),
        (None, 1.0, "not known any more", None),
    ],
)
def test_each_kind_of_rule_has_words(
    definition: str | None, figure: float, wanted: str, judged: str | None
) -> None:
    assert allowed(known(definition), "Cel") == wanted
    assert found(known(definition), figure, "Cel") == judged


def test_durations_are_two_units() -> None:
    assert [duration(one) for one in (0.5, 119, 121, 3600, 90061)] == [
        "0.5 s",
        "119 s",
        "2 min 1 s",
        "1 h",
        "1 d 1 h",
    ]


@given(st.text(max_size=300))
def test_any_subject_is_one_that_sns_takes(text: str) -> None:
    subject = shortened(text)
    assert 1 <= len(subject) < 100
    assert subject.isascii() and subject.isprintable()


def test_the_longest_flood_is_less_than_sns_takes() -> None:
    name, level = "\N{SNOWMAN}" * 64, "x" * 64
    groups = [Group(name, "/".join([level] * 4), 10**6, 10**6, 10**6) for _ in range(300)]
    shown = [Shown(10**9, name, "/".join([level] * 7), None, NOON, NOON, 1.0, 1.0, None, None)] * 20
    text = VOICE.of_flood(Flood(f"{level}/{level}", NOON, False, groups, shown, 10**6))
    document = msgspec.json.encode(text.document).decode()
    notice = Notice(uuid4(), "flood", f"{level}/{level}", None, text.subject, text.body, document)
    asked = request("arn:aws:sns:eu-west-2:111122223333:alarms", notice)
    assert len(msgspec.json.encode(asked)) < 262_144
