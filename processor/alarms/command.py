"""`python -m processor rules`: everything made from the settings, done once, told on standard output."""

import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import msgspec
from psycopg import Connection, errors

from processor.alarms import rules, stored, try_command
from processor.alarms.definition import DefinitionError
from processor.alarms.output import show
from processor.alarms.request import Add, Change, List, Remove, Request
from processor.alarms.try_request import Try, TryFile
from processor.secret import DatabaseSecret
from processor.service import AWS_CALLS, stop_on_signals
from processor.settings import Settings
from processor.storage.database import Database, Session, Stopping


def run(settings: Settings, request: Request) -> int:
    """Exit code 0, or 1 when it could not be done."""
    stopping = threading.Event()
    stop_on_signals(stopping)
    client = boto3.Session(region_name=settings.region).client("secretsmanager", config=AWS_CALLS)
    secret = DatabaseSecret(client, settings.database_secret_arn)
    database = Database(secret, settings.database_ca_file, stopping)
    try:
        return done(database, request)
    finally:
        database.close()


def done(database: Database, request: Request) -> int:
    """As `run`, on a database."""

    def ask(session: Session) -> list[str]:
        return list(lines(session.connection, request))

    try:
        show(database.run(ask))
    except (rules.RuleError, *try_command.WRONG, DefinitionError) as error:
        return _ended(str(error))
    except Stopping:
        return _ended("stopped; run it again")
    except (errors.UndefinedTable, errors.UndefinedColumn) as error:
        said = str(error).splitlines()[0]
        return _ended(f"the tables are not this release's ({said}): deploy the release, then run it again")
    return 0


def alone(request: Try | TryFile) -> int:
    """A trial that needs no environment: on a recording, or by a reader's login. Exit code 0, or 1."""
    try:
        if isinstance(request, TryFile):
            show(try_command.of_file(request))
        else:
            show(try_command.by_reader(request))
    except (*try_command.WRONG, DefinitionError) as error:
        return _ended(str(error))
    return 0


def lines(connection: Connection[Any], request: Request) -> Iterator[str]:
    """What is told of a request that is done. Raises RuleError, DefinitionError, WRONG of a trial."""
    match request:
        case List():
            found = rules.rules(connection)
            yield from map(_described, found) if found else ["there is no rule"]
        case Add(name, path, definition, enabled, at_once):
            at = rules.add(connection, name, path, definition, enabled, at_once=at_once)
            yield f"{name} is added; it judges readings from {at.isoformat(timespec='seconds')} on"
        case Change(name, path, definition, enabled):
            at = rules.change(connection, name, path, definition, enabled)
            yield f"{name} is changed for readings from {at.isoformat(timespec='seconds')} on"
        case Remove(name):
            at = rules.remove(connection, name)
            yield f"{name} is removed; it judges no reading from {at.isoformat(timespec='seconds')} on"
        case Try():
            yield from _tried(connection, request)


def _described(rule: rules.Rule) -> str:
    state = "on" if rule.enabled else "off"
    definition = msgspec.json.encode(rule.definition).decode()
    return f"{rule.name}  version {rule.version}  {state}  {rule.path}  {definition}"


def _tried(connection: Connection[Any], asked: Try) -> Iterator[str]:
    if asked.name is not None:
        rule = rules.one(connection, asked.name)
        asked = replace(asked, path=rule.path, definition=rule.definition)
    yield from try_command.of_path(connection, asked, stored.TABLES)


def _ended(why: str) -> int:
    print(f"rules: {why}", file=sys.stderr)
    return 1
