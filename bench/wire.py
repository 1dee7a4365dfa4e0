"""The engine's wire: how fast a child understands its daemon, beside AWS's own reader, amazon_kclpy's kcl.py.

Both are given the same lines through a pipe, each when the one before is answered, as the MultiLangDaemon
does; both make of each record its bytes, its numbers, its key and its time. Among the lines are what a
producer may cause (keys with escapes and beyond ASCII), batches of nothing, and a last one that is cut off:
both must refuse it.
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.measure import Options, Row, Way, in_turn
from local.errors import LocalError
from processor.engine.daemon import Daemon
from processor.engine.lines import Lines, widen
from processor.engine.messages import ProcessRecords, ProtocolError
from processor.engine.records import records_of

BATCH = 1_000  # records a message
FEWER = 10
FIRST = 49590338271490256608559692538361571095921575989136588898  # as a sequence number of Kinesis looks
KEYS = ("m17", "acme/lon1/press/line2/cell4/m18", 'm"19"\\', "m20-Ü", "m21")

# The daemon's side: the next line when the child has answered the last one.
FEEDER = """
import sys
with open(sys.argv[1], 'rb') as lines:
    for line in lines:
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
        while b'status' not in (sys.stdin.buffer.readline() or b'status'):
            pass
"""


class PeerMissing(LocalError):
    """amazon_kclpy is not installed; its Python part is enough, without the jars that its setup.py fetches:
    KCL_MVN_REPO_SEARCH_URL=data:, .venv/bin/pip install --no-cache-dir -c constraints.txt -e '.[wire]'"""


def rows(options: Options) -> list[Row]:
    """One row, `wire_vs_kclpy`. Raises PeerMissing."""
    if find_spec("amazon_kclpy") is None:
        raise PeerMissing
    with tempfile.TemporaryDirectory() as directory:
        stream = Path(directory) / "lines"
        made = make_stream(stream, options.readings // FEWER)
        ours, theirs = Wire(stream, made), Peer(stream, made)
        return [
            in_turn(
                "wire_vs_kclpy",
                Way("the engine's child", ours.run, ours.before, ours.after, made),
                Way("amazon_kclpy's kcl.py", theirs.run, theirs.before, theirs.after, made),
                runs=options.runs,
                things="records",
                goal=2.8,
            )
        ]


def make_stream(file: Path, records: int) -> int:
    """Write all that a daemon says for so many records, in whole batches; how many they are."""
    batches = max(1, records // BATCH)
    with file.open("w", encoding="utf-8") as lines:
        say(
            lines,
            action="initialize",
            shardId="shardId-0",
            sequenceNumber="TRIM_HORIZON",
            subSequenceNumber=0,
        )
        for batch in range(batches):
            given = [_record(number) for number in range(batch * BATCH, (batch + 1) * BATCH)]
            say(lines, action="processRecords", records=given, millisBehindLatest=0)
            say(lines, action="processRecords", records=[], millisBehindLatest=0)
        lines.write('{"action": "processRecords", "records": [{"action": "record", "data": "eyJ2\n')
    return batches * BATCH


def say(lines: Any, **message: object) -> None:
    """One line, with what is not ASCII as it is: so the daemon's JSON library writes it."""
    lines.write(json.dumps(message, ensure_ascii=False, separators=(",", ":")) + "\n")


def _record(number: int) -> dict[str, object]:
    reading = {
        "path": f"acme/lon1/press/line2/cell4/m17/metric_{number % 20}",
        "ts": 1_763_897_519_000 + number,
        "value": number / 8,
        "q": 192,
        "seq": number,
    }
    return {
        "action": "record",
        "data": base64.b64encode(json.dumps(reading).encode()).decode(),
        "partitionKey": KEYS[number % len(KEYS)],
        "sequenceNumber": str(FIRST + number),
        "approximateArrivalTimestamp": 1_763_897_519_000 + number,
        "subSequenceNumber": 0,
    }


class Fed:
    """A process that speaks as the daemon, and our two ends of its pipes."""

    def __init__(self, stream: Path, records: int) -> None:
        self._stream = stream
        self._records = records
        self.read = 0

    def before(self) -> None:
        """Start it; its first line waits in the pipe."""
        self.read = 0
        self._process = subprocess.Popen(
            [sys.executable, "-c", FEEDER, str(self._stream)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("no pipes")
        self.spoken, self.answers = self._process.stdout, self._process.stdin

    def after(self) -> None:
        """See that all was read, and end it."""
        self.answers.close()
        self._process.wait(30)
        self.spoken.close()
        if self.read != self._records:
            raise RuntimeError(f"{self.read} records were read of {self._records}")


class Wire(Fed):
    """Ours, as a child has it."""

    def run(self) -> None:
        """Until the line that must be refused."""
        widen(self.spoken.fileno())
        answers = self.answers.fileno()
        daemon = Daemon(Lines(self.spoken.fileno()), lambda line: os.write(answers, line))
        daemon.start()
        try:
            while (message := daemon.next()) is not None:
                if isinstance(message, ProcessRecords):
                    self.read += len(records_of(message.records, 0.0))
                daemon.done(message)
        except ProtocolError:
            return


class Peer(Fed):
    """kcl.py with a record processor that looks at what each record holds."""

    def run(self) -> None:
        """As Wire's."""
        kcl = import_module("amazon_kclpy.kcl")
        spoken = open(self.spoken.fileno(), encoding="utf-8", closefd=False)  # noqa: SIM115 - as its stdin
        answers = open(self.answers.fileno(), "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        with spoken, answers, Path(os.devnull).open("w", encoding="utf-8") as complaints:
            try:
                kcl.KCLProcess(Reads(self), spoken, answers, complaints).run()
            except json.JSONDecodeError:
                return


class Reads:
    """A record processor of the interface's third version."""

    version = 3

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def initialize(self, given: Any) -> None:
        """As kcl.py calls it."""

    def process_records(self, given: Any) -> None:
        """As kcl.py calls it."""
        records = [
            (
                one.binary_data,
                one.sequence_number,
                one.timestamp_millis / 1000,
                one.sub_sequence_number,
                one.partition_key,
            )
            for one in given.records
        ]
        self._peer.read += len(records)
