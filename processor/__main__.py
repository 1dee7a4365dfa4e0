"""`python -m processor` runs the service, `… health` asks a running one, `… schema` prints the wire contract.

`… migrate` brings the tables up to this release, with a login and an environment of its own.

Exit codes: 0 stopped as told (healthy), 1 unhealthy or ended by an error, 2 wrong environment or arguments,
3 another process took over.
"""

import logging
import sys
from collections.abc import Callable

from processor import health, release, service
from processor.log import start_logging
from processor.settings import SettingsError, from_environment
from processor.wire.schema import printed

USAGE = "usage: python -m processor [health|migrate|schema]"


def main(arguments: list[str]) -> int:
    """Run a command; its exit code."""
    if arguments not in ([], ["health"], ["migrate"], ["schema"]):
        print(USAGE, file=sys.stderr)
        return 2
    if arguments == ["schema"]:
        print(printed(), end="")
        return 0
    try:
        if arguments == ["migrate"]:
            asked = release.from_environment()
            start_logging(asked.environment)
            return _logged(lambda: release.run(asked))
        settings = from_environment()
    except SettingsError as error:
        print(f"the processor's environment cannot be used: {error}", file=sys.stderr)
        return 2
    if arguments == ["health"]:
        healthy, said = health.ask(settings.health_port)
        print(said)
        return 0 if healthy else 1
    start_logging(settings.environment)
    return _logged(lambda: service.run(settings))


def _logged(work: Callable[[], int]) -> int:
    """What is not expected stands in the log, and ends the process."""
    try:
        return work()
    except Exception:
        # Nothing is mended by going on: the next process does again what was not committed.
        logging.getLogger("processor").exception("ended by an unexpected error")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
