"""`python -m processor` runs the service; `… health` and `… ready` ask a running one.

`… schema` prints the wire contract, `… settings` and `… metrics` the tables of docs/settings.md and
docs/metrics.md.

Exit codes: 0 stopped as told (healthy), 1 unhealthy or ended by an error, 2 wrong environment or arguments,
3 another process took over.
"""

import logging
import sys

from processor import health, metric, service
from processor.log import start_logging
from processor.settings import SettingsError, described, from_environment
from processor.wire.schema import printed

USAGE = "usage: python -m processor [health|ready|schema|settings|metrics]"
PRINTS = {"schema": printed, "settings": described, "metrics": metric.printed}
ASKS = {"health": "/health", "ready": "/ready"}


def main(arguments: list[str]) -> int:
    """Run a command; its exit code."""
    command = arguments[0] if arguments else ""
    if len(arguments) > 1 or command not in {"", *PRINTS, *ASKS}:
        print(USAGE, file=sys.stderr)
        return 2
    if command in PRINTS:
        print(PRINTS[command](), end="")
        return 0
    try:
        settings = from_environment()
    except SettingsError as error:
        print(f"the processor's environment cannot be used: {error}", file=sys.stderr)
        return 2
    if command in ASKS:
        healthy, said = health.ask(settings.health_port, ASKS[command])
        print(said)
        return 0 if healthy else 1
    start_logging(settings.environment)
    try:
        return service.run(settings)
    except Exception:
        # Nothing is mended by going on: the next process reads again what was not committed.
        logging.getLogger("processor").exception("ended by an unexpected error")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
