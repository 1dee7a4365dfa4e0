"""The table of rules: what is there, and each change as a new version."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection

from processor.alarms.definition import Definition, DefinitionError, check_path, read
from processor.alarms.pattern import PatternError, expression
from processor.alarms.watch import Watched
from processor.queries import load_queries

logger = logging.getLogger(__name__)
_QUERIES = load_queries()
LAST = 2**62  # µs: no reading is later

# Every processor asks for the rules more often than this, so all know a version before it judges.
AHEAD_SECONDS = 60

# A shard is read in the order in which its records arrived, but their stamps may go back a little: "no
# guarantees about the time stamp accuracy, or that the time stamp is always increasing",
# https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html. A day is far more.
BACK_MICROSECONDS = 86_400_000_000


class RuleError(ValueError):
    """A rule cannot be written as asked: the message says why, and what to do."""


@dataclass(frozen=True)
class Rule:
    """The newest version of a rule. `applies_from`: it judges what reaches the stream from then on."""

    id: int
    name: str
    version: int
    path: str
    definition: Definition
    enabled: bool
    applies_from: datetime


def rules(connection: Connection[Any]) -> list[Rule]:
    """All that are not removed, by name. Raises DefinitionError for what a later release has written."""
    found = connection.execute(_QUERIES["alarm_rules"])
    return [
        Rule(number, name, version, path, read(text), enabled, at)
        for number, name, version, path, text, enabled, at in found
    ]


def watched(connection: Connection[Any], reached: int) -> list[Watched]:
    """Each version that may judge a record of a shard that was read as far as `reached`, µs since 1970.

    One whose definition or path this release does not take is left out and logged: the others must go on.
    """
    found: list[Watched] = []
    for rule, version, path, text, judges, since, until in connection.execute(
        _QUERIES["alarm_versions"], {"reached": reached - BACK_MICROSECONDS}
    ):
        if not judges:
            continue
        try:
            definition, paths = read(text), expression(path)
        except (DefinitionError, PatternError) as error:
            logger.error("a rule is left out", extra={"rule": rule, "version": version, "cause": str(error)})
            continue
        end = LAST if until is None else until
        found.append(Watched(rule, version, paths, definition, since, end))
    return found


def add(
    connection: Connection[Any],
    name: str,
    path: str,
    definition: Definition,
    enabled: bool,
    *,
    at_once: bool = False,
) -> datetime:
    """A new rule; when it begins to judge. A name that was removed may come back.

    at_once: without the minute in which every processor comes to know it, where none has read yet. Raises
    RuleError, DefinitionError.
    """
    if _find(connection, name) is not None:
        raise RuleError(f"there is a rule {name!r} already: change it with `rules change {name}`")
    with connection.transaction():
        if at_once:
            _check_unread(connection)
        connection.execute(_QUERIES["name_alarm_rule"], {"name": name})
        ahead = 0 if at_once else AHEAD_SECONDS
        return _write(connection, name, path, definition, enabled=enabled, ahead=ahead)


def change(
    connection: Connection[Any],
    name: str,
    path: str | None = None,
    definition: Definition | None = None,
    enabled: bool | None = None,
) -> datetime:
    """A new version, in which what is None stays. Raises RuleError, DefinitionError."""
    rule = _known(connection, name)
    return _write(
        connection,
        name,
        path or rule.path,
        definition or rule.definition,
        enabled=rule.enabled if enabled is None else enabled,
        after=rule.version,
    )


def remove(connection: Connection[Any], name: str) -> datetime:
    """A last version, which judges nothing. Raises RuleError."""
    rule = _known(connection, name)
    return _write(
        connection, name, rule.path, rule.definition, enabled=False, removed=True, after=rule.version
    )


def one(connection: Connection[Any], name: str) -> Rule:
    """Raises RuleError."""
    return _known(connection, name)


def _check_unread(connection: Connection[Any]) -> None:
    """Whoever takes a shard meanwhile waits for this transaction, and then knows the rule."""
    connection.execute(_QUERIES["hold_shards"])
    if connection.execute(_QUERIES["a_shard"]).fetchone() is not None:
        raise RuleError(
            "--at-once is for a plant whose stream nobody has read yet, and a processor has read this one: "
            f"leave it out, and the rule judges in {AHEAD_SECONDS} s"
        )


def _find(connection: Connection[Any], name: str) -> Rule | None:
    return next((rule for rule in rules(connection) if rule.name == name), None)


def _known(connection: Connection[Any], name: str) -> Rule:
    if (rule := _find(connection, name)) is None:
        raise RuleError(f"there is no rule {name!r}: `rules list` shows those that there are")
    return rule


def _check_pattern(name: str, path: str) -> None:
    try:
        expression(path)
    except PatternError as error:
        raise RuleError(f"rule {name!r} cannot be written: {error}") from None


def _write(
    connection: Connection[Any],
    name: str,
    path: str,
    definition: Definition,
    *,
    enabled: bool,
    removed: bool = False,
    after: int | None = None,
    ahead: int = AHEAD_SECONDS,
) -> datetime:
    if not removed:  # what is removed may have been written before its path was refused
        _check_pattern(name, path)
        check_path(path, definition)
    found = connection.execute(_QUERIES["alarm_rule"], {"name": name}).fetchone()
    if found is None:
        raise RuntimeError(f"rule {name!r} has no number")
    rule, version = found
    given = {
        "rule": rule,
        "version": (version if after is None else after) + 1,
        "path": path,
        "definition": msgspec.json.encode(definition).decode(),
        "enabled": enabled,
        "removed": removed,
        "ahead": ahead,
    }
    written = connection.execute(_QUERIES["write_alarm_rule"], given).fetchone()
    if written is None:
        raise RuleError(f"rule {name!r} was changed by somebody else meanwhile: look at it, and try again")
    applies_from: datetime = written[0]
    return applies_from
