import pytest
from hypothesis import given
from hypothesis import strategies as st

from parameters import memory
from parameters.sections import FARGATE_MIB

OFFERED = sorted({mib for offered in FARGATE_MIB.values() for mib in offered})


@pytest.mark.parametrize("memory_mib", OFFERED)
def test_a_full_task_fits_its_memory_and_one_shard_more_would_not(memory_mib: int) -> None:
    held = memory.held(memory_mib)
    without = memory.JAVA_MIB + memory.SHARED_MIB + memory.CHECK_MIB

    assert without + held.heap_mib + held.shards * memory.CHILD_MIB <= memory_mib
    more = held.shards + 1
    assert without + memory.HEAP_MIB + more * (memory.HEAP_OF_SHARD_MIB + memory.CHILD_MIB) > memory_mib


def test_what_is_too_little_for_one_shard_holds_none() -> None:
    assert memory.held(512).shards == 0
    assert memory.held(1024).shards == 3


@given(st.integers(1, 300), st.sampled_from(OFFERED), st.integers(1, 20))
def test_shards_are_taken_only_where_all_have_a_reader_with_a_task_lost(
    shards: int, memory_mib: int, tasks: int
) -> None:
    room = memory.held(memory_mib).shards * max(1, tasks - 1)
    if shards <= room:
        memory.check(shards, memory_mib, tasks)
    else:
        with pytest.raises(ValueError, match=f"there is room for {room}"):
            memory.check(shards, memory_mib, tasks)


def test_a_stream_on_demand_begins_with_four_shards() -> None:
    memory.check(None, 2048, 1)

    with pytest.raises(ValueError, match=r"a new stream ON_DEMAND has 4; .*memory_mib 1024 holds 3"):
        memory.check(None, 1024, 2)
