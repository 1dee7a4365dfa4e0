"""The engine in the processor's place: one worker, as the deployed task would run it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from local.engine.home import Home
from processor.engine.properties import printed
from processor.settings import from_environment

READY_SECONDS = 180.0  # the library waits up to 30 s, by chance, before it writes the first leases


def engine_environment(task: Mapping[str, str], directory: Path) -> dict[str, str]:
    """The task's, and what makes the engine of it where the task does not say so itself."""
    children = directory / "children"
    children.mkdir(exist_ok=True)
    return {
        "ENGINE_NAME": f"millrace-{task['ENVIRONMENT']}-processor",  # the deployed lease table's name
        **task,
        "SOURCE": "kcl",
        "CHILDREN_DIRECTORY": str(children),
    }


def program(home: Home, environment: Mapping[str, str], directory: Path) -> Sequence[str]:
    """What is started with that environment, its properties written. Raises SettingsError."""
    properties = directory / "engine.properties"
    properties.write_text(printed(from_environment(environment)), encoding="utf-8")
    return home.command(properties)
