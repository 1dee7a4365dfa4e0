"""The processors of the deployed service: one reads, one stands by; and what their log says of trouble."""

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from local.processor import Processor

TASKS = 2
QUIET = frozenset({"debug", "info"})
REFUSED = ("reading refused", "readings refused")  # of the plant, which misbehaves on purpose


class Readers:
    """`with Readers(…) as readers:`; `watch` starts again who has died, which is wrong here."""

    def __init__(self, environment: Mapping[str, str], log: Path, at_work: Callable[[], bool]) -> None:
        self._processors = [Processor(environment, log, at_work) for _ in range(TASKS)]
        self._log = log
        self._stack = ExitStack()

    @property
    def restarts(self) -> int:
        return sum(one.restarts for one in self._processors)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for one in self._processors:
                stack.enter_context(one)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def watch(self) -> None:
        for one in self._processors:
            one.watch()

    def commit_age(self) -> float | None:
        """Of the one that reads."""
        ages = [age for one in self._processors if (age := one.commit_age()) is not None]
        return max(ages, default=None)


def trouble(log: Path) -> list[str]:
    """Every line that is no mere news: an outage that was waited for, a turn that was lost, an error.

    A batch that was tried twice shows here, since the database's being away is a warning.
    """
    found = []
    for line in log.read_text(errors="replace").splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            found.append(line)
            continue
        if said.get("level", "info") not in QUIET and said["message"] not in REFUSED:
            found.append(f"{said['level']}: {said['message']} {said.get('cause', '')}".strip())
    return found
