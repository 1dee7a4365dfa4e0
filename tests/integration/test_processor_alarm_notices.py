"""Who is told of alarms, with the real PostgreSQL and Redis: once a change, whoever is killed or away."""

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from botocore.exceptions import EndpointConnectionError
from psycopg.errors import IdleInTransactionSessionTimeout, TransactionTimeout

from processor.alarms import changes, handling, outbox
from processor.alarms.board import Board
from processor.alarms.handling_request import Acknowledge, List, Request
from processor.alarms.notifier import Notifier
from processor.alarms.outbox import Notice
from processor.alarms.topic import Refused
from processor.alarms.wording import Voice
from processor.queries import load_queries
from processor.secret import Credentials
from processor.storage.database import Database, connect

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
VOICE = Voice("test", ZoneInfo("UTC"))
HOT = '{"kind":"limit","high":80.0,"deadband":2.0,"on_delay":0.0,"off_delay":0.0}'


class Killed(BaseException):
    """The process is no more."""


class Topic:
    """SNS: what it took, and how it fares."""

    def __init__(self) -> None:
        self.taken: list[Notice] = []
        self.away = False
        self.refuses: set[str] = set()
        self.after: Any = lambda notice: None  # what happens once it has taken one

    def publish(self, notice: Notice) -> str:
        if self.away:
            raise EndpointConnectionError(endpoint_url="https://sns")
        if notice.kind in self.refuses:
            raise Refused("InvalidParameter: not so")
        self.taken.append(notice)
        self.after(notice)
        return f"message-{len(self.taken)}"

    @property
    def subjects(self) -> list[str]:
        return [notice.subject for notice in self.taken]


class Plant:
    """A database with two rules and points of two sites; alarms are written as the processor's login does."""

    def __init__(self, postgres: Any, cache: Any) -> None:
        self.who: Credentials = postgres.make_database()
        self.ca_file: str = postgres.ca_file
        self.stopping = threading.Event()
        self.connection: psycopg.Connection[Any] = postgres.operator(self.who.dbname)
        self.run("SET search_path = millrace")
        self.run(
            "INSERT INTO point (path, type, unit)"
            " SELECT 'acme/' || site || '/d/e/f/m' || n || '/t', 'number', 'Cel'"
            " FROM (VALUES ('lon1', 1000), ('par1', 1)) AS s (site, most), generate_series(1, most) AS n"
            " ORDER BY site, n"
        )
        self.run("INSERT INTO alarm_rule (name, definition) VALUES ('hot', '{}'), ('odd', '{}')")
        self.run(
            "INSERT INTO alarm_rule_version (rule, version, path, definition, enabled, applies_from)"
            " SELECT id, 1, '*/*/*/*/*/*/*', %s, true, '2026-01-01Z' FROM alarm_rule",
            HOT,
        )
        self.run("SET ROLE millrace_writer")
        self.topic = Topic()
        self.sent = 0
        self.databases: list[Database] = []
        self.client = cache.client()

    def run(self, statement: str, *given: object) -> Any:
        return self.connection.execute(statement.encode(), given or None)

    def one(self, statement: str, *given: object) -> Any:
        return self.run(statement, *given).fetchone()[0]

    def raise_(
        self, *points: int, minute: float = 0, rule: int = 1, version: int = 1, history: bool = False
    ) -> None:
        self.run(
            "INSERT INTO alarm_event (rule, version, point, started_at, raised_at, value, figure, history)"
            " SELECT %s, %s, p, %s, %s, 83.25, 83.25, %s FROM unnest(%s::integer[]) AS p",
            rule,
            version,
            NOON + timedelta(minutes=minute),
            NOON + timedelta(minutes=minute),
            history,
            list(points),
        )

    def clear(self, *points: int, minute: float, rule: int = 1) -> None:
        self.run(
            "UPDATE alarm_event SET ended_at = %s WHERE rule = %s AND point = ANY(%s) AND ended_at IS NULL",
            NOON + timedelta(minutes=minute),
            rule,
            list(points),
        )

    def read(self, query: str, table: str, **given: object) -> int:
        """How many rows of the table a statement looks at."""
        said = psycopg.ClientCursor(self.connection).execute(
            "EXPLAIN (ANALYZE, FORMAT JSON) " + load_queries()[query].decode(), given
        )
        found = said.fetchone()
        assert found is not None
        return sum(
            round(node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)))
            for node in nodes(found[0][0]["Plan"])
            if node.get("Relation Name") == table and "Scan" in node["Node Type"]
        )

    def change_rule(self, since: str = "now()") -> None:
        """A second version of the first rule, from then on; an expression of SQL."""
        self.run(
            "INSERT INTO alarm_rule_version (rule, version, path, definition, enabled, applies_from)"
            f" VALUES (1, 2, '*/*/*/*/*/*/*', %s, true, {since})",
            HOT,
        )

    def later(self, **ago: float) -> None:
        """As if all that the clock has noted had been so long ago."""
        ago_ = timedelta(**ago)
        self.run("RESET ROLE")
        self.run(
            "UPDATE alarm_notice SET composed_at = composed_at - %s, tried_at = tried_at - %s", ago_, ago_
        )
        self.run(
            "UPDATE alarm_change SET written_at = written_at - %s, settled_at = settled_at - %s", ago_, ago_
        )
        self.run("UPDATE alarm_flood SET since = since - %s, told_at = told_at - %s", ago_, ago_)
        self.run("SET ROLE millrace_writer")

    def end_sessions(self) -> None:
        """The processors' own, as the server does with those that stand still."""
        self.run("RESET ROLE")
        self.run(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'millrace-processor'"
        )
        self.run("SET ROLE millrace_writer")

    def notifier(self, topic: Any = "its own", clock: Any = None) -> Notifier:
        """As in a process."""

        def sent() -> None:
            self.sent += 1

        self.databases.append(Database(self, self.ca_file, self.stopping))
        return Notifier(
            self.databases[-1],
            self.topic if topic == "its own" else topic,
            Board(self.client),
            VOICE,
            stopping=self.stopping,
            due=lambda: True,
            sent=sent,
            **({"clock": clock} if clock else {}),
        )

    def candidates(self) -> Iterator[Credentials]:
        yield self.who

    def board(self, site: str) -> dict[str, Any]:
        """What Redis shows of a site: path → alarm."""
        found = self.client.hgetall(f"alarms:acme/{site}")
        shown = [json.loads(text) for text in found.values()]
        assert {str(one["number"]) for one in shown} == {number.decode() for number in found}
        return {one["path"]: one for one in shown}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Of a plan, all."""
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


@pytest.fixture
def plant(postgres: Any, redis: Any) -> Iterator[Plant]:
    made = Plant(postgres, redis)
    yield made
    made.stopping.set()
    for database in made.databases:
        database.close()
    made.connection.close()
    made.client.flushall()
    made.client.close()


def test_each_change_is_told_once_with_the_facts(plant: Plant) -> None:
    notifier = plant.notifier()
    plant.raise_(1)
    notifier.once()
    plant.clear(1, minute=26)
    notifier.once()
    notifier.once()

    assert plant.topic.subjects == [
        "RAISED: hot at m1/t 83.25 Cel (acme/lon1)",
        "CLEARED: hot at m1/t (acme/lon1)",
    ]
    body = plant.topic.taken[1].body
    assert "Allowed  at most 80 Cel" in body
    assert "Lasted   26 min" in body
    document = json.loads(plant.topic.taken[1].document)
    assert document["changes"] == ["hot 1 acme/lon1/d/e/f/m1/t 2026-03-01T12:00:00+00:00 cleared"]
    assert document["id"] == str(plant.topic.taken[1].id)
    assert plant.sent == 2
    assert notifier.age == 0


def test_history_is_told_to_nobody_and_stands_on_no_board(plant: Plant) -> None:
    plant.raise_(1, history=True)
    plant.clear(1, minute=5)
    plant.raise_(2, history=True)
    notifier = plant.notifier()
    notifier.once()
    assert plant.topic.taken == []
    assert notifier.standing == 0
    assert plant.board("lon1") == {}


def test_what_was_cleared_before_anybody_was_told_is_one_message(plant: Plant) -> None:
    plant.raise_(1)
    plant.clear(1, minute=3)
    plant.notifier().once()
    assert plant.topic.subjects == ["RAISED AND CLEARED: hot at m1/t (acme/lon1)"]
    assert len(json.loads(plant.topic.taken[0].document)["changes"]) == 2


def test_a_kill_between_sending_and_marking_sends_the_same_words_once_more(plant: Plant) -> None:
    plant.raise_(1)

    def die(notice: Notice) -> None:
        plant.topic.after = lambda notice: None
        raise Killed

    plant.topic.after = die
    with pytest.raises(Killed):
        plant.notifier().once()
    for _ in range(3):
        plant.notifier().once()

    first, second = plant.topic.taken
    assert first == second
    assert plant.one("SELECT attempts FROM alarm_notice") == 2


def test_a_kill_before_sending_loses_nothing(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant.raise_(1)

    def die(*_: object) -> bool:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(outbox, "claim", die)
        plant.notifier().once()
    plant.notifier().once()
    assert len(plant.topic.taken) == 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_killed_at_random_moments_each_message_is_sent_and_copies_are_what_the_kills_explain(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    deadly = [False]

    def perilous(step: Any) -> Any:
        """Killed before it, or after it, or not at all."""

        def done(*given: Any) -> Any:
            if deadly[0] and chance.random() < 0.08:
                raise Killed
            result = step(*given)
            if deadly[0] and chance.random() < 0.08:
                raise Killed
            return result

        return done

    for name in ("compose", "claim", "mark_sent", "unsent"):
        monkeypatch.setattr(outbox, name, perilous(getattr(outbox, name)))
    monkeypatch.setattr(plant.topic, "publish", perilous(plant.topic.publish))
    kills = 0
    for step in range(40):
        for point in chance.sample(range(1, 9), 2):
            stands = "SELECT count(*) FROM alarm_event WHERE point = %s AND ended_at IS NULL"
            if plant.one(stands, point):
                plant.clear(point, minute=20 * step)
            else:
                plant.raise_(point, minute=20 * step)
        if step % 4 == 3:
            plant.later(minutes=11)
        deadly[0] = True
        try:
            plant.notifier().once()
        except Killed:
            kills += 1
    deadly[0] = False
    plant.later(minutes=11)
    plant.notifier().once()

    copies = Counter(notice.id for notice in plant.topic.taken)
    written = plant.run("SELECT id, attempts, sent_at IS NOT NULL FROM alarm_notice").fetchall()
    assert kills > 5
    assert {notice for notice, _, _ in written} == set(copies)
    assert all(sent and copies[notice] <= attempts for notice, attempts, sent in written)
    assert sum(copies.values()) - len(copies) <= kills
    assert len(set(plant.topic.taken)) == len(copies)  # a copy is word for word the same
    assert plant.one("SELECT count(*) FROM alarm_change WHERE notice IS NULL AND outcome <> 'quiet'") == 0
    events = plant.one("SELECT count(*) + count(ended_at) FROM alarm_event")
    assert plant.one("SELECT count(*) FROM alarm_change WHERE settled_at IS NOT NULL") == events


def test_a_processor_that_is_told_to_stop_marks_what_it_sends_and_sends_no_more(plant: Plant) -> None:
    for point in range(1, 6):
        plant.raise_(point)
    notifier = plant.notifier()
    plant.topic.after = lambda notice: plant.stopping.set()
    notifier.start()
    notifier.wake()
    assert plant.stopping.wait(30)
    notifier.close(30)
    assert plant.one("SELECT sum(attempts) FROM alarm_notice") == 1
    assert plant.one("SELECT count(*) FROM alarm_notice WHERE sent_at IS NOT NULL") == 1

    plant.stopping.clear()
    plant.topic.after = lambda notice: None
    plant.notifier().once()
    assert len(set(plant.topic.subjects)) == len(plant.topic.subjects) == 5


def test_a_database_that_goes_between_sending_and_marking_costs_no_second_copy(plant: Plant) -> None:
    plant.raise_(1)

    plant.topic.after = lambda notice: plant.end_sessions()
    plant.notifier().once()
    assert len(plant.topic.taken) == 1
    assert plant.one("SELECT count(*) FROM alarm_notice WHERE sent_at IS NULL") == 0


def test_two_notifiers_at_once_tell_each_change_once(plant: Plant) -> None:
    notifiers = [plant.notifier() for _ in range(3)]
    done = threading.Event()

    def work(notifier: Notifier) -> None:
        while not done.is_set():
            notifier.once()

    threads = [threading.Thread(target=work, args=(notifier,)) for notifier in notifiers]
    for thread in threads:
        thread.start()
    for point in range(1, 9):
        plant.raise_(point)
    while (
        plant.one("SELECT count(*) FROM alarm_notice WHERE sent_at IS NOT NULL") < 8 and threads[0].is_alive()
    ):
        threads[0].join(0.02)
    done.set()
    for thread in threads:
        thread.join(20)
    assert sorted(plant.topic.subjects) == [
        f"RAISED: hot at m{point}/t 83.25 Cel (acme/lon1)" for point in range(1, 9)
    ]


def test_one_that_holds_the_lock_and_stands_still_keeps_the_others_quiet(plant: Plant) -> None:
    plant.raise_(1)
    with connect(plant.who, plant.ca_file) as zombie:
        assert outbox.take(zombie)
        other = plant.notifier()
        other.once()
        assert plant.topic.taken == []
        assert other.standing is None  # it has not looked
        outbox.free(zombie)
    other.once()
    assert len(plant.topic.taken) == 1


def test_a_zombie_that_wakes_amid_sending_has_sent_one_copy_and_does_nothing_more(plant: Plant) -> None:
    plant.raise_(1)
    zombie, other = plant.notifier(), plant.notifier()

    def sleep(notice: Notice) -> None:
        """The server ends its session, and another process takes over, tells, and hears of the next alarm."""
        plant.topic.after = lambda notice: None
        plant.end_sessions()
        other.once()
        plant.raise_(2)
        other.once()

    plant.topic.after = sleep
    zombie.once()
    plant.notifier().once()
    assert plant.topic.subjects == [
        "RAISED: hot at m1/t 83.25 Cel (acme/lon1)",
        "RAISED: hot at m1/t 83.25 Cel (acme/lon1)",
        "RAISED: hot at m2/t 83.25 Cel (acme/lon1)",
    ]
    assert plant.topic.taken[0] == plant.topic.taken[1]
    assert plant.run("SELECT attempts FROM alarm_notice ORDER BY place").fetchall() == [(2,), (1,)]


def test_what_comes_while_sns_is_away_is_told_together_when_it_is_back(plant: Plant) -> None:
    now = [0.0]
    notifier = plant.notifier(clock=lambda: now[0])
    plant.topic.away = True
    plant.raise_(1)
    notifier.once()
    assert str(notifier.away).startswith("EndpointConnectionError")
    plant.clear(1, minute=2)
    plant.raise_(2, minute=3)
    plant.clear(2, minute=4)
    plant.later(minutes=3)
    notifier.once()  # too soon: not even asked
    assert plant.one("SELECT sum(attempts) FROM alarm_notice") == 1
    assert notifier.age is not None
    assert 170 < notifier.age < 200
    assert plant.board("lon1") == {}  # the rest goes on

    plant.topic.away = False
    now[0] = 61.0
    notifier.once()
    assert plant.topic.subjects == [
        "RAISED: hot at m1/t 83.25 Cel (acme/lon1)",
        "CLEARED: hot at m1/t (acme/lon1)",
        "RAISED AND CLEARED: hot at m2/t (acme/lon1)",
    ]
    assert not notifier.away
    assert notifier.age == 0


def test_a_message_that_sns_will_not_have_keeps_no_other(plant: Plant) -> None:
    notifier = plant.notifier()
    plant.topic.refuses = {"alarm"}
    plant.raise_(1)
    notifier.once()
    assert plant.one("SELECT refused FROM alarm_notice") == "InvalidParameter: not so"
    plant.topic.refuses = set()
    plant.raise_(2)
    notifier.once()
    assert plant.topic.subjects == ["RAISED: hot at m2/t 83.25 Cel (acme/lon1)"]
    plant.later(minutes=6)
    notifier.once()
    assert plant.topic.subjects[1:] == ["RAISED: hot at m1/t 83.25 Cel (acme/lon1)"]


def test_a_flood_of_a_thousand_is_a_few_messages_and_loses_nothing(plant: Plant) -> None:
    notifier = plant.notifier()
    plant.raise_(*range(1, 1001))
    plant.raise_(1001)  # at the other site, where all is quiet
    notifier.once()
    assert plant.topic.subjects == [
        "RAISED: hot at m1/t 83.25 Cel (acme/par1)",
        "FLOOD: 1000 raised, 0 cleared, 1000 stand at acme/lon1",
    ]
    assert "and 980 more rules and devices" in plant.topic.taken[1].body

    plant.clear(*range(1, 901), minute=1)
    notifier.once()
    notifier.once()
    assert len(plant.topic.taken) == 2  # nothing more within ten minutes
    plant.later(minutes=11)
    plant.clear(*range(901, 912), minute=2)
    notifier.once()
    assert plant.topic.subjects[2:] == ["FLOOD: 0 raised, 911 cleared, 89 stand at acme/lon1"]

    plant.later(minutes=11)
    plant.clear(912, minute=3)
    notifier.once()
    assert plant.topic.subjects[3:] == ["FLOOD OVER: 0 raised, 1 cleared, 88 stand at acme/lon1"]
    plant.clear(913, minute=4)
    notifier.once()
    assert plant.topic.subjects[4:] == ["CLEARED: hot at m913/t (acme/lon1)"]
    assert plant.one("SELECT count(*) FROM alarm_change WHERE notice IS NULL") == 0
    assert plant.one("SELECT count(*) FROM alarm_change") == 1001 + 913


def test_a_flood_that_is_settled_in_parts_is_told_of_whole(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "AT_ONCE", 50)
    plant.raise_(*range(1, 121))
    plant.notifier().once()
    assert plant.topic.subjects == ["FLOOD: 120 raised, 0 cleared, 120 stand at acme/lon1"]


def test_one_that_flaps_is_told_so_once_and_again_when_it_is_calm(plant: Plant) -> None:
    notifier = plant.notifier()
    began = datetime.now(UTC) - timedelta(minutes=30)
    minutes = (began - NOON).total_seconds() / 60
    for turn in range(12):
        plant.raise_(1, minute=minutes + turn)
        notifier.once()
        plant.clear(1, minute=minutes + turn + 0.5)
        plant.notifier().once()  # another process: what is known stands in the tables
    subjects = plant.topic.subjects
    assert len(subjects) == 7
    assert subjects[6] == "FLAPPING: hot at m1/t 83.25 Cel (acme/lon1)"
    assert "Raised 4 times since" in plant.topic.taken[6].body

    plant.run("UPDATE alarm_flapping SET last_at = last_at - interval '1 hour'")
    notifier.once()
    notifier.once()
    assert plant.topic.subjects[7:] == ["CALM: hot at m1/t (acme/lon1)"]
    assert "Raised 12 times from" in plant.topic.taken[7].body
    assert "it is cleared now" in plant.topic.taken[7].body
    plant.raise_(1, minute=minutes + 90)
    notifier.once()
    assert plant.topic.subjects[8:] == ["RAISED: hot at m1/t 83.25 Cel (acme/lon1)"]


def test_what_is_raised_anew_in_the_moment_of_its_end_stands_again_and_is_cleared_again(plant: Plant) -> None:
    notifier = plant.notifier()
    plant.raise_(1)
    plant.clear(1, minute=5)
    notifier.once()
    plant.run("UPDATE alarm_event SET ended_at = NULL")  # as raise_alarms does
    notifier.once()
    plant.clear(1, minute=9)
    notifier.once()
    assert plant.topic.subjects == [
        "RAISED AND CLEARED: hot at m1/t (acme/lon1)",
        "RAISED AGAIN: hot at m1/t 83.25 Cel (acme/lon1)",
        "CLEARED: hot at m1/t (acme/lon1)",
    ]


def test_what_was_of_history_and_is_of_today_is_told(plant: Plant) -> None:
    plant.raise_(1, history=True)
    notifier = plant.notifier()
    notifier.once()
    plant.run("UPDATE alarm_event SET history = false, ended_at = raised_at + interval '1 h'")
    notifier.once()
    assert plant.topic.subjects == ["RAISED AND CLEARED: hot at m1/t (acme/lon1)"]


def test_a_rule_that_was_changed_clears_what_it_raised(plant: Plant) -> None:
    notifier = plant.notifier()
    plant.raise_(1)
    notifier.once()
    plant.change_rule()
    notifier.once()
    notifier.once()
    assert plant.topic.subjects[1:] == ["CLEARED: hot at m1/t (acme/lon1)"]
    assert "as its rule was changed" in plant.topic.taken[1].body
    assert notifier.standing == 0


def test_what_ended_with_its_rule_is_not_told_again_when_its_records_are_read_late(plant: Plant) -> None:
    notifier = plant.notifier()
    plant.raise_(1)
    plant.raise_(2)
    plant.change_rule("'2026-03-01 12:30Z'")
    notifier.once()
    assert plant.topic.subjects == [f"RAISED AND CLEARED: hot at m{n}/t (acme/lon1)" for n in (1, 2)]

    # When readings that reached the stream before the change clear them, by whatever clock
    plant.clear(1, minute=20)
    plant.clear(2, minute=40)
    plant.run("UPDATE alarm_event SET ended_at = NULL WHERE point = 1")  # as raise_alarms does
    plant.clear(1, minute=25)
    notifier.once()

    # Then it is written down, and nobody is told
    assert len(plant.topic.taken) == 2
    assert plant.one("SELECT count(*) FROM alarm_change WHERE change <> 'raised'") == 2
    said = "SELECT extract(minute FROM ended_at)::int FROM alarm_event ORDER BY point"
    assert plant.run(said).fetchall() == [(25,), (40,)]


def test_what_a_batch_holds_is_ended_with_its_rule_the_next_time(plant: Plant) -> None:
    notifier = plant.notifier()
    plant.raise_(1)
    plant.raise_(2)
    plant.change_rule()
    with connect(plant.who, plant.ca_file) as other, other.transaction(force_rollback=True):
        other.execute("UPDATE alarm_event SET ended_at = now() WHERE point = 1")
        notifier.once()
    assert sorted(plant.topic.subjects) == [
        "RAISED AND CLEARED: hot at m2/t (acme/lon1)",
        "RAISED: hot at m1/t (acme/lon1)",
    ]
    notifier.once()
    assert plant.topic.subjects[2:] == ["CLEARED: hot at m1/t (acme/lon1)"]


def test_what_is_over_or_told_is_read_no_more(plant: Plant) -> None:
    # Given history that ends hot, alarms that ended with their rule in a flood, and messages of last month
    plant.raise_(*range(1, 1001), rule=2, history=True)
    plant.raise_(*range(1, 1001))
    plant.change_rule()
    plant.notifier().once()
    plant.run(
        "INSERT INTO alarm_notice (id, kind, site, subject, body, document, composed_at, oldest_at, sent_at)"
        " SELECT gen_random_uuid(), 'alarm', 'acme/lon1', 's', 'b', '{}', t, t, t"
        " FROM (SELECT now() - interval '30 d') AS _ (t), generate_series(1, 1000)"
    )
    plant.run("RESET ROLE")
    for table in ("alarm_event", "alarm_change", "alarm_notice"):
        plant.run(f"VACUUM ANALYZE {table}")
    plant.run("SET ROLE millrace_writer")

    # Then no round reads them
    now = datetime.now(UTC)
    site = {"site": "acme/lon1"}
    stands = {"now": now, "site": None}
    assert plant.read("end_with_rules", "alarm_event", now=now) == 0
    assert plant.read("count_standing", "alarm_event", **stands) == 0
    assert plant.read("standing_alarms", "alarm_event", most=9, **stands) == 0
    assert plant.read("held_of_site", "alarm_change", **site) == 0
    assert plant.read("tell_held", "alarm_change", notice=None, **site) == 0
    assert plant.read("told_by_site", "alarm_notice", since=now - timedelta(minutes=10)) <= 1


def test_what_two_versions_raise_since_one_moment_is_two_alarms(plant: Plant) -> None:
    notifier = plant.notifier()
    plant.raise_(1)
    plant.change_rule()
    notifier.once()
    plant.raise_(1, version=2)
    notifier.once()
    assert plant.topic.subjects == [
        "RAISED AND CLEARED: hot at m1/t (acme/lon1)",
        "RAISED: hot at m1/t 83.25 Cel (acme/lon1)",
    ]
    assert notifier.standing == 1
    identities = [one for told in plant.topic.taken for one in json.loads(told.document)["changes"]]
    assert len(set(identities)) == 3  # whoever drops what it has had drops none of them

    # And each is taken on by its own number
    number = plant.one("SELECT number FROM alarms WHERE version = 2")
    plant.run("SELECT acknowledge_alarm(%s, 'bert')", number)
    assert plant.run("SELECT version FROM alarm_event WHERE acknowledged_by = 'bert'").fetchall() == [(2,)]


def test_without_a_topic_nobody_is_told_and_nothing_waits_for_one(plant: Plant) -> None:
    plant.raise_(1)
    notifier = plant.notifier(topic=None)
    notifier.once()
    assert (notifier.standing, notifier.age) == (1, 0)
    plant.notifier().once()
    assert plant.topic.taken == []
    plant.clear(1, minute=9)
    plant.notifier().once()
    assert plant.topic.subjects == ["CLEARED: hot at m1/t (acme/lon1)"]


def test_the_board_is_rebuilt_after_a_flush_and_an_outage(plant: Plant) -> None:
    notifier = plant.notifier()
    plant.raise_(1)
    plant.raise_(2)
    plant.raise_(1001)
    notifier.once()
    assert set(plant.board("lon1")) == {"acme/lon1/d/e/f/m1/t", "acme/lon1/d/e/f/m2/t"}
    assert plant.board("par1")["acme/par1/d/e/f/m1/t"]["since"] == NOON.timestamp() * 1000

    plant.client.flushall()
    plant.clear(2, minute=1)
    notifier.once()  # the site that changed; the other one some seconds later
    assert set(plant.board("lon1")) == {"acme/lon1/d/e/f/m1/t"}
    plant.clear(1, minute=1)
    plant.clear(1001, minute=1)
    plant.notifier().once()
    assert plant.board("lon1") == plant.board("par1") == {}
    as_of = plant.client.hgetall("alarms:written")
    assert set(as_of) == {b"acme/lon1", b"acme/par1"}


def test_the_trigger_notes_what_the_rollback_takes_back_no_more(plant: Plant) -> None:
    with plant.connection.transaction(force_rollback=True):
        plant.raise_(1)
    plant.notifier().once()
    assert plant.one("SELECT count(*) FROM alarm_change") == 0


def test_an_alarm_is_taken_on_once_by_number_or_by_rule_and_path(plant: Plant) -> None:
    notifier = plant.notifier()
    plant.raise_(1)
    plant.raise_(2)
    notifier.once()
    number = plant.one("SELECT number FROM alarms WHERE point = 1")
    with connect(plant.who, plant.ca_file) as connection:

        def ask(request: Request) -> list[str]:
            return list(handling.lines(connection, request))

        assert ask(Acknowledge(number, None, None, "shift-2")) == [
            f"alarm {number} (hot at acme/lon1/d/e/f/m1/t) is acknowledged by shift-2"
        ]
        with pytest.raises(handling.HandlingError, match="is acknowledged already, by shift-2 at"):
            ask(Acknowledge(number, None, None, "bert"))
        ask(Acknowledge(None, "hot", "acme/lon1/d/e/f/m2/t", "bert"))
        with pytest.raises(handling.HandlingError, match="there is no alarm 4711: its number stands in"):
            ask(Acknowledge(4711, None, None, "shift-2"))
        with pytest.raises(handling.HandlingError, match="no alarm of rule 'hot' stands at 'a'"):
            ask(Acknowledge(None, "hot", "a", "shift-2"))
        plant.clear(1, minute=8)
        with pytest.raises(handling.HandlingError, match="was cleared at 2026-03-01T12:08:00Z"):
            ask(Acknowledge(number, None, None, "shift-2"))

        (line,) = ask(List(standing=True, path=None, rule=None, most=9))
        assert "hot  acme/lon1/d/e/f/m2/t  value 83.25 Cel  since 2026-03-01T12:00:00+00:00" in line
        assert line.endswith("by bert")
        assert len(ask(List(standing=False, path="acme/lon1/*/*/*/*/*", rule="hot", most=9))) == 2
        assert ask(List(standing=False, path=None, rule="odd", most=9)) == ["no alarm was raised"]

    notifier.once()
    assert plant.topic.subjects[2:] == [
        "CLEARED: hot at m1/t (acme/lon1)",
        "TAKEN ON: hot at m2/t 83.25 Cel (acme/lon1)",
    ]
    assert "Taken on" in plant.topic.taken[3].body
    assert plant.board("lon1")["acme/lon1/d/e/f/m2/t"]["acknowledged_by"] == "bert"


def test_who_takes_an_alarm_on_and_does_not_commit_keeps_no_batch_waiting(plant: Plant) -> None:
    plant.raise_(1)
    number = plant.one("SELECT number FROM alarms")
    with connect(plant.who, plant.ca_file) as person:
        person.autocommit = False
        person.execute("SELECT millrace.acknowledge_alarm(%s)", (number,))
        plant.run("SET statement_timeout = '30s'")
        plant.clear(1, minute=5)  # waits until the server has ended the other session
        with pytest.raises((TransactionTimeout, IdleInTransactionSessionTimeout)):
            person.execute("SELECT 1")
    assert plant.run("SELECT acknowledged_by, ended_at IS NULL FROM alarm_event").fetchall() == [
        (None, False)
    ]


def test_a_session_that_has_taken_an_alarm_on_is_as_it_was(plant: Plant) -> None:
    plant.raise_(1)
    names = "('idle_in_transaction_session_timeout', 'transaction_timeout')"
    said = f"SELECT name, setting FROM pg_settings WHERE name IN {names} ORDER BY name"
    before = plant.run(said).fetchall()
    with plant.connection.transaction():
        plant.run("SELECT acknowledge_alarm(number) FROM alarms")
        assert [setting for _, setting in plant.run(said).fetchall()] == ["5000"] * len(before)
    assert plant.run(said).fetchall() == before


def test_a_person_s_login_takes_alarms_on_in_its_own_name_and_may_do_nothing_else(
    plant: Plant, postgres: Any
) -> None:
    plant.raise_(1)
    person = f"anna_{plant.who.dbname}"
    with postgres.operator(plant.who.dbname) as master:
        master.execute(f"CREATE ROLE {person} LOGIN IN ROLE millrace_reader")
        master.execute("SET SESSION AUTHORIZATION millrace_master")  # no superuser
        master.execute(f"GRANT EXECUTE ON FUNCTION millrace.acknowledge_alarm(bigint, text) TO {person}")
    try:
        with postgres.operator(plant.who.dbname) as theirs:
            theirs.execute(f"SET SESSION AUTHORIZATION {person}")
            number = theirs.execute("SELECT number FROM millrace.alarms").fetchone()[0]
            with pytest.raises(psycopg.errors.InvalidParameterValue, match="leave the name out"):
                theirs.execute("SELECT millrace.acknowledge_alarm(%s, 'bert')", (number,))
            theirs.execute("SELECT millrace.acknowledge_alarm(%s)", (number,))
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                theirs.execute("UPDATE millrace.alarm_event SET acknowledged_by = NULL")
        assert plant.one("SELECT acknowledged_by FROM alarm_event") == person
    finally:
        with postgres.operator(plant.who.dbname) as master:
            master.execute(f"REVOKE ALL ON FUNCTION millrace.acknowledge_alarm(bigint, text) FROM {person}")
            master.execute(f"DROP ROLE {person}")
