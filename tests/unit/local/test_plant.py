import math
from itertools import pairwise

from local.machine import CLOCK_AHEAD_MS, METRICS, Ailment, Machine
from local.plant import RESENT_EVERY, TICK_SECONDS, Plant, paced
from local.reading import BAD, MOST_READINGS, UNCERTAIN, Reading

START_MS = 1_763_897_519_000


def run(machines: int, rate: float, seconds: float) -> list[Reading]:
    plant = Plant(machines, rate, START_MS)
    ticks = [plant.take(round(rate / 10)) for _ in range(round(seconds * 10))]
    return [reading for tick in ticks for envelope in tick for reading in envelope.readings]


def test_the_same_seed_tells_the_same_story() -> None:
    assert repr(run(5, 400, 3)) == repr(run(5, 400, 3))


def test_it_takes_exactly_what_is_asked_for_resent_readings_included() -> None:
    plant = Plant(3, 500, START_MS)

    taken = [sum(len(e.readings) for e in plant.take(n)) for n in (1, 7, 0, 333, 5000, 50)]

    assert taken == [1, 7, 0, 333, 5000, 50]


def test_envelopes_hold_one_device_and_at_most_what_the_contract_allows() -> None:
    envelopes = Plant(2, 50_000, START_MS).take(5000)

    assert max(len(e.readings) for e in envelopes) == MOST_READINGS
    assert all(r.path.startswith(e.device + "/") for e in envelopes for r in e.readings)


def test_a_gateway_sends_an_envelope_again_whose_acknowledgement_was_lost() -> None:
    plant = Plant(1, 100, START_MS)
    envelopes = [plant.take(10)[0] for _ in range(RESENT_EVERY + 5)]

    again = [index for index, envelope in enumerate(envelopes) if envelope in envelopes[:index]]

    assert len(again) == 1


def test_each_device_counts_its_readings() -> None:
    readings = run(4, 800, 2)
    unique = {(r.path.rsplit("/", 1)[0], r.seq) for r in readings}
    of_one = sorted({r.seq for r in readings if "/m002/" in r.path if r.seq is not None})

    assert len(unique) > 1500
    assert of_one == list(range(1, len(of_one) + 1))


def test_every_ailment_shows_in_a_fleet_of_five() -> None:
    readings = run(5, 2000, 30)

    assert any(isinstance(r.value, float) and math.isnan(r.value) and r.q == BAD for r in readings)
    assert any(r.q == UNCERTAIN for r in readings)
    assert any(r.micros >= (START_MS + CLOCK_AHEAD_MS) * 1000 for r in readings)
    assert {r.value for r in readings if r.path.endswith("/m001/state")} == {"RUNNING", "WARNING", "TRIPPED"}


def test_a_clock_ahead_is_rare() -> None:
    readings = run(20, 2000, 30)
    ahead = sum(r.micros >= (START_MS + CLOCK_AHEAD_MS) * 1000 for r in readings)

    assert 0 < ahead < len(readings) / 100


def test_the_nights_are_cooler() -> None:
    machine = Machine(list(Ailment).index(Ailment.NONE), seed=1)
    midnight = START_MS // 86_400_000 * 86_400_000

    temperatures = [machine.scan(0, midnight + hour * 3_600_000)[4].value for hour in (0, 12)]

    assert isinstance(temperatures[0], float)
    assert isinstance(temperatures[1], float)
    assert temperatures[1] - temperatures[0] > 2


def test_a_scan_reads_every_metric_once() -> None:
    scan = Machine(0, seed=1).scan(0, START_MS)

    assert len({reading.path for reading in scan}) == len(scan) == METRICS


class Clock:
    """Time that passes when one waits, and a little more."""

    def __init__(self, late: float = 0.0) -> None:
        self.now = 100.0
        self.late = late
        self.waits: list[float] = []

    def read(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.now += seconds + self.late
        return False


def test_the_rate_is_held_though_each_tick_is_late() -> None:
    clock = Clock(late=0.013)

    ticks = [
        (clock.now, sum(len(e.readings) for e in batch))
        for batch in paced(Plant(3, 1000, START_MS), 1000, 5, clock.read, clock.wait)
    ]

    assert sum(taken for _, taken in ticks) == 5000
    assert 105 <= ticks[-1][0] < 105 + 2 * TICK_SECONDS
    assert all(later - earlier < 1.2 * TICK_SECONDS for (earlier, _), (later, _) in pairwise(ticks))


def test_a_low_rate_and_a_short_time_still_send_something() -> None:
    clock = Clock()

    batches = list(paced(Plant(1, 0.5, START_MS), 0.5, 1, clock.read, clock.wait))

    assert [len(e.readings) for batch in batches for e in batch] == [1]


def test_a_plant_that_is_too_slow_for_its_time_does_not_outlast_it() -> None:
    clock = Clock()

    batches = list(paced(Plant(1, 0.001, START_MS), 0.001, 2, clock.read, clock.wait))

    assert sum(len(envelope.readings) for batch in batches for envelope in batch) == 1
    assert clock.read() <= 102 + 2 * TICK_SECONDS


def test_it_stops_when_told() -> None:
    assert list(paced(Plant(1, 100, START_MS), 100, 10, lambda: 0.0, lambda _: True)) == []
