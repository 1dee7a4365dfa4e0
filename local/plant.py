"""A simulated plant: machines read in turn, and gateways that now and then send an envelope twice."""

from collections import deque
from collections.abc import Callable, Iterator

from local.machine import Machine
from local.reading import MOST_READINGS, Envelope, Reading

SEED = 1
TICK_SECONDS = 0.1
RESENT_EVERY = 60  # of this many envelopes one's acknowledgement is lost, and its gateway sends it again


class Plant:
    """`machines` machines that together make `rate` readings a second, from `started_ms` (epoch) on.

    A reading's time is the moment it is due: a late tick changes when readings are sent, not what they say.
    """

    def __init__(self, machines: int, rate: float, started_ms: int, seed: int = SEED) -> None:
        self._machines = [Machine(index, seed) for index in range(machines)]
        self._rate = rate
        self._started_ms = started_ms
        self._taken = 0
        self._scans = 0
        self._scanned: deque[Reading] = deque()
        self._made = 0
        self._lost: deque[Envelope] = deque()  # lost acknowledgements

    def take(self, readings: int) -> list[Envelope]:
        """The next `readings` readings, those that are sent again included, in each device's order."""
        wanted = self._taken + readings
        envelopes = []
        while self._lost and len(self._lost[0].readings) <= wanted - self._taken:
            envelopes.append(self._lost.popleft())
            self._taken += len(envelopes[-1].readings)
        fresh: dict[str, Envelope] = {}
        while self._taken < wanted:
            machine = self._scanning()
            envelope = fresh.get(machine.device)
            if envelope is None or len(envelope.readings) == MOST_READINGS:
                envelope = fresh[machine.device] = self._open(machine)
                envelopes.append(envelope)
            envelope.readings.append(self._scanned.popleft())
            self._taken += 1
        return envelopes

    def _scanning(self) -> Machine:
        """The machine whose readings are next."""
        if not self._scanned:
            self._scans += 1
            machine = self._machines[self._scans % len(self._machines)]
            self._scanned.extend(machine.scan(self._taken / self._rate, self._started_ms))
        return self._machines[self._scans % len(self._machines)]

    def _open(self, machine: Machine) -> Envelope:
        envelope = Envelope(machine.device, machine.gateway, [])
        self._made += 1
        if self._made % RESENT_EVERY == 0:
            self._lost.append(envelope)
        return envelope


def paced(
    plant: Plant, rate: float, seconds: float, clock: Callable[[], float], wait: Callable[[float], bool]
) -> Iterator[list[Envelope]]:
    """The plant's envelopes as they fall due, until rate × seconds readings are out.

    The schedule is counted from the start, not from the tick before, so it does not drift. `wait(seconds)`
    sleeps and says whether to stop.
    """
    total = max(1, round(rate * seconds))
    started, taken, tick = clock(), 0, 0
    while taken < total:
        tick += 1
        if wait(max(0.0, started + tick * TICK_SECONDS - clock())):
            return
        passed = clock() - started
        due = total if passed >= seconds else min(total, int(rate * passed))  # one is due, however slow
        if due > taken:
            yield plant.take(due - taken)
            taken = due
