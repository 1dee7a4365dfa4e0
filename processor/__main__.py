"""`python -m processor` runs the service, `… health` asks a running one, `… schema` prints the wire contract.

`… replay` takes readings again (`… replay --help`).

Exit codes: 0 stopped as told (healthy), 1 unhealthy or ended by an error, 2 wrong environment or arguments,
3 another process took over.
"""

import logging
import sys

from processor import health, service
from processor.log import start_logging
from processor.replay import command
from processor.replay.request import from_arguments
from processor.settings import SettingsError, from_environment
from processor.wire.schema import printed

USAGE = "usage: python -m processor [health|schema|replay …]"


def main(arguments: list[str]) -> int:
    """Run a command; its exit code."""
    replaying = arguments[:1] == ["replay"]
    if arguments not in ([], ["health"], ["schema"]) and not replaying:
        print(USAGE, file=sys.stderr)
        return 2
    if arguments == ["schema"]:
        print(printed(), end="")
        return 0
    request = from_arguments(arguments[1:]) if replaying else None
    try:
        settings = from_environment()
    except SettingsError as error:
        print(f"the processor's environment cannot be used: {error}", file=sys.stderr)
        return 2
    if arguments == ["health"]:
        healthy, said = health.ask(settings.health_port)
        print(said)
        return 0 if healthy else 1
    start_logging(settings.environment)
    try:
        return service.run(settings) if request is None else command.run(settings, request)
    except Exception:
        # Nothing is mended by going on: the next process reads again what was not committed.
        logging.getLogger("processor").exception("ended by an unexpected error")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
