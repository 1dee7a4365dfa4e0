"""Where the engine is installed, and how its JVM is started."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from local.errors import LocalError
from processor.engine import launch

ROOT = Path(__file__).parents[2]
HOME = ROOT / ".engine"
OURS = launch.MAIN
THEIRS = "software.amazon.kinesis.multilang.MultiLangDaemon"  # for comparison
WITHOUT_CBOR = "-Daws.cborEnabled=false"  # which the embedded AWS does not speak


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
        program, *rest = launch.command(properties, self.path, main)
        return [program, WITHOUT_CBOR, *rest]


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
