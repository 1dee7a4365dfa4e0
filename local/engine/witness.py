"""A child that stores nothing and tells a file what it is told, when: for measuring the engine alone.

It speaks the MultiLangDaemon's protocol, one JSON object a line: github.com/awslabs/amazon-kinesis-client,
amazon-kinesis-client-multilang/src/main/java/software/amazon/kinesis/multilang/package-info.java.
"""

import json
import os
import sys
import time
from typing import Any

FILE = "WITNESS_FILE"


def main() -> None:
    """Until its input ends."""
    shard, last = "", None
    # One write for each line, appended: lines of several children do not mix.
    with open(os.environ[FILE], "ab", buffering=0) as heard:  # noqa: PTH123 -- pathlib costs a fifth of the start
        for line in sys.stdin:
            said: dict[str, Any] = json.loads(line)
            action = said["action"]
            shard = said.get("shardId", shard)
            records = said.get("records", [])
            if records:
                last = records[-1]["sequenceNumber"]
            if records or action != "processRecords":
                note: dict[str, Any] = {"at": time.time(), "shard": shard, "action": action}
                note["records"] = [[one["partitionKey"], one["sequenceNumber"]] for one in records]
                heard.write(json.dumps(note).encode() + b"\n")
            if action == "shardEnded" or (action == "shutdownRequested" and last):
                _checkpoint(None if action == "shardEnded" else last)
            _say({"action": "status", "responseFor": action})


def _checkpoint(sequence_number: str | None) -> None:
    _say({"action": "checkpoint", "sequenceNumber": sequence_number, "subSequenceNumber": None})
    answer = json.loads(sys.stdin.readline())
    if answer.get("error"):
        sys.exit(f"not checkpointed: {answer['error']}")


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
