"""One worker: a JVM with the engine, and the children that it starts."""

import contextlib
import os
import resource
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

END_SECONDS = 90.0  # the engine's own grace is 60


@dataclass
class Worker:
    """A process group of its own: what kills a machine or a task kills all of it at once."""

    name: str
    process: "subprocess.Popen[bytes]"
    may_end: bool = False  # something was done to it that ends it

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def children(self) -> list[int]:
        """The process ids of its children, in the order in which they were started."""
        found: list[int] = []
        # A process belongs to the thread that started it.
        for thread in Path(f"/proc/{self.process.pid}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += map(int, thread.read_text().split())
        return sorted(found)

    def memory(self) -> int:
        """Bytes resident in the JVM and its children together, shared pages counted each time."""
        pages = 0
        for pid in [self.process.pid, *self.children()]:
            with contextlib.suppress(OSError):
                pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize()

    def terminate(self) -> None:
        """SIGTERM to the JVM alone, as ECS sends it to a container's first process."""
        self.may_end = True
        if self.running:
            self.process.send_signal(signal.SIGTERM)

    def kill_daemon(self) -> None:
        """SIGKILL to the JVM; its children read the end of their input."""
        self.may_end = True
        if self.running:
            self.process.kill()
        self.process.wait(END_SECONDS)

    def lose(self) -> None:
        """SIGKILL to all of it at once."""
        self.may_end = True
        if self.running:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(END_SECONDS)

    def end(self) -> int:
        """SIGTERM, and the exit code; SIGKILL to what is left of it then."""
        self.terminate()
        try:
            return self.process.wait(END_SECONDS)
        finally:
            self.lose()


def start(name: str, command: list[str], environment: Mapping[str, str], log: Path) -> Worker:
    """A worker that has been started, and logs to the end of this file."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return Worker(name, process)
