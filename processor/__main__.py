"""`python -m processor` runs the service; `… health` and `… ready` ask a running one.

`… schema` prints the wire contract, `… settings` and `… metrics` the tables of docs/settings.md and
docs/metrics.md.

`… replay` takes readings again (`… replay --help`).

`… rules` says what the readings are watched for (`… rules --help`).

`… migrate` brings the tables up to this release, with a login and an environment of its own.

Exit codes: 0 stopped as told (healthy), 1 unhealthy or ended by an error, 2 wrong environment or arguments,
3 another process took over.
"""

import logging
import sys
from collections.abc import Callable

from processor import health, metric, release, service
from processor.alarms.command import run as run_rules
from processor.alarms.command import try_file
from processor.alarms.request import TryFile
from processor.alarms.request import from_arguments as rules_from
from processor.log import start_logging
from processor.replay.command import run as run_replay
from processor.replay.request import from_arguments
from processor.settings import SettingsError, described, from_environment
from processor.wire.schema import printed

USAGE = "usage: python -m processor [health|ready|migrate|schema|settings|metrics|replay …|rules …]"
PRINTS = {"schema": printed, "settings": described, "metrics": metric.printed}
ASKS = {"health": "/health", "ready": "/ready"}


def main(arguments: list[str]) -> int:
    """Run a command; its exit code."""
    return _rules(arguments[1:]) if arguments[:1] == ["rules"] else _command(arguments)


def _rules(arguments: list[str]) -> int:
    request = rules_from(arguments)
    if isinstance(request, TryFile):
        return try_file(request)
    try:
        settings = from_environment()
    except SettingsError as error:
        return _unusable(error)
    start_logging(settings.environment)
    return _logged(lambda: run_rules(settings, request))


def _command(arguments: list[str]) -> int:
    command = arguments[0] if arguments else ""
    replaying = command == "replay"
    if not replaying and (len(arguments) > 1 or command not in {"", "migrate", *PRINTS, *ASKS}):
        print(USAGE, file=sys.stderr)
        return 2
    if command in PRINTS:
        print(PRINTS[command](), end="")
        return 0
    request = from_arguments(arguments[1:]) if replaying else None
    try:
        if command == "migrate":
            asked = release.from_environment()
            start_logging(asked.environment)
            return _logged(lambda: release.run(asked))
        settings = from_environment()
    except SettingsError as error:
        return _unusable(error)
    if command in ASKS:
        healthy, said = health.ask(settings.health_port, ASKS[command])
        print(said)
        return 0 if healthy else 1
    start_logging(settings.environment)
    return _logged(lambda: service.run(settings) if request is None else run_replay(settings, request))


def _unusable(error: SettingsError) -> int:
    print(f"the processor's environment cannot be used: {error}", file=sys.stderr)
    return 2


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
