"""How many shards a task of the processor holds, by its memory.

A task is one Java process and a Python child for each of its shards (docs/engine.md). The figures are
measured, each at its larger end.
"""

from dataclasses import dataclass

# MiB that a task takes with no shard: Java outside its heap, the code that all children share, the health
# check, which is a process of its own for a moment, and the heap of an engine that waits.
JAVA_MIB = 130
SHARED_MIB = 40
CHECK_MIB = 32
HEAP_MIB = 112
# MiB that each shard costs: its child, with the largest batch that Kinesis gives in hand; and in Java's heap
# the answers that wait for the child and the text that is made of each, with 10 MiB the most of one answer.
CHILD_MIB = 100
HEAP_OF_SHARD_MIB = 100
# A new stream ON_DEMAND takes 4 MB/s, as four shards do:
# https://docs.aws.amazon.com/streams/latest/dev/how-do-i-size-a-stream.html
NEW_STREAM_SHARDS = 4


@dataclass(frozen=True)
class Held:
    """What a task of so much memory is told: the most shards that it takes, and Java's heap for them."""

    shards: int
    heap_mib: int


def held(memory_mib: int) -> Held:
    """What a task of `memory_mib` holds; no shard where there is no room for one."""
    free = memory_mib - JAVA_MIB - SHARED_MIB - CHECK_MIB - HEAP_MIB
    shards = max(0, free // (CHILD_MIB + HEAP_OF_SHARD_MIB))
    return Held(shards=shards, heap_mib=HEAP_MIB + shards * HEAP_OF_SHARD_MIB)


def check(shards: int | None, memory_mib: int, tasks_min: int) -> None:
    """That every shard has a reader, also while one of the least number of tasks is lost.

    shards: None where the stream has no fixed number. Raises ValueError.
    """
    wanted = NEW_STREAM_SHARDS if shards is None else shards
    said = "a new stream ON_DEMAND has" if shards is None else "stream.shards is"
    each, left = held(memory_mib).shards, max(1, tasks_min - 1)
    if wanted > each * left:
        raise ValueError(
            f"{said} {wanted}; a task of processor.memory_mib {memory_mib} holds {each}, and with one of "
            f"processor.tasks_min {tasks_min} lost there is room for {each * left}, so the others would not "
            "be read: raise memory_mib or tasks_min"
        )
