"""Giving back what was needed for a moment: a task runs a child for each of its shards.

glibc keeps what was freed: it raises, at each large block that is freed, the size from which on a block is
mapped and unmapped by itself, and it keeps a heap for each thread. A backlog of large batches would then stay
resident for ever. https://man7.org/linux/man-pages/man3/mallopt.3.html
"""

import ctypes
from contextlib import suppress

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGE = 128 * 1024  # glibc's own value, before it raises it
ARENAS = 2


def be_thrifty() -> None:
    """For this process, before its threads begin. Elsewhere than with glibc nothing happens."""
    with suppress(OSError, AttributeError):
        change = ctypes.CDLL(None).mallopt
        change(_MMAP_THRESHOLD, _LARGE)
        change(_TRIM_THRESHOLD, _LARGE)
        change(_ARENA_MAX, ARENAS)
