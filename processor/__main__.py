"""`python -m processor` runs the service; `… health` and `… ready` ask a running one.

Under the engine (SOURCE=kcl) `… engine` becomes the daemon, whose properties `… properties` prints; it
starts a `… child` for each shard, and `… health` and `… ready` ask all children of the task.

`… schema` prints the wire contract, `… settings` and `… metrics` the tables of docs/settings.md and
docs/metrics.md.

`… replay` takes readings again (`… replay --help`).

`… rules` says what the readings are watched for (`… rules --help`), `… alarms` what that has raised.

`… migrate` brings the tables up to this release, with a login and an environment of its own.

Exit codes: 0 stopped as told (healthy), 1 unhealthy or ended by an error, 2 wrong environment or arguments,
3 another process took over.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from processor.settings import Settings, SettingsError, from_environment

if TYPE_CHECKING:
    from processor.replay.request import Request

COMMANDS: Mapping[str, str] = {
    "health": "whether a running service is well",
    "ready": "whether a running service reads the stream",
    "migrate": "bring the tables up to this release, with a login and an environment of its own",
    "schema": "print the wire contract",
    "settings": "print the table of docs/settings.md",
    "metrics": "print the table of docs/metrics.md",
    "properties": "print the properties of the engine's daemon (SOURCE=kcl)",
    "engine": "become that daemon",
    "child": "process a shard for it",
    "replay …": "take readings again (replay --help)",
    "rules …": "say what the readings are watched for (rules --help)",
    "alarms …": "list and take on what that has raised (alarms --help)",
}
USAGE = f"usage: python -m processor [COMMAND]; COMMAND is {', '.join(COMMANDS)}; none runs the service"
HELP = ("-h", "--help")
# Module and function of what is printed without an environment. A command loads what it needs, no more: the
# container asks `health` twice a minute, and pays for each import.
PRINTS: Mapping[str, tuple[str, str]] = {
    "schema": ("processor.wire.schema", "printed"),
    "settings": ("processor.settings", "described"),
    "metrics": ("processor.metric", "printed"),
}
ALONE = {"migrate", "properties", "engine", "child"}
ASKS = {"health": "/health", "ready": "/ready"}


def main(arguments: list[str]) -> int:
    """Run a command; its exit code."""
    if arguments and arguments[0] in HELP:
        print(USAGE, "", *(f"  {command:<12}{said}" for command, said in COMMANDS.items()), sep="\n")
        return 0
    way = {"rules": _rules, "alarms": _alarms}.get(arguments[0] if arguments else "")
    return _command(arguments) if way is None else way(arguments[1:])


def _rules(arguments: list[str]) -> int:
    asked = import_module("processor.alarms.request")
    request = asked.from_arguments(arguments)
    if asked.needs_no_environment(request):
        code: int = _load("processor.alarms.command", "alone")(request)
        return code
    return _asked("processor.alarms.command", request, asked.instead(request))


def _alarms(arguments: list[str]) -> int:
    return _asked(
        "processor.alarms.handling", _load("processor.alarms.handling_request", "from_arguments")(arguments)
    )


def _asked(module: str, request: object, instead: str = "") -> int:
    """instead: what does without the environment, told where that cannot be used."""
    try:
        settings = from_environment()
    except SettingsError as error:
        return _unusable(error, instead)
    return _logged(settings.environment, lambda: _load(module, "run")(settings, request))


def _unusable(error: SettingsError, instead: str = "") -> int:
    print(f"the processor's environment cannot be used: {error}{instead}", file=sys.stderr)
    return 2


def _command(arguments: list[str]) -> int:
    command = arguments[0] if arguments else ""
    replaying = command == "replay"
    if not replaying and (len(arguments) > 1 or command not in {"", *ALONE, *PRINTS, *ASKS}):
        print(USAGE, file=sys.stderr)
        return 2
    if command in PRINTS:
        print(_load(*PRINTS[command])(), end="")
        return 0
    request = _load("processor.replay.request", "from_arguments")(arguments[1:]) if replaying else None
    try:
        if command == "migrate":
            return _migrate()
        settings = from_environment()
        _check_source(command, settings)
        return _run(command, settings, request)
    except SettingsError as error:
        return _unusable(error)


def _load(module: str, name: str) -> Callable[..., Any]:
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function


def _migrate() -> int:
    asked = _load("processor.release", "from_environment")()
    return _logged(asked.environment, lambda: _load("processor.release", "run")(asked))


def _run(command: str, settings: Settings, request: "Request | None") -> int:
    if command == "properties":
        print(_load("processor.engine.properties", "printed")(settings), end="")
        return 0
    if command == "engine":
        _load("processor.engine.launch", "become_engine")(settings)
    if command in ASKS:
        return _ask(command, settings)
    if request is not None:
        return _logged(
            settings.environment, lambda: _load("processor.replay.command", "run")(settings, request)
        )
    module = "processor.service" if command == "" else "processor.engine.run"
    return _logged(settings.environment, lambda: _load(module, "run")(settings))


def _check_source(command: str, settings: Settings) -> None:
    """Two readers of one stream would take the shards from each other."""
    wanted = {"": "poll", "child": "kcl", "engine": "kcl", "properties": "kcl"}.get(command, settings.source)
    if settings.source != wanted:
        raise SettingsError(
            f"SOURCE={settings.source!r}: must be {wanted!r} for this command; with 'kcl' the engine reads "
            "the stream and starts a child for each shard, with 'poll' this process does (docs/engine.md)"
        )


def _ask(command: str, settings: Settings) -> int:
    """Whether the task is well (ready): by its one process, or by what its children tell."""
    if settings.source == "poll":
        well, said = _load("processor.health", "ask")(settings.health_port, ASKS[command])
    else:
        found = _load("processor.engine.vitals", "read")(Path(settings.children_directory))
        judged = _load("processor.engine.health", command)(found, time.monotonic())
        well, said = not judged.because, json.dumps(judged.document())
    print(said)
    return 0 if well else 1


def _logged(environment: str, work: Callable[[], int]) -> int:
    """What is not expected stands in the log, and ends the process."""
    logging = import_module("logging")
    _load("processor.log", "start_logging")(environment)
    try:
        return work()
    except Exception:
        # Nothing is mended by going on: the next process does again what was not committed.
        logging.getLogger("processor").exception("ended by an unexpected error")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
