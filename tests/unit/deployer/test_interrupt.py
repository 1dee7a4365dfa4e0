import signal
import threading
from collections.abc import Iterator

import pytest

from deployer import interrupt


@pytest.fixture(autouse=True)
def python_s_own_handler() -> Iterator[None]:
    """Which a program does not have that a shell has started in the background."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


def test_ctrl_c_waits_for_the_end_of_the_block() -> None:
    done = []

    with pytest.raises(KeyboardInterrupt), interrupt.held():
        signal.raise_signal(signal.SIGINT)
        done.append("all")

    assert done == ["all"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_ctrl_c_waits_for_nothing() -> None:
    done = []

    with pytest.raises(KeyboardInterrupt), interrupt.held():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        done.append("all")

    assert done == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_in_the_block_is_told_and_not_the_signal() -> None:
    with pytest.raises(ValueError, match="mine"), interrupt.held():
        signal.raise_signal(signal.SIGINT)
        raise ValueError("mine")


def test_a_handler_of_somebody_elses_stays() -> None:
    heard = []
    former = signal.signal(signal.SIGINT, lambda *_: heard.append("theirs"))
    try:
        with interrupt.held():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, former)

    assert heard == ["theirs"]


def test_in_a_thread_nothing_is_held() -> None:
    done = []

    def work() -> None:
        with interrupt.held():
            done.append("all")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert done == ["all"]
