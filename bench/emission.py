"""The builder: what the lint cache saves when nothing changed, and what emitting costs beyond its imports."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.measure import Options, Row, Way, in_turn

ROOT = Path(__file__).parent.parent
ENVIRONMENT = "dev"
# No builder on this library can be faster than Python with the library.
IMPORTS = "import troposphere"


def rows(options: Options) -> list[Row]:
    """One environment: built and linted with the findings kept against anew; emitted only against imports."""
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as directory:
        builder = Builder(Path(directory))
        return [
            in_turn(
                "emit_lint_cached_vs_cold",
                Way("findings kept", builder.build),
                Way("nothing cached", builder.build, before=builder.forget),
                runs=options.runs,
                goal=10,
            ),
            in_turn(
                "emit_vs_imports",
                Way("emit", lambda: builder.build("--no-lint")),
                Way("import troposphere", lambda: _python("-c", IMPORTS)),
                runs=options.runs,
            ),
        ]


class Builder:
    """The repository's build.py with a cache of its own, so that the developer's stays as it is.

    build.py keeps its cache beside itself, and has its rules there. Called by a link in `directory` that is
    there, while Python looks for its modules where the link leads.
    """

    def __init__(self, directory: Path) -> None:
        self._script = directory / "build.py"
        self._script.symlink_to(ROOT / "build.py")
        (directory / "rules").symlink_to(ROOT / "rules")
        self._cache = directory / ".cache"
        self._out = directory / "templates"

    def build(self, *options: str) -> None:
        """One process, as a person starts it. Raises CalledProcessError when there are findings."""
        _python(str(self._script), "--env", ENVIRONMENT, "--out", str(self._out), *options)

    def forget(self) -> None:
        """Lint anew the next time. Raises FileNotFoundError if there was no cache to measure against."""
        shutil.rmtree(self._cache)


def _python(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
