"""What becomes of changes: each told once, none too often, and nothing forgotten."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from processor.alarms.changes import HOUR, Alarm, Change, Flapping, Pending
from processor.alarms.telling import (
    CALM_CHANGES,
    MOST_MESSAGES,
    MOST_RAISES,
    WINDOW,
    Kind,
    Known,
    Plan,
    Raises,
    plan,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOTHING = Known(flapping={}, calm=(), told={}, flooded=frozenset())
LIMIT = '{"kind":"limit","high":80}'


def alarm(point: int, since: datetime = NOON, site: str = "lon1", rule: int = 1) -> Alarm:
    path = f"acme/{site}/d/e/f/m{point}/t"
    return Alarm(point, rule, "hot", 1, LIMIT, point, path, "Cel", since, since, None, False, 83.0, 83.0)


def raised(point: int, at: datetime = NOON, before: tuple[datetime, ...] = (), site: str = "lon1") -> Pending:
    one = alarm(point, at, site)
    return Pending(one, (Change(point, "raised", at, at, at, 1),), (*before, at))


def cleared(point: int, at: datetime = NOON) -> Pending:
    one = replace(alarm(point), cleared_at=at)
    return Pending(one, (Change(1000 + point, "cleared", at, at, NOON, 1),), ())


def every(minutes: float, count: int) -> tuple[datetime, ...]:
    return tuple(NOON - timedelta(minutes=minutes * (count - n)) for n in range(count))


def test_ten_are_told_one_by_one_and_eleven_are_a_flood() -> None:
    ten = [raised(point) for point in range(10)]
    made = plan(ten, NOTHING)
    assert [message.alarm for message in made.messages] == [one.alarm for one in ten]
    assert (made.held, made.floods) == ([], [])

    made = plan([*ten, cleared(99)], NOTHING)
    assert (made.messages, made.floods) == ([], ["acme/lon1"])
    assert len(made.held) == 11


def test_what_was_told_within_ten_minutes_counts_and_other_sites_do_not() -> None:
    known = replace(NOTHING, told={"acme/lon1": 9, "acme/par1": 10})
    assert plan([raised(1)], known).floods == []
    made = plan([raised(1), raised(2), raised(3, site="ber1")], known)
    assert made.floods == ["acme/lon1"]
    assert [message.alarm.point for message in made.messages] == [3]


def test_in_a_flood_all_is_held_until_its_next_message() -> None:
    made = plan([raised(1), cleared(2)], replace(NOTHING, flooded=frozenset({"acme/lon1"})))
    assert (len(made.held), made.messages, made.floods) == (2, [], [])


def test_more_than_three_raises_within_an_hour_flap() -> None:
    third = raised(1, before=every(20, 2))
    assert [message.kind for message in plan([third], NOTHING).messages] == [Kind.ALARM]

    made = plan([raised(1, before=every(19, 3))], NOTHING)
    (message,) = made.messages
    assert (message.kind, message.raises, message.since) == (Kind.FLAPPING, 4, every(19, 3)[0])
    assert made.flapping == [Raises(message.alarm, every(19, 3)[0], 4, NOON)]


def test_what_flaps_is_quiet_until_it_was_not_raised_for_an_hour() -> None:
    known = replace(NOTHING, flapping={(1, 1): NOON - timedelta(minutes=59)})
    made = plan([raised(1), cleared(1)], known)
    assert made.messages == []
    assert [change.what for change in made.quiet] == ["raised", "cleared"]
    assert [(one.count, one.last_at) for one in made.flapping] == [(1, NOON)]

    # Calm meanwhile, with nobody looking
    known = replace(NOTHING, flapping={(1, 1): NOON - timedelta(minutes=61)})
    known = replace(known, calm=[Flapping(alarm(1), NOON, 5)])
    made = plan([raised(1)], known)
    assert [message.kind for message in made.messages] == [Kind.ALARM]
    assert [one.subject for one in made.calmed] == [(1, 1)]


def test_calm_is_told_once_but_not_while_a_flood_lasts() -> None:
    known = replace(NOTHING, calm=[Flapping(alarm(1), NOON, 5)])
    made = plan([], known)
    assert [(message.kind, message.raises) for message in made.messages] == [(Kind.CALM, 5)]
    assert [one.subject for one in made.calmed] == [(1, 1)]

    made = plan([], replace(known, flooded=frozenset({"acme/lon1"})))
    assert (made.messages, made.calmed) == ([], [])


def test_that_many_are_calm_is_no_flood() -> None:
    known = replace(NOTHING, calm=[Flapping(alarm(point), NOON, 5) for point in range(30)])
    made = plan([raised(99)], known)
    assert Counter(message.kind for message in made.messages) == {Kind.ALARM: 1, Kind.CALM: 9}
    assert len(made.calmed) == 9
    assert made.floods == []
    full = replace(known, told={"acme/lon1": MOST_MESSAGES})
    assert plan([], full) == Plan()


class Tables:
    """What PostgreSQL keeps, in little: each round is a transaction."""

    def __init__(self) -> None:
        self.told: list[tuple[datetime, Kind]] = []
        self.settled: Counter[int] = Counter()
        self.held: list[datetime] = []
        self.flapping: dict[tuple[int, int], tuple[datetime, datetime, int]] = {}
        self.said_to_flap: set[tuple[int, int]] = set()
        self.flood: tuple[datetime, datetime] | None = None
        self.alarms: dict[tuple[int, int], Alarm] = {}

    def round(self, now: datetime, pending: list[Pending]) -> None:
        self.alarms |= {one.alarm.subject: one.alarm for one in pending}
        calm = [
            Flapping(self.alarms[subject], since, raises)
            for subject, (since, last_at, raises) in self.flapping.items()
            if last_at <= now - HOUR
        ]
        told = sum(at > now - WINDOW and kind in SINGLE for at, kind in self.told)
        flooded = frozenset({"acme/lon1"}) if self.flood else frozenset[str]()
        last = {subject: row[1] for subject, row in self.flapping.items()}
        made = plan(pending, Known(last, calm, {"acme/lon1": told}, flooded))
        self._check(made)
        changes = [change for message in made.messages for change in message.changes]
        self.settled.update(change.id for change in [*changes, *made.held, *made.quiet])
        self.held += [now for _ in made.held]
        self.told += [(now, message.kind) for message in made.messages]
        for one in made.calmed:
            del self.flapping[one.subject]
        for more in made.flapping:
            since, last_at, raises = self.flapping.get(more.alarm.subject, (more.since, more.last_at, 0))
            row = since, max(last_at, more.last_at), raises + more.count
            self.flapping[more.alarm.subject] = row
        if made.floods:
            self.flood = now, now - WINDOW
        if self.flood is not None and self.flood[1] <= now - WINDOW:
            since = self.flood[0]
            over = since != now and sum(at > now - WINDOW for at in self.held) < CALM_CHANGES
            self.told.append((now, Kind.FLOOD_OVER if over else Kind.FLOOD))
            self.flood = None if over else (since, now)

    def _check(self, made: Plan) -> None:
        begun = {message.alarm.subject for message in made.messages if message.kind is Kind.FLAPPING}
        self.said_to_flap |= begun
        # Nobody is kept quiet who was not told of it.
        assert {more.alarm.subject for more in made.flapping} <= self.said_to_flap


SINGLE = {Kind.ALARM, Kind.FLAPPING, Kind.CALM}


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 400), st.lists(st.integers(0, 25), max_size=25, unique=True)),
        min_size=1,
        max_size=25,
    )
)
def test_each_change_is_settled_once_and_no_ten_minutes_have_too_many_messages(
    steps: list[tuple[int, list[int]]],
) -> None:
    tables, now, number = Tables(), NOON, 0
    standing: dict[int, Alarm] = {}
    raises: dict[int, list[datetime]] = {}
    for seconds, points in steps:
        now += timedelta(seconds=seconds + 1)
        pending = []
        for point in points:
            number += 1
            if point in standing:
                one = replace(standing.pop(point), cleared_at=now)
                pending.append(Pending(one, (Change(number, "cleared", now, now, one.since, 1),), ()))
                continue
            standing[point] = one = alarm(point, now)
            raises.setdefault(point, []).append(now)
            within = tuple(at for at in raises[point] if at > now - HOUR)
            pending.append(Pending(one, (Change(number, "raised", now, now, now, 1),), within))
        tables.round(now, pending)
    assert tables.settled == Counter(range(1, number + 1))
    moments = sorted({at for at, _ in tables.told})
    for end in moments:
        kinds = Counter(kind for at, kind in tables.told if end - WINDOW < at <= end)
        assert sum(kinds[kind] for kind in SINGLE) <= MOST_MESSAGES
        assert kinds[Kind.FLOOD] + kinds[Kind.FLOOD_OVER] <= 2


def test_the_figures_are_the_standard_s() -> None:
    assert (10, 5, timedelta(minutes=10)) == (MOST_MESSAGES, CALM_CHANGES, WINDOW)
    assert MOST_RAISES == 3
