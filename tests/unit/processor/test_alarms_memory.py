import numpy as np
import pytest

from processor.alarms.definition import Limit, Stuck
from processor.alarms.detectors import fresh
from processor.alarms.memory import Memory, Packed, unpacked
from processor.columns import Int64

RULE = Limit(high=1.0)


def whole(*numbers: int) -> Int64:
    return np.array(numbers, np.int64)


def remembered() -> Memory:
    """Three subjects of device 7 and one of device 3, met in two batches; their seq tells them apart."""
    memory = Memory(RULE)
    for subjects, devices in (((40, 20), (7, 3)), ((10, 30, 40), (7, 7, 7))):
        places = memory.places(whole(*subjects), whole(*devices))
        states = memory.of(places)
        states["seq"] = subjects
        memory.move(places, states)
    return memory


def test_a_device_s_states_are_packed_in_the_order_of_its_subjects_and_come_back() -> None:
    (three, seven) = remembered().packed(whole(3, 7))
    assert (three[0], seven[0]) == (3, 7)
    subjects, states = unpacked(RULE, Packed("m7", 1, 1, seven[1], seven[2]))
    assert subjects.tolist() == states["seq"].tolist() == [10, 30, 40]


def test_only_devices_whose_state_has_moved_are_named() -> None:
    memory = remembered()
    places = memory.places(whole(10, 20, 30), whole(7, 3, 7))
    assert memory.move(places, memory.of(places)).tolist() == []
    states = memory.of(places)
    states["hot"][1] = 1
    assert memory.move(places, states).tolist() == [3]
    assert memory.of(memory.places(whole(20), whole(3)))["hot"].tolist() == [1]


def test_what_is_there_is_not_taken_anew_from_the_table() -> None:
    memory = remembered()
    memory.add(whole(10, 50), whole(7, 7), fresh(RULE, 2))
    assert memory.of(memory.places(whole(10, 50), whole(7, 7)))["seq"].tolist()[0] == 10
    assert len(memory) == 5


def test_a_state_of_another_form_is_refused_with_what_must_be_done() -> None:
    ((_, subjects, states, _),) = remembered().packed(whole(3))
    with pytest.raises(ValueError, match="must write a new version of its rules"):
        unpacked(Stuck(within=1), Packed("m3", 1, 1, subjects, states))
