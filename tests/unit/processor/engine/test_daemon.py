"""The conversation, over real pipes."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from processor.engine.daemon import Daemon, DaemonGone
from processor.engine.lines import Lines
from processor.engine.messages import Checkpoint, LeaseLost, ProtocolError, ShardEnded

ROOT = Path(__file__).parents[4]


@dataclass
class Pipe:
    """What the daemon writes, what it was told, and whether its end was heard."""

    daemon: Daemon
    writing: int
    said: list[bytes]
    gone: threading.Event
    closed: list[int] = field(default_factory=list)

    def write(self, text: bytes) -> None:
        os.write(self.writing, text)

    def close(self) -> None:
        if not self.closed:
            self.closed.append(self.writing)
            os.close(self.writing)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    reading, writing = os.pipe()
    gone = threading.Event()
    said: list[bytes] = []
    made = Pipe(Daemon(Lines(reading), said.append, gone.set), writing, said, gone)
    made.daemon.start()
    yield made
    made.close()
    assert gone.wait(10)
    os.close(reading)


def test_messages_come_in_their_order_and_are_answered_by_name(pipe: Pipe) -> None:
    assert pipe.daemon.next(0.01) is None
    pipe.write(b'{"action": "shardEnded"}\n{"action": "lease')
    assert pipe.daemon.next() == ShardEnded()
    pipe.write(b'Lost"}\n')
    assert pipe.daemon.next() == LeaseLost()
    pipe.daemon.done(LeaseLost())
    assert pipe.said == [b'{"action":"status","responseFor":"leaseLost"}\n']


@pytest.mark.parametrize(
    ("error", "told"), [("null", None), ('"ThrottlingException"', "ThrottlingException")]
)
def test_a_checkpoint_waits_for_its_answer(pipe: Pipe, error: str, told: str | None) -> None:
    pipe.write(f'{{"action": "checkpoint", "sequenceNumber": "7", "error": {error}}}\n'.encode())
    assert pipe.daemon.checkpoint(Checkpoint("7", 0)) == told
    assert pipe.said == [b'{"action":"checkpoint","sequenceNumber":"7","subSequenceNumber":0}\n']


def test_anything_else_in_its_place_is_an_error(pipe: Pipe) -> None:
    pipe.write(b'{"action": "leaseLost"}\n')
    with pytest.raises(ProtocolError, match="says 'leaseLost' where it should answer a checkpoint"):
        pipe.daemon.checkpoint(Checkpoint("7", 0))


def test_an_answer_that_nobody_asked_for_is_an_error(pipe: Pipe) -> None:
    pipe.write(b'{"action": "checkpoint"}\n')
    with pytest.raises(ProtocolError, match="nobody asked for"):
        pipe.daemon.next()


def test_the_end_is_heard_at_once_and_by_whoever_asks(pipe: Pipe) -> None:
    pipe.close()
    assert pipe.gone.wait(10)
    for _ in range(2):
        with pytest.raises(DaemonGone):
            pipe.daemon.next()
    with pytest.raises(DaemonGone):
        pipe.daemon.checkpoint(Checkpoint())


def test_a_line_that_is_cut_off_is_no_end(pipe: Pipe) -> None:
    pipe.write(b'{"action": "leaseLost"}')
    pipe.close()
    with pytest.raises(ProtocolError, match="cut off"):
        pipe.daemon.next()


def test_a_daemon_that_no_longer_listens_has_gone() -> None:
    def write(line: bytes) -> None:
        raise BrokenPipeError

    with pytest.raises(DaemonGone):
        Daemon(Lines(0), write).done(LeaseLost())


def test_nothing_that_is_printed_spoils_the_protocol() -> None:
    program = (
        "import os\n"
        "from processor.engine.daemon import claim_stdout\n"
        "write = claim_stdout()\n"
        "print('a library says hello', flush=True)\n"
        "os.write(1, b'and so does another, in C\\n')\n"
        "os.system('echo and a process of ours')\n"
        "write(b'the protocol\\n' * 50_000)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True)
    assert done.stdout == b"the protocol\n" * 50_000
    assert done.stderr.splitlines() == [
        b"a library says hello",
        b"and so does another, in C",
        b"and a process of ours",
    ]
