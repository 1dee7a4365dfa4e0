"""Where the engine is installed, and how its JVM is started."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from local.errors import LocalError

ROOT = Path(__file__).parents[2]
HOME = ROOT / ".engine"
OURS = "millrace.engine.Engine"
THEIRS = "software.amazon.kinesis.multilang.MultiLangDaemon"  # for comparison
# Of the task's memory, the JVM gets what its children, at 80 MiB a shard, and its own code leave.
HEAP_MIB = 256
# As the image has them, but for CBOR, which the embedded AWS does not speak.
FLAGS = (
    f"-Xmx{HEAP_MIB}m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-Xshare:auto",
)
HERE = ("-Daws.cborEnabled=false",)


class EngineMissing(LocalError):
    """the engine is not installed: {home} has no jars; run `make engine`"""

    exit_code = 2


class JavaMissing(LocalError):
    """the engine needs Java 17 or newer, and {why}; on Debian: apt-get install openjdk-17-jdk-headless"""

    exit_code = 2


@dataclass(frozen=True)
class Home:
    """An installed engine: jars, and our classes beside them."""

    path: Path

    def command(self, properties: Path, main: str = OURS) -> list[str]:
        """What starts a worker."""
        classpath = f"{self.path / 'classes'}:{self.path / 'jars'}/*"
        return ["java", *FLAGS, *HERE, "-cp", classpath, main, str(properties)]


def installed(path: Path = HOME) -> Home:
    """Raises EngineMissing, JavaMissing."""
    try:
        said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=True).stderr
    except (OSError, subprocess.CalledProcessError):
        raise JavaMissing(why="there is no java on the PATH") from None
    if _release(said) < 17:
        raise JavaMissing(why=f"java says: {said.splitlines()[0]}")
    if not list(path.glob("jars/amazon-kinesis-client-*.jar")):
        raise EngineMissing(home=path)
    return Home(path)


def _release(said: str) -> int:
    """The feature release out of `openjdk version "17.0.15" 2025-04-15`; 0 if there is none."""
    _, _, rest = said.partition('"')
    number = rest.partition(".")[0].partition('"')[0].partition("-")[0]
    return int(number) if number.isdigit() else 0
