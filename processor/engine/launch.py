"""`python -m processor engine`: this process becomes the JVM with the engine.

The properties are written into the children's directory, which is writable. Nothing stands between SIGTERM
and the JVM, whose children each start with `python -m processor child`.
"""

import os
from pathlib import Path
from typing import NoReturn

from processor.engine.properties import printed
from processor.settings import Settings, SettingsError

HOME = Path("/opt/engine")  # where the image has it: processor/Dockerfile
MAIN = "millrace.engine.Engine"
# Unless the task says otherwise. The daemon makes a text of each answer, of 10 MiB at most: some 100 MiB a
# shard, and 256 were too few for four. Outside the heap it takes some 130 MiB more, and each child 80.
HEAP_MIB = 512
FLAGS = (
    "-XX:+ExitOnOutOfMemoryError",  # half a daemon is worse than none: its leases expire
    "-XX:+UseSerialGC",  # one core or less: no thread of a parallel collector would ever run beside
    "-XX:TieredStopAtLevel=1",  # starts sooner, in less memory; the work is the children's
    "-XX:+PerfDisableSharedMem",  # the root file system is read-only
)


def command(properties: Path, home: Path = HOME, main: str = MAIN, *, heap_mib: int = HEAP_MIB) -> list[str]:
    """What the JVM is started with; what it writes besides goes where the properties are."""
    java = home / "runtime" / "bin" / "java"
    program = str(java) if java.exists() else "java"
    own = (f"-Xmx{heap_mib}m", f"-Djava.io.tmpdir={properties.parent}")
    return [program, *own, *FLAGS, "-cp", f"{home / 'classes'}:{home / 'jars'}/*", main, str(properties)]


def become_engine(settings: Settings) -> NoReturn:
    """Write the properties and leave this process to the JVM. Raises SettingsError."""
    directory = Path(settings.children_directory)
    properties = directory / "engine.properties"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        properties.write_text(printed(settings), encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"CHILDREN_DIRECTORY={directory}: {error.strerror}; mount a volume there that this user may "
            "write, or name another directory"
        ) from None
    started = command(properties, heap_mib=settings.heap_mib)
    os.execvp(started[0], started)  # noqa: S606 -- no shell is what is wanted
