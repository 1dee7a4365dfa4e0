from typing import TYPE_CHECKING, Any, cast

from local.ledger import Ledger
from local.producer import MOST_RECORDS, Producer, calls
from local.reading import Envelope, Reading

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient


class Stream:
    """Takes records; refuses those whose turn `refusals` says, by the count of records offered so far."""

    def __init__(self, refusals: set[int] | None = None, broken: bool = False) -> None:
        self.refusals = refusals or set()
        self.broken = broken
        self.offered = 0
        self.taken: list[str] = []

    def put_records(self, StreamName: str, Records: list[dict[str, Any]]) -> dict[str, Any]:
        if self.broken:
            raise ConnectionError("gone")
        answers = []
        for record in Records:
            self.offered += 1
            if self.offered in self.refusals:
                answers.append({"ErrorCode": "ProvisionedThroughputExceededException"})
            else:
                self.taken.append(record["PartitionKey"])
                answers.append({"ShardId": "s", "SequenceNumber": str(len(self.taken))})
        return {"Records": answers}


def envelope(device: str, readings: int = 1) -> Envelope:
    return Envelope(device, "gw", [Reading(f"{device}/m", n, 1.0) for n in range(readings)])


def produce(
    stream: Stream, batches: list[list[Envelope]], stop: bool = False
) -> tuple[Producer, Ledger, list[float]]:
    ledger, pauses = Ledger(), []

    def wait(seconds: float) -> bool:
        pauses.append(seconds)
        return stop

    producer = Producer(cast("KinesisClient", stream), "readings", batches, ledger, wait)
    producer.start()
    producer.join(10)
    assert not producer.running
    return producer, ledger, pauses


def test_a_long_path_has_a_key_that_the_stream_takes() -> None:
    stream = Stream()
    devices = ["/".join(["x" * 64] * 5 + [last * 64]) for last in "ab"]
    produce(stream, [[envelope(device) for device in devices]])

    assert [len(key) for key in stream.taken] == [256, 256]
    assert len(set(stream.taken)) == 2


def test_what_is_taken_is_entered_in_the_ledger() -> None:
    producer, ledger, _ = produce(Stream(), [[envelope("a", 2), envelope("b", 3)], [envelope("a", 4)]])

    assert producer.error is None
    assert ledger.sent == 9
    assert list(ledger.spans()) == [("s", 1), ("s", 2), ("s", 3)]


def test_what_is_refused_is_put_again_before_anything_later() -> None:
    stream = Stream(refusals={1, 4, 5})

    producer, ledger, pauses = produce(
        stream, [[envelope("a"), envelope("b"), envelope("c")], [envelope("d")]]
    )

    assert stream.taken == ["b", "c", "a", "d"]
    assert (producer.refused, ledger.sent) == (3, 4)
    assert pauses == [0.05, 0.1, 0.2]


def test_what_was_not_taken_when_it_is_stopped_was_not_sent() -> None:
    producer, ledger, _ = produce(
        Stream(refusals={2}), [[envelope("a"), envelope("b")], [envelope("c")]], stop=True
    )

    assert producer.error is None
    assert ledger.sent == 1


def test_a_stream_that_is_gone_is_reported() -> None:
    producer, ledger, _ = produce(Stream(broken=True), [[envelope("a")]])

    assert isinstance(producer.error, ConnectionError)
    assert ledger.sent == 0


def test_a_call_holds_a_device_once_so_its_order_stands() -> None:
    batch = [envelope("a"), envelope("b"), envelope("a"), envelope("a"), envelope("b")]

    assert [[e.device for e in call] for call in calls(batch)] == [["a", "b"], ["a"], ["a", "b"]]


def test_a_call_keeps_the_streams_bounds() -> None:
    many = [envelope(f"d{n}") for n in range(MOST_RECORDS + 1)]
    large = [envelope(f"d{n}", 500) for n in range(60)]

    assert [len(call) for call in calls(many)] == [MOST_RECORDS, 1]
    assert max(sum(len(e.body(0)) for e in call) for call in calls(large)) < 5 * 1024 * 1024
    assert len(list(calls(large))) == 2
